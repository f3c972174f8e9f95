//! Parameters: what a template says of each, and whether a value is one.
//!
//! Source: CloudFormation user guide, "CloudFormation template Parameters syntax". Types that name a Systems Manager
//! parameter or an EC2 resource would need these services, and are refused.

use regex::RegexBuilder;
use serde_json::{Map, Value};

use super::TemplateError;

/// Longest value of a parameter. Source: CloudFormation quotas.
const LONGEST: usize = 4096;

/// A pattern's program is not larger than this, so that none takes long to make or to try.
const PATTERN_SIZE: usize = 256 * 1024;

/// What a template says of a parameter.
#[derive(Debug, Clone, Default)]
pub struct Parameter {
    /// Its name.
    pub id: String,
    /// `String`, `Number`, `CommaDelimitedList` or `List<Number>`.
    pub kind: String,
    /// The value where none is given.
    pub default: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Whether its value is shown to nobody.
    pub no_echo: bool,
    /// The only values that it takes; empty for any.
    pub allowed: Vec<String>,
    constraint: Option<String>,
    pattern: Option<String>,
    least: Option<f64>,
    most: Option<f64>,
    shortest: Option<u64>,
    longest: Option<u64>,
}

fn wrong(text: impl std::fmt::Display) -> TemplateError {
    TemplateError(format!("Template format error: {text}"))
}

/// A word, number or flag as the text that it stands for.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn flag(value: &Value) -> bool {
    *value == true || value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

pub(super) fn read(id: String, value: Value) -> Result<Parameter, TemplateError> {
    let Value::Object(map) = value else {
        return Err(wrong(format!("Every Parameters object must contain a Type member. [/Parameters/{id}]")));
    };
    let mut parameter = Parameter { id: id.clone(), ..Parameter::default() };
    let number = |value: &Value, name: &str| -> Result<f64, TemplateError> {
        let number = text_of(value).and_then(|text| text.parse().ok());
        number.ok_or_else(|| wrong(format!("Parameter {id} has a {name} that is no number")))
    };
    for (name, value) in map {
        match name.as_str() {
            "Type" => parameter.kind = value.as_str().unwrap_or_default().to_owned(),
            "Default" => {
                let text = text_of(&value);
                parameter.default =
                    Some(text.ok_or_else(|| wrong("Every Default member must be a string."))?);
            }
            "Description" => parameter.description = text_of(&value),
            "NoEcho" => parameter.no_echo = flag(&value),
            "AllowedValues" => {
                let list = value.as_array().map(|items| items.iter().filter_map(text_of).collect());
                parameter.allowed =
                    list.ok_or_else(|| wrong(format!("Parameter {id}: AllowedValues must be a list")))?;
            }
            "ConstraintDescription" => parameter.constraint = text_of(&value),
            "AllowedPattern" => parameter.pattern = text_of(&value),
            "MinValue" => parameter.least = Some(number(&value, "MinValue")?),
            "MaxValue" => parameter.most = Some(number(&value, "MaxValue")?),
            "MinLength" => parameter.shortest = Some(number(&value, "MinLength")? as u64),
            "MaxLength" => parameter.longest = Some(number(&value, "MaxLength")? as u64),
            other => return Err(TemplateError(format!("Invalid template parameter property '{other}'"))),
        }
    }
    match parameter.kind.as_str() {
        "String" | "Number" | "CommaDelimitedList" | "List<Number>" => {}
        "" => {
            return Err(wrong(format!(
                "Every Parameters object must contain a Type member. [/Parameters/{id}]"
            )));
        }
        other => return Err(wrong(format!("Unrecognized parameter type: {other}"))),
    }
    if let Some(pattern) = &parameter.pattern {
        compiled(pattern)
            .map_err(|_| wrong(format!("Parameter {id}: AllowedPattern is no pattern of the sandbox")))?;
    }
    if let Some(default) = &parameter.default {
        parameter.check(default).map_err(|error| wrong(error.0))?;
    }
    Ok(parameter)
}

/// The whole value has to match.
fn compiled(pattern: &str) -> Result<regex::Regex, regex::Error> {
    RegexBuilder::new(&format!("^(?:{pattern})$"))
        .size_limit(PATTERN_SIZE)
        .dfa_size_limit(PATTERN_SIZE)
        .build()
}

impl Parameter {
    fn is_list(&self) -> bool {
        self.kind == "CommaDelimitedList" || self.kind == "List<Number>"
    }

    fn items<'a>(&self, value: &'a str) -> Vec<&'a str> {
        if self.is_list() { value.split(',').map(str::trim).collect() } else { vec![value] }
    }

    /// Whether `value` is one of this parameter's.
    ///
    /// # Errors
    /// In CloudFormation's own words.
    pub fn check(&self, value: &str) -> Result<(), TemplateError> {
        let id = &self.id;
        let fail = |text: String| {
            TemplateError(match &self.constraint {
                Some(words) => format!("Parameter {id} failed to satisfy constraint: {words}"),
                None => text,
            })
        };
        if value.len() > LONGEST {
            return Err(TemplateError(format!(
                "Parameter '{id}' length is greater than the maximum of {LONGEST} bytes"
            )));
        }
        for item in self.items(value) {
            if self.kind.contains("Number") {
                let number: f64 = item.parse().map_err(|_| {
                    TemplateError(if self.is_list() {
                        format!("Parameter '{id}' must be a list of numbers.")
                    } else {
                        format!("Parameter '{id}' must be a number.")
                    })
                })?;
                if let Some(least) = self.least.filter(|least| number < *least) {
                    return Err(fail(format!("Parameter '{id}' must be a number not less than {least}")));
                }
                if let Some(most) = self.most.filter(|most| number > *most) {
                    return Err(fail(format!("Parameter '{id}' must be a number not greater than {most}")));
                }
            }
            if !self.allowed.is_empty() && !self.allowed.iter().any(|allowed| allowed == item) {
                let all = self.allowed.join(", ");
                return Err(fail(format!("Parameter '{id}' must be one of AllowedValues [{all}]")));
            }
            if let Some(pattern) = &self.pattern
                && !compiled(pattern).is_ok_and(|pattern| pattern.is_match(item))
            {
                return Err(fail(format!("Parameter '{id}' must match pattern {pattern}")));
            }
        }
        let length = value.chars().count() as u64;
        if let Some(shortest) = self.shortest.filter(|shortest| length < *shortest) {
            return Err(fail(format!("Parameter '{id}' must contain at least {shortest} characters")));
        }
        if let Some(longest) = self.longest.filter(|longest| length > *longest) {
            return Err(fail(format!("Parameter '{id}' must contain at most {longest} characters")));
        }
        Ok(())
    }

    /// A value as `Ref` gives it.
    pub fn value(&self, text: &str) -> Value {
        if self.is_list() { self.items(text).into() } else { text.into() }
    }

    /// The constraints, as they are told beside the parameter.
    pub fn constraints(&self) -> Value {
        let mut told = Map::new();
        if !self.allowed.is_empty() {
            told.insert("AllowedValues".to_owned(), self.allowed.clone().into());
        }
        told.into()
    }
}
