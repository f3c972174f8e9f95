//! Whom a statement of a resource's own policy is about.
//!
//! Source: IAM user guide, "AWS JSON policy elements: Principal".

use serde_json::Value;

use super::{parse::PolicyError, values};

/// `Principal` or `NotPrincipal`.
#[derive(Debug, Clone)]
pub(super) struct Principals {
    pub negated: bool,
    /// Type (`AWS`, `Service`, `Federated`, `CanonicalUser`) and id.
    ids: Vec<(String, String)>,
}

/// Who makes a request, as a policy may name it.
#[derive(Debug, Clone)]
pub enum Identity {
    /// A user, or a session of a role with the role's ARN.
    Aws {
        /// 12 digits.
        account: String,
        /// Of the user or the session.
        arn: String,
        /// Of the role.
        role: Option<String>,
    },
    /// A service of AWS, as `tasks.apprunner.amazonaws.com`.
    Service(String),
}

/// How a statement names who makes a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Match {
    /// By the account: its own policies have to allow it, too.
    Account,
    /// As itself, or as anybody.
    Itself,
}

impl Principals {
    pub(super) fn read(value: &Value, negated: bool) -> Result<Self, PolicyError> {
        let mut ids = Vec::new();
        match value {
            Value::String(text) if text == "*" => ids.push(("AWS".to_owned(), "*".to_owned())),
            Value::Object(map) if !map.is_empty() => {
                for (kind, named) in map {
                    if !["AWS", "Service", "Federated", "CanonicalUser"].contains(&kind.as_str()) {
                        return Err(PolicyError::Principal(format!("\"{kind}\"")));
                    }
                    let texts = super::parse::texts(named).ok_or(PolicyError::Syntax)?;
                    for text in texts {
                        if !is_principal(kind, &text) {
                            return Err(PolicyError::Principal(format!("\"{kind}\":\"{text}\"")));
                        }
                        ids.push((kind.clone(), text));
                    }
                }
            }
            _ => return Err(PolicyError::Syntax),
        }
        Ok(Self { negated, ids })
    }

    pub(super) fn named(&self) -> impl Iterator<Item = (&str, &str)> {
        self.ids.iter().map(|(kind, id)| (kind.as_str(), id.as_str()))
    }

    /// How this names an identity, if it does.
    pub(super) fn names(&self, identity: &Identity) -> Option<Match> {
        let found = self.ids.iter().filter_map(|(kind, id)| one(kind, id, identity)).max();
        match (self.negated, found) {
            (false, found) => found,
            (true, None) => Some(Match::Itself),
            (true, Some(_)) => None,
        }
    }
}

fn one(kind: &str, id: &str, identity: &Identity) -> Option<Match> {
    if id == "*" && kind == "AWS" {
        return Some(Match::Itself);
    }
    match (kind, identity) {
        ("Service", Identity::Service(name)) => (id == name || id == "*").then_some(Match::Itself),
        ("AWS", Identity::Aws { account, arn, role }) => {
            if id == arn || role.as_deref() == Some(id) {
                return Some(Match::Itself);
            }
            let whole = id == account || id == format!("arn:aws:iam::{account}:root");
            whole.then_some(Match::Account)
        }
        _ => None,
    }
}

/// Whether a text can be the id of a principal of a type.
fn is_principal(kind: &str, text: &str) -> bool {
    if kind != "AWS" {
        return !text.is_empty() && (kind != "Service" || text.ends_with(".amazonaws.com"));
    }
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    if text == "*" || is_account(text) {
        return true;
    }
    let Some(parts) = values::arn(text) else { return false };
    let whole = parts[1].starts_with("aws") && parts[3].is_empty() && is_account(parts[4]);
    whole
        && match parts[2] {
            "iam" => {
                parts[5] == "root"
                    || ["user/", "role/"].iter().any(|s| parts[5].strip_prefix(s).is_some_and(is_named))
            }
            "sts" => ["assumed-role/", "federated-user/"]
                .iter()
                .any(|start| parts[5].strip_prefix(start).is_some_and(is_named)),
            _ => false,
        }
}

/// A wildcard stands for no part of a principal's name.
fn is_named(rest: &str) -> bool {
    !rest.is_empty() && !rest.contains(['*', '?'])
}
