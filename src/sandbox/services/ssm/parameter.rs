//! One parameter and its versions.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::sandbox::{hidden::Hidden, tags::Tag};

pub(super) const SECURE: &str = "SecureString";
pub(super) const TYPES: [&str; 3] = ["String", "StringList", SECURE];

/// The one key there is.
pub(super) const KEY: &str = "alias/aws/ssm";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Tier {
    Standard,
    Advanced,
}

impl Tier {
    pub fn name(self) -> &'static str {
        match self {
            Self::Standard => "Standard",
            Self::Advanced => "Advanced",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Version {
    pub number: i64,
    pub value: Hidden,
    /// What is told of a `SecureString` to those who do not ask for it in clear.
    pub sealed: Option<String>,
    pub description: Option<String>,
    pub pattern: Option<String>,
    pub tier: Tier,
    /// Milliseconds since the epoch.
    pub modified: i64,
    /// The ARN of who made it.
    pub by: String,
    pub labels: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Parameter {
    pub arn: String,
    pub name: String,
    pub kind: String,
    pub tags: Vec<Tag>,
    /// Oldest first; there is always one.
    pub versions: Vec<Version>,
}

/// Stands for a ciphertext: it begins and is as long as one of KMS, and the rest is random. Nothing can make the value of
/// it, which is what one who may not decrypt is to find.
pub(super) fn seal(value: &str) -> String {
    let mut bytes = vec![1, 2, 2, 0, 120];
    bytes.extend((0..value.len() + 150).map(|_| rand::random::<u8>()));
    STANDARD.encode(bytes)
}

impl Parameter {
    pub fn latest(&self) -> &Version {
        self.versions.last().expect("a parameter is made with a version")
    }

    pub fn version(&self, number: i64) -> Option<&Version> {
        self.versions.iter().find(|version| version.number == number)
    }

    pub fn is_secure(&self) -> bool {
        self.kind == SECURE
    }

    fn value<'a>(&self, version: &'a Version, decrypt: bool) -> &'a str {
        match &version.sealed {
            Some(sealed) if !decrypt => sealed,
            _ => &version.value.0,
        }
    }

    /// A version as those see it who ask for values.
    pub fn shown(&self, version: &Version, decrypt: bool) -> Value {
        json!({
            "Name": self.name,
            "ARN": self.arn,
            "Type": self.kind,
            "Value": self.value(version, decrypt),
            "Version": version.number,
            "LastModifiedDate": version.modified as f64 / 1000.0,
            "DataType": "text",
        })
    }

    /// A version as those see it who ask what there is.
    pub fn described(&self, version: &Version) -> Value {
        let mut answer = json!({
            "Name": self.name,
            "Type": self.kind,
            "Version": version.number,
            "Tier": version.tier.name(),
            "LastModifiedDate": version.modified as f64 / 1000.0,
            "LastModifiedUser": version.by,
            "DataType": "text",
            "Policies": [],
        });
        for (member, value) in [
            ("Description", version.description.as_deref()),
            ("AllowedPattern", version.pattern.as_deref()),
            ("KeyId", self.is_secure().then_some(KEY)),
        ] {
            if let Some(value) = value {
                answer[member] = value.into();
            }
        }
        answer
    }

    /// A version as its history tells it.
    pub fn told(&self, version: &Version, decrypt: bool) -> Value {
        let mut answer = self.described(version);
        answer["Value"] = self.value(version, decrypt).into();
        answer["Labels"] = json!(version.labels);
        answer
    }
}
