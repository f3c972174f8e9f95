//! Values in Secrets Manager and Parameter Store that resources of other services refer to.
//!
//! Invariant: a value that is read stands in no error.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    call::{Caller, ServiceError},
    server,
    world::World,
};

/// A value of a secret, or a part of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretPart<'a> {
    /// Name or ARN.
    pub id: &'a str,
    /// Key in the JSON that the value is; without one, all of it is meant.
    pub key: Option<&'a str>,
    /// Staging label of the version.
    pub stage: Option<&'a str>,
    /// Id of the version.
    pub version: Option<&'a str>,
}

/// How many parts an ARN of a secret has.
const ARN_PARTS: usize = 7;

impl<'a> SecretPart<'a> {
    /// What `GetSecretValue` is asked for it.
    pub fn input(&self) -> Value {
        let mut input = json!({ "SecretId": self.id });
        if let Some(stage) = self.stage {
            input["VersionStage"] = stage.into();
        }
        if let Some(version) = self.version {
            input["VersionId"] = version.into();
        }
        input
    }

    /// The part that is meant of what `GetSecretValue` answers.
    ///
    /// # Errors
    /// When the value is binary, or has no such key.
    pub fn of(&self, answer: &Value) -> Result<String, ServiceError> {
        let text = answer["SecretString"]
            .as_str()
            .ok_or_else(|| broken("the secret's value is binary".to_owned()))?;
        let Some(key) = self.key else { return Ok(text.to_owned()) };
        let value: Value = serde_json::from_str(text).map_err(|_| {
            broken(format!("the secret's value is no JSON in which there could be the key {key}"))
        })?;
        match value.get(key) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(other @ (Value::Number(_) | Value::Bool(_))) => Ok(other.to_string()),
            _ => Err(broken(format!("the secret's value has no key {key}"))),
        }
    }

    /// Reads `id:key:stage:version`, where all but the id may be left out or empty, and the id may be an ARN.
    pub fn read(text: &'a str) -> Option<Self> {
        let skipped = if text.starts_with("arn:") { ARN_PARTS - 1 } else { 0 };
        let end = text.match_indices(':').nth(skipped).map_or(text.len(), |(at, _)| at);
        let (id, rest) = text.split_at(end);
        let mut parts = rest.strip_prefix(':').unwrap_or_default().split(':');
        let mut next = || parts.next().filter(|part| !part.is_empty());
        let found = Self { id, key: next(), stage: next(), version: next() };
        (!id.is_empty() && parts.next().is_none()).then_some(found)
    }
}

fn broken(message: String) -> ServiceError {
    ServiceError::client("InvalidReference", message)
}

/// Reads a secret's value, or the part that is meant.
///
/// # Errors
/// When there is no such secret, version or key, or its value is binary.
pub async fn secret(
    world: &Arc<World>,
    caller: &Caller,
    part: &SecretPart<'_>,
) -> Result<String, ServiceError> {
    part.of(&server::call(world, "secretsmanager", "GetSecretValue", part.input(), caller).await?)
}

/// What `GetParameter` is asked for a parameter: `name`, `name:version` or ARN.
pub fn parameter_input(name: &str) -> Value {
    json!({ "Name": name, "WithDecryption": true })
}

/// The value in what `GetParameter` answers; of a parameter that is secure only where that is expected.
///
/// # Errors
/// When it is of the other kind.
pub fn parameter_of(answer: &Value, secure: Option<bool>) -> Result<String, ServiceError> {
    let found = &answer["Parameter"];
    if secure.is_some_and(|secure| secure != (found["Type"] == "SecureString")) {
        let text = |member: &str| found[member].as_str().unwrap_or_default();
        let (name, kind) = (text("Name"), text("Type"));
        return Err(broken(format!("the parameter {name} is a {kind}, which this reference is not for")));
    }
    Ok(found["Value"].as_str().unwrap_or_default().to_owned())
}

/// Reads a parameter.
///
/// # Errors
/// When there is no such parameter or version.
pub async fn parameter(world: &Arc<World>, caller: &Caller, name: &str) -> Result<String, ServiceError> {
    parameter_of(&server::call(world, "ssm", "GetParameter", parameter_input(name), caller).await?, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_read_after_a_name_and_after_an_arn() {
        let arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf";
        let part = |text| SecretPart::read(text).expect("is one");
        assert_eq!(part(arn), SecretPart { id: arn, ..SecretPart::default() });
        let text = format!("{arn}:password::");
        assert_eq!(part(&text), SecretPart { id: arn, key: Some("password"), ..SecretPart::default() });
        let expected = SecretPart { id: "db", key: Some("k"), stage: Some("AWSPREVIOUS"), version: None };
        assert_eq!(part("db:k:AWSPREVIOUS"), expected);
        assert!(SecretPart::read("").is_none() && SecretPart::read("a:b:c:d:e").is_none());
    }
}
