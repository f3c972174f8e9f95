//! Members of an operation's input, and the refusals that all operations share.
//!
//! Source of the codes: RDS API reference, "Common Errors" and the errors of each operation.

use serde_json::{Map, Value};

use crate::sandbox::{
    call::ServiceError,
    tags::{self, Tag},
};

pub(super) fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidParameterValue", message)
}

pub(super) fn combination(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidParameterCombination", message)
}

pub(super) fn not_found(code: &'static str, message: impl Into<String>) -> ServiceError {
    ServiceError { status: 404, code, message: message.into() }
}

/// Members that were not looked at yet.
#[derive(Debug)]
pub(super) struct Input(Map<String, Value>);

impl Input {
    pub fn of(value: Value) -> Self {
        match value {
            Value::Object(map) => Self(map),
            _ => Self(Map::new()),
        }
    }

    /// A text; numbers and flags are texts, as they are in a form.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, ServiceError> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other @ (Value::Number(_) | Value::Bool(_))) => Ok(Some(other.to_string())),
            Some(_) => Err(ServiceError::client("MalformedInput", format!("{name} is not a text"))),
        }
    }

    pub fn needed(&mut self, name: &str) -> Result<String, ServiceError> {
        let missing = || format!("The request must contain the parameter {name}.");
        self.text(name)?
            .filter(|text| !text.is_empty())
            .ok_or_else(|| ServiceError::client("MissingParameter", missing()))
    }

    pub fn flag(&mut self, name: &str) -> Result<Option<bool>, ServiceError> {
        match self.text(name)?.as_deref() {
            None => Ok(None),
            Some("true" | "True" | "TRUE" | "1") => Ok(Some(true)),
            Some("false" | "False" | "FALSE" | "0") => Ok(Some(false)),
            Some(_) => {
                Err(ServiceError::client("MalformedInput", format!("{name} is neither true nor false")))
            }
        }
    }

    pub fn number(&mut self, name: &str) -> Result<Option<i64>, ServiceError> {
        let wrong = |_| ServiceError::client("MalformedInput", format!("{name} is not a number"));
        self.text(name)?.map(|text| text.parse().map_err(wrong)).transpose()
    }

    /// A list of texts. In a form, a list without items is an empty text.
    pub fn list(&mut self, name: &str) -> Result<Option<Vec<String>>, ServiceError> {
        let wrong = || ServiceError::client("MalformedInput", format!("{name} is not a list of texts"));
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(Some(Vec::new())),
            Some(Value::Array(items)) => {
                let texts = items.into_iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong));
                texts.collect::<Result<_, _>>().map(Some)
            }
            Some(_) => Err(wrong()),
        }
    }

    /// A list of structures.
    pub fn structures(&mut self, name: &str) -> Result<Vec<Self>, ServiceError> {
        let wrong = || ServiceError::client("MalformedInput", format!("{name} is not a list of structures"));
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::String(text)) if text.is_empty() => Ok(Vec::new()),
            Some(Value::Array(items)) if items.iter().all(Value::is_object) => {
                Ok(items.into_iter().map(Self::of).collect())
            }
            Some(_) => Err(wrong()),
        }
    }

    /// A structure; empty where there is none.
    pub fn structure(&mut self, name: &str) -> Self {
        Self::of(self.0.remove(name).unwrap_or_default())
    }

    pub fn tags(&mut self) -> Result<Vec<Tag>, ServiceError> {
        let mut kept = Vec::new();
        for mut tag in self.structures("Tags")? {
            let (key, value) = (tag.needed("Key")?, tag.text("Value")?.unwrap_or_default());
            tag.done()?;
            tags::put(&mut kept, vec![Tag { key, value }]);
        }
        check_tags(&kept)?;
        Ok(kept)
    }

    /// Refuses members that nobody looked at: they are not in the sandbox, and so never left unheeded.
    pub fn done(self) -> Result<(), ServiceError> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(combination(format!("The parameter {name} is not in the sandbox."))),
        }
    }
}

pub(super) fn check_tags(all: &[Tag]) -> Result<(), ServiceError> {
    tags::check(all).map_err(|error| invalid(error.message))?;
    if all.len() > tags::MOST {
        return Err(invalid(format!("A resource has at most {} tags.", tags::MOST)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_nobody_looked_at_is_refused() {
        let mut input = Input::of(json!({ "A": "1", "B": true, "C": "", "D": ["x"], "E": "?" }));
        assert_eq!(input.number("A").expect("reads"), Some(1));
        assert_eq!(input.flag("B").expect("reads"), Some(true));
        assert_eq!(input.list("C").expect("reads"), Some(Vec::new()));
        assert_eq!(input.list("D").expect("reads"), Some(vec!["x".to_owned()]));
        assert!(input.done().is_err_and(|error| error.message.contains('E')));
    }
}
