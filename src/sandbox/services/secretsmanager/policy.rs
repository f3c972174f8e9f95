//! Resource policies: read strictly, kept as they were given. What they say to a call, `access` finds out.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::{
    call::{Answer, ServiceError},
    policy::{Kind, Policy},
    protocol::input::{self, length},
};

use super::Call;

/// Longest policy. Source: Secrets Manager user guide, "Quotas".
const LONGEST: usize = 20_480;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Put {
    secret_id: String,
    resource_policy: String,
    block_public_policy: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Named {
    secret_id: String,
}

/// The statements of a text that is such a policy.
fn statements(text: &str) -> Option<Vec<Value>> {
    Policy::read(text, Kind::Resource).ok()?;
    let statements = match serde_json::from_str::<Value>(text).ok()?["Statement"].take() {
        Value::Array(all) => all,
        one => vec![one],
    };
    let named = |one: &Value| one.get("Resource").or(one.get("NotResource")).is_some();
    statements.iter().all(named).then_some(statements)
}

/// Whether a statement lets anyone in. AWS proves it by reasoning over conditions too; here a condition saves nobody.
fn is_public(statement: &Value) -> bool {
    let everyone = |value: &Value| match value {
        Value::Array(all) => all.iter().any(|one| one == "*"),
        one => one == "*",
    };
    let principal = &statement["Principal"];
    statement["Effect"] == "Allow"
        && (everyone(principal) || everyone(&principal["AWS"]) || statement.get("NotPrincipal").is_some())
}

fn malformed() -> ServiceError {
    ServiceError::client("MalformedPolicyDocumentException", "This resource policy contains a syntax error.")
}

pub(super) fn put(call: &Call<'_>, value: Value) -> Answer {
    let wanted: Put = input::read(value)?;
    length("resourcePolicy", &wanted.resource_policy, 1, LONGEST)?;
    let statements = statements(&wanted.resource_policy).ok_or_else(malformed)?;
    if wanted.block_public_policy == Some(true) && statements.iter().any(is_public) {
        let text = "This resource policy grants broad access to the secret.";
        return Err(ServiceError::client("PublicPolicyException", text));
    }
    call.change(&wanted.secret_id, |secret| {
        secret.policy = Some(wanted.resource_policy);
        secret.changed = call.now;
        Ok(json!({ "ARN": secret.arn, "Name": secret.name }))
    })
}

pub(super) fn get(call: &Call<'_>, value: Value) -> Answer {
    let wanted: Named = input::read(value)?;
    call.look(&wanted.secret_id, |secret| {
        let secret = secret.not_deleted()?;
        let mut answer = json!({ "ARN": secret.arn, "Name": secret.name });
        if let Some(policy) = &secret.policy {
            answer["ResourcePolicy"] = policy.as_str().into();
        }
        Ok(answer)
    })
}

pub(super) fn delete(call: &Call<'_>, value: Value) -> Answer {
    let wanted: Named = input::read(value)?;
    call.change(&wanted.secret_id, |secret| {
        secret.policy = None;
        secret.changed = call.now;
        Ok(json!({ "ARN": secret.arn, "Name": secret.name }))
    })
}
