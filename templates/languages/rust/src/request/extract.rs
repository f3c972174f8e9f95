//! What handlers take from a request. Wrong input becomes a problem that names the field.

use std::collections::HashMap;

use axum::{
    extract::{FromRequest, FromRequestParts, Query, Request},
    http::{StatusCode, header, request::Parts},
};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// Input with rules that its type alone cannot say.
pub trait Checked: Sized {
    /// The value as it is used (trimmed, for example), or every member that breaks a rule.
    fn checked(self) -> Result<Self, Vec<(String, String)>>;
}

/// A JSON body that keeps to the rules of its type.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + Checked, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if !is_json(&request) {
            let detail = "the body must be application/json";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        // The frame has read the body already: this waits for nothing.
        let body = request
            .into_body()
            .collect()
            .await
            .map_err(|_| malformed())?
            .to_bytes();
        let value: serde_json::Value = serde_json::from_slice(&body).map_err(|_| malformed())?;
        let value: T = serde_path_to_error::deserialize(value).map_err(|error| {
            let (field, message) = field_and_message(&error);
            Problem::invalid(&field, message)
        })?;
        value.checked().map(Self).map_err(|wrong| {
            let in_body = |(field, message)| (format!("body.{field}"), message);
            Problem::invalid_fields(wrong.into_iter().map(in_body).collect())
        })
    }
}

fn is_json(request: &Request) -> bool {
    let kind = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let kind = kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

fn malformed() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "the body is not valid JSON")
}

/// serde's own message may quote the value, so only the names in it are used.
fn field_and_message(
    error: &serde_path_to_error::Error<serde_json::Error>,
) -> (String, &'static str) {
    let said = error.inner().to_string();
    let mut field = match error.path().to_string().as_str() {
        "." => "body".to_owned(),
        path => format!("body.{}", path.chars().take(64).collect::<String>()),
    };
    let message = if said.starts_with("missing field") {
        // The path is that of the object it is missing from.
        if let Some(name) = said.split('`').nth(1) {
            field = format!("{field}.{name}");
        }
        "is required"
    } else if said.starts_with("unknown field") {
        "is not known here"
    } else {
        "has the wrong type"
    };
    (field, message)
}

/// `Idempotency-Key`, where the caller sent one.
pub struct IdempotencyKey(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(key) = parts.headers.get("idempotency-key") else {
            return Ok(Self(None));
        };
        match key.to_str() {
            Ok(key) if (1..=255).contains(&key.len()) => Ok(Self(Some(key.to_owned()))),
            _ => Err(Problem::invalid(
                "header.idempotency-key",
                "must have 1 to 255 printable ASCII characters",
            )),
        }
    }
}

/// `?limit=&cursor=` of a list.
pub struct Page {
    pub limit: usize,
    /// The number of the last item that the caller has; 0 at the beginning.
    pub after: i64,
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(query) = Query::<HashMap<String, String>>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "the query cannot be read"))?;
        let limit = match query.get("limit").map(|limit| limit.parse()) {
            None => 20,
            Some(Ok(limit @ 1..=100)) => limit,
            Some(_) => {
                let message = "must be a number from 1 to 100";
                return Err(Problem::invalid("query.limit", message));
            }
        };
        let after = match query.get("cursor").map(|cursor| number_of(cursor)) {
            None => 0,
            Some(Some(after)) => after,
            Some(None) => {
                let detail = "cursor: not one that this service gave out";
                return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
            }
        };
        Ok(Self { limit, after })
    }
}

/// A place in a list, for callers to give back as it is.
pub fn cursor(after: i64) -> String {
    format!("n{after:x}")
}

fn number_of(cursor: &str) -> Option<i64> {
    i64::from_str_radix(cursor.strip_prefix('n')?, 16)
        .ok()
        .filter(|number| *number >= 0)
}
