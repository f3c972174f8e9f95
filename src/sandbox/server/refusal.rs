//! What whoever may not be served is told before a service is asked.

use crate::sandbox::{
    auth::AuthError,
    call::{RawResponse, ServiceError},
    door,
};

/// A refused signature in the words of AWS: JSON services and the Query and XML ones use different codes.
pub(super) fn refusal(error: &AuthError, xml: bool) -> ServiceError {
    let code = match (error, xml) {
        (AuthError::Missing, _) => "MissingAuthenticationToken",
        (AuthError::Malformed(_), _) => "IncompleteSignature",
        (AuthError::TokenExpired, true) => "ExpiredToken",
        (AuthError::TokenExpired, false) => "ExpiredTokenException",
        (AuthError::UnknownKey, true) => "InvalidClientTokenId",
        (AuthError::UnknownKey, false) => "UnrecognizedClientException",
        (AuthError::Expired(_) | AuthError::Mismatch | AuthError::OtherRegion { .. }, true) => {
            "SignatureDoesNotMatch"
        }
        (AuthError::Expired(_) | AuthError::Mismatch | AuthError::OtherRegion { .. }, false) => {
            "InvalidSignatureException"
        }
    };
    ServiceError { status: 403, code, message: error.to_string() }
}

/// The answer to a request whose body is too long, or does not come.
pub(super) fn unread(error: &(dyn std::error::Error + 'static)) -> RawResponse {
    let status = if door::is_too_slow(error) { 408 } else { 413 };
    RawResponse::new(status, "text/plain", format!("{error}\n"))
}
