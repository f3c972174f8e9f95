//! What IAM keeps, and how it shows it.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::sandbox::{call::ServiceError, tags::Tag};

use super::{managed, refuse};

/// What is left as it is in a document that is shown. Source: RFC 3986, unreserved characters.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// All of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Account {
    /// By name in small letters: names differ in more than case.
    pub roles: BTreeMap<String, Role>,
    /// By ARN.
    pub policies: BTreeMap<String, Managed>,
    /// By ARN.
    pub providers: BTreeMap<String, Provider>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Role {
    pub name: String,
    pub path: String,
    pub id: String,
    pub arn: String,
    /// Seconds since the epoch.
    pub created: i64,
    pub trust: String,
    pub description: Option<String>,
    /// Seconds.
    pub longest_session: i64,
    /// ARN of a policy.
    pub boundary: Option<String>,
    pub tags: Vec<Tag>,
    /// Documents by name.
    pub inline: BTreeMap<String, String>,
    /// ARNs.
    pub attached: Vec<String>,
}

/// A managed policy of this account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Managed {
    pub name: String,
    pub path: String,
    pub id: String,
    pub arn: String,
    pub created: i64,
    pub updated: i64,
    pub description: Option<String>,
    pub tags: Vec<Tag>,
    /// By number.
    pub versions: BTreeMap<u64, Version>,
    /// The number that is in force.
    pub default: u64,
    /// The number that the next gets: none is used again.
    pub next: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Version {
    pub document: String,
    pub created: i64,
}

/// An OpenID Connect provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Provider {
    pub arn: String,
    pub url: String,
    pub clients: Vec<String>,
    pub thumbprints: Vec<String>,
    pub created: i64,
    pub tags: Vec<Tag>,
}

pub(super) fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

/// A time as IAM writes it.
pub(super) fn date(seconds: i64) -> Value {
    let at = OffsetDateTime::from_unix_timestamp(seconds).ok();
    at.and_then(|at| at.format(&Rfc3339).ok()).into()
}

/// A document as it is shown.
pub(super) fn encoded(document: &str) -> String {
    utf8_percent_encode(document, KEPT).to_string()
}

/// A fresh id. Source: IAM user guide, "IAM identifiers", unique ID prefixes.
pub(super) fn fresh_id(prefix: &str) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let tail = rand::random::<[u8; 17]>().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    format!("{prefix}{}", tail.iter().collect::<String>())
}

/// Characters that count: white space does not. Source: IAM user guide, "IAM and AWS STS quotas".
pub(super) fn size(document: &str) -> usize {
    document.chars().filter(|c| !c.is_whitespace()).count()
}

impl Account {
    pub(super) fn role(&self, name: &str) -> Result<&Role, ServiceError> {
        self.roles.get(&name.to_ascii_lowercase()).ok_or_else(|| refuse::no_role(name))
    }

    pub(super) fn role_mut(&mut self, name: &str) -> Result<&mut Role, ServiceError> {
        self.roles.get_mut(&name.to_ascii_lowercase()).ok_or_else(|| refuse::no_role(name))
    }

    /// A role that is the account's own to change.
    pub(super) fn own_role(&mut self, name: &str) -> Result<&mut Role, ServiceError> {
        let role = self.role_mut(name)?;
        if role.is_linked() { Err(refuse::protected(&role.name)) } else { Ok(role) }
    }

    /// The document of a managed policy that is in force, whether AWS's or the account's.
    pub(super) fn document(&self, arn: &str) -> Option<String> {
        match self.policies.get(arn) {
            Some(policy) => policy.versions.get(&policy.default).map(|version| version.document.clone()),
            None => managed::find(arn).map(|policy| policy.document.to_owned()),
        }
    }

    pub(super) fn attachments(&self, arn: &str) -> usize {
        self.roles.values().filter(|role| role.attached.iter().any(|there| there == arn)).count()
    }

    pub(super) fn boundaries(&self, arn: &str) -> usize {
        self.roles.values().filter(|role| role.boundary.as_deref() == Some(arn)).count()
    }
}

impl Role {
    /// Whether it belongs to a service, which alone may change it.
    pub(super) fn is_linked(&self) -> bool {
        self.path.starts_with("/aws-service-role/")
    }

    /// What a list says of it.
    pub(super) fn brief(&self) -> Value {
        json!({
            "Path": self.path,
            "RoleName": self.name,
            "RoleId": self.id,
            "Arn": self.arn,
            "CreateDate": date(self.created),
            "AssumeRolePolicyDocument": encoded(&self.trust),
            "Description": self.description,
            "MaxSessionDuration": self.longest_session,
        })
    }

    /// All that is said of it.
    pub(super) fn show(&self) -> Value {
        let mut shown = self.brief();
        if let Some(boundary) = &self.boundary {
            shown["PermissionsBoundary"] = json!({
                "PermissionsBoundaryType": "PermissionsBoundaryPolicy",
                "PermissionsBoundaryArn": boundary,
            });
        }
        if !self.tags.is_empty() {
            shown["Tags"] = json!(self.tags);
        }
        shown
    }
}

impl Managed {
    pub(super) fn brief(&self, account: &Account) -> Value {
        json!({
            "PolicyName": self.name,
            "PolicyId": self.id,
            "Arn": self.arn,
            "Path": self.path,
            "DefaultVersionId": format!("v{}", self.default),
            "AttachmentCount": account.attachments(&self.arn),
            "PermissionsBoundaryUsageCount": account.boundaries(&self.arn),
            "IsAttachable": true,
            "CreateDate": date(self.created),
            "UpdateDate": date(self.updated),
        })
    }

    pub(super) fn show(&self, account: &Account) -> Value {
        let mut shown = self.brief(account);
        shown["Description"] = json!(self.description);
        if !self.tags.is_empty() {
            shown["Tags"] = json!(self.tags);
        }
        shown
    }
}
