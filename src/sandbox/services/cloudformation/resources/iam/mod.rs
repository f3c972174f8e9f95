//! Kinds of IAM, and what they share.

mod managed_policy;
mod policy;
mod provider;
mod role;

pub(super) use managed_policy::ManagedPolicy;
pub(super) use policy::InlinePolicy;
pub(super) use provider::OidcProvider;
pub(super) use role::Role;

use serde_json::{Value, json};

use crate::sandbox::{call::ServiceError, services::cloudformation::template::Made};

use super::{At, Outcome, Properties, shape};

fn made(physical: &str, attributes: Value) -> Made {
    Made { physical: physical.to_owned(), attributes: attributes.as_object().cloned().unwrap_or_default() }
}

fn found<T>(outcome: Outcome<T>) -> Outcome<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.code == "NoSuchEntity" => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is gone already is no error.
fn gone<T>(outcome: Outcome<T>) -> Outcome<()> {
    found(outcome).map(|_| ())
}

/// Documents are given as structures or as text, and taken as text.
fn document(value: &Value) -> Value {
    shape::worded(value)
}

/// A document as it is shown: encoded, and as a structure in a template.
fn shown(encoded: &Value) -> Value {
    let text = encoded.as_str().unwrap_or_default();
    let text = percent_encoding::percent_decode_str(text).decode_utf8_lossy();
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

/// The texts of a list.
fn texts(value: Option<&Value>) -> Vec<String> {
    let all = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    all.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Makes tags what they are to be, by the operations with these names, of what the member names.
async fn retag(
    at: &At,
    what: &str,
    member: &str,
    value: &str,
    old: Option<&Value>,
    new: Option<&Value>,
) -> Outcome<()> {
    if old == new {
        return Ok(());
    }
    let keys = |tags: Option<&Value>| -> Vec<String> {
        let tags = tags.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        tags.iter().filter_map(|tag| tag["Key"].as_str().map(str::to_owned)).collect()
    };
    let kept = keys(new);
    let removed: Vec<String> = keys(old).into_iter().filter(|key| !kept.contains(key)).collect();
    if !removed.is_empty() {
        at.call("iam", &format!("Untag{what}"), json!({ member: value, "TagKeys": removed })).await?;
    }
    if !kept.is_empty() {
        at.call("iam", &format!("Tag{what}"), json!({ member: value, "Tags": new })).await?;
    }
    Ok(())
}

/// Takes from what a role is, or a managed policy, what other resources of its stack attached to it: that is no drift.
/// Source: CloudFormation user guide, "Detect unmanaged configuration changes" (resource attachments).
pub fn forget_attachments<'a>(
    kind: &str,
    physical: &str,
    actual: &mut Properties,
    others: impl Iterator<Item = (&'a str, &'a str, &'a Properties)>,
) {
    let mut forget = |list: &str, is_it: &dyn Fn(&Value) -> bool| {
        if let Some(Value::Array(all)) = actual.get_mut(list) {
            all.retain(|one| !is_it(one));
        }
    };
    for (other, id, properties) in others {
        let names = |list: &str| texts(properties.get(list)).iter().any(|name| name == physical);
        match (kind, other) {
            ("AWS::IAM::Role", "AWS::IAM::Policy") if names("Roles") => {
                let name = properties.get("PolicyName");
                forget("Policies", &|policy| policy.get("PolicyName") == name);
            }
            ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy") if names("Roles") => {
                forget("ManagedPolicyArns", &|arn| arn == id);
            }
            ("AWS::IAM::ManagedPolicy", "AWS::IAM::Role") if names("ManagedPolicyArns") => {
                forget("Roles", &|role| role == id);
            }
            _ => {}
        }
    }
}

/// A refusal of what a template says.
fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidRequest", message)
}
