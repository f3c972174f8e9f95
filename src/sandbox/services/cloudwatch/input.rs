//! Members of an input, whichever protocol brought them: Query has only texts, JSON and CBOR have numbers and times.
//!
//! It refuses to know what the members mean.

use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::sandbox::call::ServiceError;

/// A value that is not allowed.
pub(super) fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidParameterValueException", message)
}

/// Values that do not go together.
pub(super) fn combination(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidParameterCombinationException", message)
}

/// A member that has to be there.
pub(super) fn missing(name: &str) -> ServiceError {
    ServiceError::client("MissingRequiredParameterException", format!("The parameter {name} is required."))
}

/// What operations without errors of their own answer.
pub(super) fn validation(message: impl Into<String>) -> ServiceError {
    ServiceError::client("ValidationError", message)
}

/// A text that is there and not empty.
pub(super) fn text<'a>(of: &'a Value, name: &str) -> Option<&'a str> {
    of[name].as_str().filter(|text| !text.is_empty())
}

/// Such a text, or the error for its lack.
///
/// # Errors
/// When it is not there.
pub(super) fn required<'a>(of: &'a Value, name: &str) -> Result<&'a str, ServiceError> {
    text(of, name).ok_or_else(|| missing(name))
}

/// A number, also as a text.
///
/// # Errors
/// When it is something else, or not finite.
pub(super) fn number(of: &Value, name: &str) -> Result<Option<f64>, ServiceError> {
    as_number(&of[name]).map_err(|()| invalid(format!("The value for parameter {name} is not a number.")))
}

fn as_number(value: &Value) -> Result<Option<f64>, ()> {
    match value {
        Value::Null => Ok(None),
        Value::Number(n) => Ok(n.as_f64()),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => text.parse().ok().filter(|n: &f64| n.is_finite()).map(Some).ok_or(()),
        _ => Err(()),
    }
}

/// A whole number.
///
/// # Errors
/// When it is something else.
pub(super) fn integer(of: &Value, name: &str) -> Result<Option<i64>, ServiceError> {
    match number(of, name)? {
        Some(n) if n.fract() != 0.0 || n.abs() > 1e15 => {
            Err(invalid(format!("The value for parameter {name} is not an integer.")))
        }
        other => Ok(other.map(|n| n as i64)),
    }
}

/// A truth value, also as a text.
pub(super) fn boolean(of: &Value, name: &str) -> Option<bool> {
    match &of[name] {
        Value::Bool(b) => Some(*b),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// A time in seconds since the epoch; as a text, it is of RFC 3339 (Query) or a number.
///
/// # Errors
/// When it is something else.
pub(super) fn time(of: &Value, name: &str) -> Result<Option<f64>, ServiceError> {
    match &of[name] {
        Value::String(text) if !text.is_empty() => {
            let text = text.trim();
            let at = OffsetDateTime::parse(text, &Rfc3339).or_else(|_| {
                // Some clients leave the zone out, which is then UTC.
                OffsetDateTime::parse(&format!("{text}Z"), &Rfc3339)
            });
            match at {
                Ok(at) => Ok(Some(at.unix_timestamp_nanos() as f64 / 1e9)),
                Err(_) => number(of, name),
            }
        }
        _ => number(of, name),
    }
}

/// A list; none is an empty one, and so is the empty text that Query has for it.
pub(super) fn list<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of[name].as_array().map_or(&[], Vec::as_slice)
}

/// A list of texts.
pub(super) fn texts(of: &Value, name: &str) -> Vec<String> {
    list(of, name).iter().filter_map(|one| one.as_str().map(str::to_owned)).collect()
}

/// A list of numbers.
///
/// # Errors
/// When one is something else.
pub(super) fn numbers(of: &Value, name: &str) -> Result<Vec<f64>, ServiceError> {
    list(of, name)
        .iter()
        .map(|one| as_number(one).ok().flatten())
        .collect::<Option<_>>()
        .ok_or_else(|| invalid(format!("The parameter {name} has a value that is not a number.")))
}

/// Seconds since the epoch, now.
pub(super) fn now() -> f64 {
    OffsetDateTime::now_utc().unix_timestamp_nanos() as f64 / 1e9
}

/// A page of what there is, and the token for the next one: the place where it begins.
///
/// # Errors
/// For a token that is none.
pub(super) fn page<T>(
    all: Vec<T>,
    token: Option<&str>,
    size: usize,
) -> Result<(Vec<T>, Option<String>), ServiceError> {
    let from = match token {
        None => 0,
        Some(token) => {
            token.strip_prefix("page-").and_then(|n| n.parse::<usize>().ok()).ok_or_else(|| {
                ServiceError::client("InvalidNextToken", "The next token specified is invalid.")
            })?
        }
    };
    let more = all.len() > from.saturating_add(size);
    let page = all.into_iter().skip(from).take(size).collect();
    Ok((page, more.then(|| format!("page-{}", from + size))))
}
