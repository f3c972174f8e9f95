//! Expressions: the words in which callers say conditions, updates, keys and projections.
//!
//! Of the language only what is listed in each module is understood; the rest is refused by name, so that an
//! expression never means less here than on AWS. Source: DynamoDB developer guide, "Using expressions in DynamoDB".

mod condition;
mod key;
mod parser;
mod projection;
mod token;
mod update;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::value::{Attribute, Item};

pub use condition::Condition;
pub use key::{KeyCondition, RangeTest};
pub use projection::Projection;
pub use update::{Update, UpdateError};

/// Why an expression is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// Nothing in it.
    #[error("The expression can not be empty;")]
    Empty,
    /// Too long.
    #[error("Expression size has exceeded the maximum allowed size; expression size: {0}")]
    TooLong(usize),
    /// Not in the language.
    #[error("Syntax error; token: \"{0}\", near: \"{1}\"")]
    Syntax(String, String),
    /// A name that has to be given by a placeholder.
    #[error("Attribute name is a reserved keyword; reserved keyword: {0}")]
    Reserved(String),
    /// A placeholder of a name that is not given.
    #[error("An expression attribute name used in the document path is not defined; attribute name: {0}")]
    NoName(String),
    /// A placeholder of a value that is not given.
    #[error("An expression attribute value used in expression is not defined; attribute value: {0}")]
    NoValue(String),
    /// No such function.
    #[error("Invalid function name; function: {0}")]
    NoFunction(String),
    /// The same attribute twice in an update or projection.
    #[error(
        "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [{0}], path two: [{0}]"
    )]
    Overlap(String),
    /// A part of an update twice.
    #[error("The \"{0}\" section can only be used once in an update expression;")]
    Twice(&'static str),
    /// A value of a type that the operator does not take.
    #[error("Incorrect operand type for operator or function; operator or function: {0}, operand type: {1}")]
    WrongType(&'static str, &'static str),
    /// In the language of the service, but not of the sandbox.
    #[error("{0} is not in the sandbox")]
    NotInSandbox(String),
}

/// Names and values that stand for themselves in expressions, and which of them were used.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Placeholders {
    #[serde(rename = "ExpressionAttributeNames")]
    names: BTreeMap<String, String>,
    #[serde(rename = "ExpressionAttributeValues")]
    values: Item,
    #[serde(skip)]
    used: BTreeSet<String>,
}

impl Placeholders {
    fn name(&mut self, placeholder: &str) -> Result<String, ExpressionError> {
        self.used.insert(placeholder.to_owned());
        self.names.get(placeholder).cloned().ok_or_else(|| ExpressionError::NoName(placeholder.to_owned()))
    }

    fn value(&mut self, placeholder: &str) -> Result<Attribute, ExpressionError> {
        self.used.insert(placeholder.to_owned());
        self.values.get(placeholder).cloned().ok_or_else(|| ExpressionError::NoValue(placeholder.to_owned()))
    }

    /// What was given and is used in no expression, in the words of the service.
    pub fn unused(&self) -> Option<String> {
        let of = |kind: &str, keys: Vec<&String>| {
            let unused: Vec<&str> =
                keys.into_iter().filter(|key| !self.used.contains(*key)).map(String::as_str).collect();
            (!unused.is_empty()).then(|| {
                format!("Value provided in {kind} unused in expressions: keys: {{{}}}", unused.join(", "))
            })
        };
        of("ExpressionAttributeNames", self.names.keys().collect())
            .or_else(|| of("ExpressionAttributeValues", self.values.keys().collect()))
    }
}

#[cfg(test)]
mod tests;
