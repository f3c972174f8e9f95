//! STS: who is calling.

use serde_json::{Value, json};

use crate::sandbox::call::{Answer, Caller, ServiceError};

/// Answers one operation.
///
/// # Errors
/// The service's own.
pub fn handle(operation: &str, _input: &Value, caller: &Caller) -> Answer {
    match operation {
        "GetCallerIdentity" => Ok(json!({
            "Arn": format!("arn:aws:iam::{}:user/sandbox", caller.account),
            "UserId": caller.access_key_id,
            "Account": caller.account,
        })),
        _ => Err(ServiceError::not_in_sandbox("STS", operation)),
    }
}
