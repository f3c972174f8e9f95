//! The errors of IAM, with their codes and statuses.
//!
//! Source: IAM API reference, "Errors" of each operation and "Common errors".

use crate::sandbox::{call::ServiceError, policy::PolicyError};

fn error(status: u16, code: &'static str, message: impl Into<String>) -> ServiceError {
    ServiceError { status, code, message: message.into() }
}

pub(super) fn unknown(operation: &str) -> ServiceError {
    ServiceError::not_in_sandbox("IAM", operation)
}

pub(super) fn missing(message: impl Into<String>) -> ServiceError {
    error(404, "NoSuchEntity", message)
}

pub(super) fn no_role(name: &str) -> ServiceError {
    missing(format!("The role with name {name} cannot be found."))
}

pub(super) fn no_policy(arn: &str) -> ServiceError {
    missing(format!("Policy {arn} was not found."))
}

pub(super) fn exists(message: impl Into<String>) -> ServiceError {
    error(409, "EntityAlreadyExists", message)
}

pub(super) fn conflict(message: impl Into<String>) -> ServiceError {
    error(409, "DeleteConflict", message)
}

pub(super) fn limit(message: impl Into<String>) -> ServiceError {
    error(409, "LimitExceeded", message)
}

pub(super) fn quota(name: &str, most: usize) -> ServiceError {
    limit(format!("Cannot exceed quota for {name}: {most}"))
}

pub(super) fn input(message: impl Into<String>) -> ServiceError {
    error(400, "InvalidInput", message)
}

pub(super) fn validation(message: impl Into<String>) -> ServiceError {
    error(400, "ValidationError", message)
}

/// A member that breaks a rule of its own.
pub(super) fn broken(member: &str, value: &str, rule: &str) -> ServiceError {
    let text = "1 validation error detected: Value";
    validation(format!("{text} '{value}' at '{member}' failed to satisfy constraint: Member must {rule}"))
}

pub(super) fn malformed(why: &PolicyError) -> ServiceError {
    error(400, "MalformedPolicyDocument", why.to_string())
}

pub(super) fn protected(role: &str) -> ServiceError {
    let text = "this role is only modifiable by AWS";
    error(
        400,
        "UnmodifiableEntity",
        format!("Cannot perform the operation on the protected role '{role}' - {text}"),
    )
}
