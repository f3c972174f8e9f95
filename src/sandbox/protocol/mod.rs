//! Wire protocols: what the bytes of a request mean, and the bytes of an answer.
//!
//! AWS JSON 1.0 and 1.1, Smithy RPC v2 CBOR and the Query protocol, as the current SDKs and the AWS CLI send
//! them. Source: smithy.io, "AWS protocols".

mod cbor;
pub mod input;
mod query;

use std::io::Read as _;

use bytes::Bytes;
use http::request::Parts;
use serde_json::{Value, json};

use super::call::{Answer, RawResponse, ServiceError};

pub use query::{Dialect, render as render_query};

/// How a call was written, and so how its answer must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// AWS JSON 1.0 or 1.1, by its content type.
    Json(&'static str),
    /// Smithy RPC v2 CBOR.
    Cbor,
    /// AWS Query: form in, XML out.
    Query,
}

/// One call.
#[derive(Debug)]
pub struct Call {
    /// How it was written.
    pub protocol: Protocol,
    /// Operation.
    pub operation: String,
    /// Input members.
    pub input: Value,
}

fn header<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    parts.headers.get(name).and_then(|value| value.to_str().ok())
}

/// How a request is written, as its head says.
pub fn of(parts: &Parts) -> Option<Protocol> {
    let content = header(parts, "content-type").unwrap_or_default();
    if header(parts, "x-amz-target").is_some() {
        let old = content.starts_with("application/x-amz-json-1.0");
        return Some(Protocol::Json(if old {
            "application/x-amz-json-1.0"
        } else {
            "application/x-amz-json-1.1"
        }));
    }
    if header(parts, "smithy-protocol") == Some("rpc-v2-cbor") {
        return Some(Protocol::Cbor);
    }
    content.starts_with("application/x-www-form-urlencoded").then_some(Protocol::Query)
}

/// Reads a request.
///
/// # Errors
/// [`ServiceError`] for a request that is in none of the protocols.
pub fn read(parts: &Parts, body: &Bytes) -> Result<Call, ServiceError> {
    let broken = |why: String| ServiceError::client("SerializationException", why);
    let unknown =
        || ServiceError::client("UnknownOperationException", "the request is in no protocol of the sandbox");
    let protocol = of(parts).ok_or_else(unknown)?;
    let body = &plain(parts, body).map_err(broken)?;
    let last = |text: &str, mark: char| text.rsplit(mark).next().unwrap_or_default().to_owned();
    let (operation, input) = match protocol {
        Protocol::Json(_) => {
            let input = match body.is_empty() {
                true => json!({}),
                false => serde_json::from_slice(body)
                    .map_err(|error| broken(format!("the body is not JSON: {error}")))?,
            };
            (last(header(parts, "x-amz-target").unwrap_or_default(), '.'), input)
        }
        Protocol::Cbor => (last(parts.uri.path(), '/'), cbor::read(body).map_err(broken)?),
        Protocol::Query => query::read(body).map_err(broken)?,
    };
    Ok(Call { protocol, operation, input })
}

/// Whether numbers of a member are times, which CBOR and Query write in their own ways. JSON writes them as numbers.
fn is_time(member: &str) -> bool {
    ["Timestamp", "Timestamps", "LastModified"].iter().any(|end| member.ends_with(end))
}

/// Longest body that a compressed one may become.
const PLAIN_LIMIT: u64 = 8 * 1024 * 1024;

/// The body as it was before the client compressed it, as clients do with many metrics. Source: smithy.io,
/// "requestCompression trait". The signature is that of the compressed body.
fn plain(parts: &Parts, body: &Bytes) -> Result<Bytes, String> {
    match parts.headers.get("content-encoding").and_then(|value| value.to_str().ok()) {
        Some("gzip") => {
            let mut plain = Vec::new();
            let mut reader = flate2::read::GzDecoder::new(body.as_ref()).take(PLAIN_LIMIT + 1);
            reader.read_to_end(&mut plain).map_err(|error| format!("the body is not gzip: {error}"))?;
            if plain.len() as u64 > PLAIN_LIMIT {
                return Err("the body is too long".to_owned());
            }
            Ok(plain.into())
        }
        _ => Ok(body.clone()),
    }
}

/// Writes an answer in the protocol of its call; where that is Query, in the service's dialect.
pub fn write(
    protocol: Protocol,
    dialect: &Dialect,
    operation: &str,
    request_id: &str,
    answer: Answer,
) -> RawResponse {
    let (status, value) = match answer {
        Ok(value) => (200, Ok(value)),
        Err(error) => (error.status, Err(error)),
    };
    match protocol {
        Protocol::Json(content) => match value {
            Ok(value) => RawResponse::new(status, content, value.to_string()),
            Err(error) => RawResponse::new(
                status,
                content,
                json!({ "__type": error.code, "message": error.message }).to_string(),
            )
            .with("x-amzn-errortype", error.code),
        },
        Protocol::Cbor => {
            let value =
                value.unwrap_or_else(|error| json!({ "__type": error.code, "message": error.message }));
            RawResponse::new(status, "application/cbor", cbor::write(&value))
                .with("smithy-protocol", "rpc-v2-cbor")
        }
        Protocol::Query => match value {
            Ok(value) => {
                RawResponse::new(status, "text/xml", query::render(dialect, operation, &value, request_id))
            }
            Err(error) => {
                RawResponse::new(status, "text/xml", query::render_error(dialect, &error, request_id))
            }
        },
    }
}

#[cfg(test)]
mod tests;
