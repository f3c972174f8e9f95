//! `verify.toml`: the requests that exercise a service, so that experiments need to know nothing of its domain.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// File name in a project.
pub const FILE: &str = "verify.toml";

/// A whole `verify.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requests {
    /// A request that changes nothing and is answered with 2xx while all is well.
    pub read: Call,
    /// A write that honours `Idempotency-Key`. Without one, what needs it is not run.
    #[serde(default)]
    pub write: Option<Write>,
    /// A call that reaches each dependency, by its name.
    #[serde(default)]
    pub dependencies: BTreeMap<String, Reach>,
}

/// One request.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// `GET /path`; `{created}` stands for the `Location` of a write made before.
    pub request: Line,
    /// JSON to send; `{unique}` inside a string stands for a text that no other request has.
    #[serde(default)]
    pub body: Option<Value>,
    /// Plain text to send.
    #[serde(default)]
    pub text: Option<String>,
}

/// A write.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Write {
    /// `POST /path`.
    pub request: Line,
    /// What is accepted. A `{unique}` in it lets a request be found again in what `read` answers.
    pub body: Value,
    /// What is refused as invalid.
    pub invalid: Value,
}

/// How a dependency is reached through the service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reach {
    /// Sent once, before the first call.
    #[serde(default)]
    pub prepare: Option<Call>,
    /// A call of it, answered with 2xx while all is well.
    pub call: Call,
}

/// Method and path.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Line {
    /// Method, upper case.
    pub method: String,
    /// Path with its query.
    pub path: String,
}

impl TryFrom<String> for Line {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not of the form `GET /path`");
        let (method, path) = text.split_once(' ').ok_or_else(wrong)?;
        let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].contains(&method);
        if !known || !(path.starts_with('/') || path.starts_with("{created}")) {
            return Err(wrong());
        }
        Ok(Self { method: method.to_owned(), path: path.to_owned() })
    }
}

/// Why a `verify.toml` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RequestsError {
    /// Not of its shape.
    #[error("{FILE}: {0}")]
    Shape(String),
    /// A dependency of the spec that it does not reach.
    #[error("{FILE} says nothing of the dependency `{0}`")]
    Unreached(String),
    /// A dependency that the spec does not have.
    #[error("{FILE} speaks of `{0}`, which pave.toml does not have")]
    Unknown(String),
}

/// Reads a `verify.toml` for a service with these dependencies.
///
/// # Errors
/// [`RequestsError`], naming the place.
pub fn parse(text: &str, dependencies: &[&str]) -> Result<Requests, RequestsError> {
    let requests: Requests =
        toml_edit::de::from_str(text).map_err(|error| RequestsError::Shape(error.to_string()))?;
    if let Some(missing) = dependencies.iter().find(|name| !requests.dependencies.contains_key(**name)) {
        return Err(RequestsError::Unreached((*missing).to_owned()));
    }
    if let Some(other) = requests.dependencies.keys().find(|name| !dependencies.contains(&name.as_str())) {
        return Err(RequestsError::Unknown(other.clone()));
    }
    Ok(requests)
}

/// `{created}` and `{unique}` replaced in every string of a value.
pub fn filled(value: &Value, created: &str, unique: &str) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace("{created}", created).replace("{unique}", unique)),
        Value::Array(items) => items.iter().map(|item| filled(item, created, unique)).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| (name.clone(), filled(member, created, unique)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        read.request = "GET /v1/notes"
        write = { request = "POST /v1/notes", body = { title = "{unique}" }, invalid = { title = 7 } }
        dependencies.db.call.request = "GET {created}"
    "#;

    #[test]
    fn a_file_is_read_and_filled() {
        let requests = parse(GOOD, &["db"]).expect("reads");
        let body = filled(&requests.write.expect("has one").body, "/v1/notes/1", "u-1");
        assert_eq!(body["title"], "u-1");
        assert_eq!(requests.dependencies["db"].call.request.path, "{created}");
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        assert!(
            matches!(parse(GOOD, &["db", "cache"]), Err(RequestsError::Unreached(name)) if name == "cache")
        );
        assert!(matches!(parse(GOOD, &[]), Err(RequestsError::Unknown(name)) if name == "db"));
        let error = parse("read.request = \"FETCH /x\"", &[]).expect_err("refused").to_string();
        assert!(error.contains("`FETCH /x` is not of the form"), "{error}");
    }
}
