//! Reads the members of an operation's input, for services whose input must not be repeated in an error.
//!
//! Source of the codes: AWS API references, "Common Errors"; the words of a constraint are those the services use.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::sandbox::call::ServiceError;

/// An input that breaks a rule.
pub fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::client("ValidationException", message)
}

/// A member that breaks a rule of its own; its value is not told.
pub fn broken(member: &str, rule: &str) -> ServiceError {
    let text = "1 validation error detected: Value at";
    invalid(format!("{text} '{member}' failed to satisfy constraint: Member must {rule}"))
}

/// Reads an input. A member that the sandbox does not have is refused, and so never left unheeded.
///
/// # Errors
/// For a member that is unknown, missing or of another type.
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T, ServiceError> {
    serde_json::from_value(value).map_err(|error| {
        let text = error.to_string();
        let member = text.split('`').nth(1).unwrap_or_default();
        if text.starts_with("unknown field ") {
            return invalid(format!("the sandbox does not have the member {member}"));
        }
        if text.starts_with("missing field ") {
            return broken(member, "not be null");
        }
        // Serde's own words repeat the value.
        ServiceError::client("SerializationException", "a member is of another type than the operation takes")
    })
}

/// Checks how many characters a text has.
///
/// # Errors
/// When there are too few or too many.
pub fn length(member: &str, text: &str, least: usize, most: usize) -> Result<(), ServiceError> {
    within(member, "have length", text.chars().count(), least, most)
}

/// Checks how many entries a list has, or how large a number is (`what` is then `have value`).
///
/// # Errors
/// When there are too few or too many.
pub fn within<N: PartialOrd + std::fmt::Display>(
    member: &str,
    what: &str,
    number: N,
    least: N,
    most: N,
) -> Result<(), ServiceError> {
    if number < least {
        return Err(broken(member, &format!("{what} greater than or equal to {least}")));
    }
    if number > most {
        return Err(broken(member, &format!("{what} less than or equal to {most}")));
    }
    Ok(())
}

/// Checks a number of entries that is asked for, and says it.
///
/// # Errors
/// When it is not from 1 to `most`.
pub fn limit(asked: Option<i64>, usual: i64, most: i64) -> Result<usize, ServiceError> {
    let asked = asked.unwrap_or(usual);
    within("maxResults", "have value", asked, 1, most)?;
    Ok(asked as usize)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "PascalCase", deny_unknown_fields)]
    struct Input {
        #[allow(dead_code, reason = "only read")]
        secret_string: String,
    }

    #[test]
    fn errors_name_members_and_never_values() {
        for (input, code, words) in [
            (json!({ "SecretString": 8_421_337 }), "SerializationException", "another type"),
            (json!({ "SecretString": ["8421337"] }), "SerializationException", "another type"),
            (json!({}), "ValidationException", "'SecretString'"),
            (json!({ "SecretString": "8421337", "Other": "8421337" }), "ValidationException", "Other"),
        ] {
            let error = read::<Input>(input).expect_err("is refused");
            assert_eq!(error.code, code);
            assert!(error.message.contains(words) && !error.message.contains("8421337"), "{error}");
        }
    }
}
