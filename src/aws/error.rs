//! SDK errors -> port errors, with the service's code and request id.

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::{display::DisplayErrorContext, metadata::ProvideErrorMetadata};

use crate::engine::ports::PortError;

/// Codes that say "later". Source: AWS SDK reference guide, "Retry behavior".
const TRANSIENT: [&str; 11] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "SlowDown",
    "RequestTimeout",
    "InternalServerError",
    "InternalServiceErrorException",
];

/// Maps any failed call.
pub(super) fn port_error<E>(
    service: &'static str,
    operation: &'static str,
) -> impl Fn(SdkError<E, HttpResponse>) -> PortError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    move |error| {
        let response = error.raw_response();
        let status = response.map(|response| response.status().as_u16());
        let request_id = response
            .and_then(|response| {
                let headers = response.headers();
                headers.get("x-amzn-requestid").or_else(|| headers.get("x-amz-request-id"))
            })
            .map(str::to_owned);
        match error.as_service_error() {
            Some(inner) => {
                let code = inner
                    .code()
                    .map_or_else(|| format!("HTTP {}", status.unwrap_or_default()), str::to_owned);
                PortError::Service {
                    service,
                    operation,
                    message: inner.message().unwrap_or("no message").to_owned(),
                    transient: status.is_some_and(|s| s >= 500) || TRANSIENT.contains(&code.as_str()),
                    code,
                    request_id,
                }
            }
            None => PortError::Unreachable { service, operation, message: root_cause(&error) },
        }
    }
}

/// The innermost reason: the chain above it only says that a request failed.
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let text = cause.to_string();
    if text.is_empty() { DisplayErrorContext(error).to_string() } else { text }
}

/// Whether a call failed with one of these codes.
pub(super) fn has_code(error: &PortError, codes: &[&str]) -> bool {
    matches!(error, PortError::Service { code, .. } if codes.contains(&code.as_str()))
}
