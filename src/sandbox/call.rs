//! One call to one service, freed of its wire protocol, and its answer.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::Value;

/// Who made a call: the signature was verified before this was built.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The access key the call was signed with.
    pub access_key_id: String,
    /// 12-digit account the key belongs to.
    pub account: String,
    /// Region of the credential scope (the sandbox's own region for SigV4A).
    pub region: String,
    /// Who the key belongs to: the sandbox's user, or a session of a role.
    pub arn: String,
    /// Its id, as `GetCallerIdentity` tells it.
    pub user_id: String,
}

/// An error in the service's own terms.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ServiceError {
    /// HTTP status.
    pub status: u16,
    /// The service's error code, as `ResourceNotFoundException`.
    pub code: &'static str,
    /// For people.
    pub message: String,
}

impl ServiceError {
    /// A client error (HTTP 400, as the JSON protocols use for nearly all of them).
    pub fn client(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, code, message: message.into() }
    }

    /// A fault of the sandbox itself, as a failed disk write.
    pub fn internal(message: impl Into<String>) -> Self {
        Self { status: 500, code: "InternalServerError", message: message.into() }
    }

    /// The answer to any operation that the sandbox does not have.
    pub fn not_in_sandbox(service: &str, operation: &str) -> Self {
        Self::client("UnknownOperationException", format!("{service} {operation} is not in the sandbox"))
    }
}

impl From<std::io::Error> for ServiceError {
    fn from(error: std::io::Error) -> Self {
        Self::internal(format!("the sandbox could not keep its state: {error}"))
    }
}

/// What a service answers: the output shape's members as JSON. Timestamps are numbers of seconds since the epoch.
pub type Answer = Result<Value, ServiceError>;

/// A request to a service that reads paths and headers itself; its signature was verified.
#[derive(Debug, Clone)]
pub struct RawRequest {
    /// HTTP method.
    pub method: String,
    /// Path as sent, still percent-encoded.
    pub path: String,
    /// Query as sent, without the question mark.
    pub query: String,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Body.
    pub body: Bytes,
}

/// The answer to a [`RawRequest`].
#[derive(Debug, Clone)]
pub struct RawResponse {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Bytes,
}

impl RawResponse {
    /// A response with a body of one type.
    pub fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self { status, headers: vec![("content-type".into(), content_type.into())], body: body.into() }
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}
