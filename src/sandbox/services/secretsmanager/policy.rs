//! Resource policies: kept as they were given, and never asked, as one account calls here.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::{
    call::{Answer, ServiceError},
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

fn statements(policy: &Value) -> Option<Vec<&Value>> {
    let statements: Vec<&Value> = match policy.as_object()?.get("Statement")? {
        Value::Array(all) => all.iter().collect(),
        one => vec![one],
    };
    let whole = |statement: &&Value| {
        let has = |names: [&str; 2]| names.iter().any(|name| statement.get(name).is_some());
        matches!(statement["Effect"].as_str(), Some("Allow" | "Deny"))
            && has(["Principal", "NotPrincipal"])
            && has(["Action", "NotAction"])
            && has(["Resource", "NotResource"])
    };
    (!statements.is_empty() && statements.iter().all(whole)).then_some(statements)
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
    let policy: Value = serde_json::from_str(&wanted.resource_policy).map_err(|_| malformed())?;
    let statements = statements(&policy).ok_or_else(malformed)?;
    if wanted.block_public_policy == Some(true) && statements.into_iter().any(is_public) {
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
