//! Intrinsic functions on values that are known.
//!
//! Source: CloudFormation user guide, "Intrinsic function reference".

use base64::Engine as _;
use serde_json::{Map, Value};

use super::{TemplateError, parameters::text_of};

/// Functions of the sandbox.
pub(super) const SUPPORTED: [&str; 14] = [
    "Ref",
    "Fn::And",
    "Fn::Base64",
    "Fn::Equals",
    "Fn::FindInMap",
    "Fn::GetAtt",
    "Fn::If",
    "Fn::ImportValue",
    "Fn::Join",
    "Fn::Not",
    "Fn::Or",
    "Fn::Select",
    "Fn::Split",
    "Fn::Sub",
];

/// Function and argument of a value that is a call: a structure whose one member is a function.
pub(super) fn call(value: &Value) -> Option<(&str, &Value)> {
    let map = value.as_object().filter(|map| map.len() == 1)?;
    let (name, argument) = map.iter().next()?;
    (name == "Ref" || name.starts_with("Fn::")).then_some((name.as_str(), argument))
}

/// Resource and attribute that `Fn::GetAtt` is given; the attribute may be a call.
pub(super) fn attribute(argument: &Value) -> Option<(String, Value)> {
    match argument {
        Value::String(text) => {
            let (thing, attribute) = text.split_once('.')?;
            Some((thing.to_owned(), attribute.into()))
        }
        Value::Array(items) => match items.as_slice() {
            [Value::String(thing), attribute] => Some((thing.clone(), attribute.clone())),
            _ => None,
        },
        _ => None,
    }
}

/// A piece of the text of `Fn::Sub`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// As it stands.
    Text(&'a str),
    /// What stands in `${!…}`, and is written as `${…}`.
    Literal(&'a str),
    /// What stands in `${…}`.
    Name(&'a str),
}

/// The pieces of a text for `Fn::Sub`. A `${` that is not closed is text.
pub(super) fn parts(text: &str) -> Vec<Part<'_>> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start + 2..].find('}') else { break };
        parts.push(Part::Text(&rest[..start]));
        let inside = &rest[start + 2..start + 2 + length];
        parts.push(match inside.strip_prefix('!') {
            Some(literal) => Part::Literal(literal),
            None => Part::Name(inside.trim()),
        });
        rest = &rest[start + 3 + length..];
    }
    parts.push(Part::Text(rest));
    parts.retain(|part| *part != Part::Text(""));
    parts
}

pub(super) fn wrong(text: impl Into<String>) -> TemplateError {
    TemplateError(format!("Template error: {}", text.into()))
}

fn pair(value: &Value) -> Option<(&Value, &Value)> {
    match value.as_array()?.as_slice() {
        [first, second] => Some((first, second)),
        _ => None,
    }
}

/// The value of a function whose argument was evaluated.
pub(super) fn apply(
    name: &str,
    argument: &Value,
    mappings: &Map<String, Value>,
) -> Result<Value, TemplateError> {
    match name {
        "Fn::Base64" => {
            let text = text_of(argument)
                .ok_or_else(|| wrong("every Fn::Base64 object must have a String-typed value."))?;
            Ok(base64::prelude::BASE64_STANDARD.encode(text).into())
        }
        "Fn::Join" => join(argument).ok_or_else(|| {
            wrong("every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.")
        }),
        "Fn::Split" => split(argument).ok_or_else(|| {
            wrong("every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a string to be split.")
        }),
        "Fn::Select" => select(argument),
        "Fn::FindInMap" => find(argument, mappings),
        _ => Err(wrong(format!("{name} cannot be used here"))),
    }
}

fn join(argument: &Value) -> Option<Value> {
    let (delimiter, items) = pair(argument)?;
    let items: Vec<String> = items.as_array()?.iter().map(text_of).collect::<Option<_>>()?;
    Some(items.join(delimiter.as_str()?).into())
}

fn split(argument: &Value) -> Option<Value> {
    let (delimiter, text) = pair(argument)?;
    let delimiter = delimiter.as_str().filter(|delimiter| !delimiter.is_empty())?;
    Some(text_of(text)?.split(delimiter).collect())
}

fn select(argument: &Value) -> Result<Value, TemplateError> {
    let malformed =
        || wrong("Fn::Select requires a list argument with two elements: an integer index and a list");
    let (index, items) = pair(argument).ok_or_else(malformed)?;
    let index: usize = text_of(index).and_then(|text| text.parse().ok()).ok_or_else(malformed)?;
    let items = items.as_array().ok_or_else(malformed)?;
    let found = items.get(index).filter(|value| !value.is_null());
    found
        .cloned()
        .ok_or_else(|| wrong(format!("Fn::Select cannot select nonexistent value at index {index}")))
}

fn find(argument: &Value, mappings: &Map<String, Value>) -> Result<Value, TemplateError> {
    let malformed = || {
        wrong(
            "every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value",
        )
    };
    let names: Vec<String> =
        argument.as_array().and_then(|items| items.iter().map(text_of).collect()).ok_or_else(malformed)?;
    let [map, first, second] = names.as_slice() else { return Err(malformed()) };
    let table = mappings.get(map).ok_or_else(|| super::graph::no_mapping(map))?;
    let found = table.get(first).and_then(|table| table.get(second));
    found.cloned().ok_or_else(|| wrong(format!("Unable to get mapping for {map}::{first}::{second}")))
}
