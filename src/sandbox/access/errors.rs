//! How a service says that somebody may not.
//!
//! Sources: IAM user guide, "Troubleshoot access denied error messages" (the words); the common errors of each service's
//! API reference (code and status).

use crate::sandbox::{
    call::{Caller, ServiceError},
    policy::{Layer, Reason},
};

use super::Need;

/// Why, as AWS says it after the action and the resource.
pub(super) fn words(action: &str, reason: Reason) -> String {
    let layer = |layer| match layer {
        Layer::Identity => "identity-based policy",
        Layer::Boundary => "permissions boundary",
        Layer::Session => "session policy",
        Layer::Resource => "resource-based policy",
    };
    match reason {
        Reason::Explicit(Layer::Identity) => "with an explicit deny in an identity-based policy".to_owned(),
        Reason::Explicit(by) => format!("with an explicit deny in a {}", layer(by)),
        Reason::Implicit(by) => format!("because no {} allows the {action} action", layer(by)),
    }
}

/// Code and status of a refusal by a service, by the name that requests to it are signed for.
fn code(service: &str) -> (&'static str, u16) {
    match service {
        "cloudformation" | "cloudfront" | "iam" | "monitoring" | "rds" | "s3" | "sts" => {
            ("AccessDenied", 403)
        }
        // The code that it had before it spoke JSON.
        "sqs" => ("AccessDenied", 403),
        "bedrock" | "cloudfront-keyvaluestore" => ("AccessDeniedException", 403),
        _ => ("AccessDeniedException", 400),
    }
}

pub(super) fn refusal(service: &str, caller: &Caller, need: &Need, reason: Reason) -> ServiceError {
    // SQS writes its actions small, S3 its resources in quotes.
    let action = if service == "sqs" { need.action.to_lowercase() } else { need.action.clone() };
    let resource = match service {
        "s3" if need.resource != "*" => format!("\"{}\"", need.resource),
        _ => need.resource.clone(),
    };
    let (code, status) = code(service);
    let message = format!(
        "User: {} is not authorized to perform: {action} on resource: {resource} {}",
        caller.arn,
        words(&action, reason)
    );
    ServiceError { status, code, message }
}
