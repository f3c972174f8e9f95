//! Attribute values: read strictly from the wire, compared and sized as the service does.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::number::{Number, NumberError};

/// How deep lists and maps may be nested. Source: DynamoDB developer guide, quotas.
const DEPTH: usize = 32;

/// Attributes by their names.
pub type Item = BTreeMap<String, Attribute>;

/// Why a value is not one.
#[derive(Debug, thiserror::Error)]
pub enum ValueError {
    /// No type, or none that there is.
    #[error("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")]
    NoType,
    /// Two types at once.
    #[error(
        "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
    )]
    ManyTypes,
    /// A number that is none.
    #[error(transparent)]
    Number(#[from] NumberError),
    /// A value of another JSON type than its type has.
    #[error("the value of an attribute of type {0} is malformed")]
    Malformed(String),
    /// `NULL` that is not true.
    #[error(
        "One or more parameter values were invalid: Null attribute value types must have the value of true"
    )]
    FalseNull,
    /// An empty set.
    #[error("One or more parameter values were invalid: An set may not be empty")]
    EmptySet,
    /// A set with the same value twice.
    #[error("One or more parameter values were invalid: Input collection contains duplicates")]
    Duplicates,
    /// Too deep.
    #[error("Nesting Levels have exceeded supported limits")]
    TooDeep,
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub enum Attribute {
    /// Text.
    S(String),
    /// Number.
    N(Number),
    /// Bytes.
    B(Vec<u8>),
    /// Truth.
    Bool(bool),
    /// Null.
    Null,
    /// List.
    L(Vec<Attribute>),
    /// Map.
    M(Item),
    /// Set of texts.
    Ss(BTreeSet<String>),
    /// Set of numbers.
    Ns(BTreeSet<Number>),
    /// Set of bytes.
    Bs(BTreeSet<Vec<u8>>),
}

impl TryFrom<Value> for Attribute {
    type Error = ValueError;

    fn try_from(value: Value) -> Result<Self, ValueError> {
        read(value, 0)
    }
}

fn read(value: Value, depth: usize) -> Result<Attribute, ValueError> {
    if depth > DEPTH {
        return Err(ValueError::TooDeep);
    }
    let Value::Object(map) = value else { return Err(ValueError::NoType) };
    let mut members = map.into_iter();
    let (kind, value) = members.next().ok_or(ValueError::NoType)?;
    if members.next().is_some() {
        return Err(ValueError::ManyTypes);
    }
    match (kind.as_str(), value) {
        ("S", Value::String(text)) => Ok(Attribute::S(text)),
        ("N", Value::String(text)) => Ok(Attribute::N(text.parse()?)),
        ("B", Value::String(text)) => Ok(Attribute::B(bytes(&text)?)),
        ("BOOL", Value::Bool(truth)) => Ok(Attribute::Bool(truth)),
        ("NULL", Value::Bool(true)) => Ok(Attribute::Null),
        ("NULL", Value::Bool(false)) => Err(ValueError::FalseNull),
        ("L", Value::Array(items)) => {
            Ok(Attribute::L(items.into_iter().map(|item| read(item, depth + 1)).collect::<Result<_, _>>()?))
        }
        ("M", Value::Object(map)) => {
            let read = |(name, value)| Ok::<_, ValueError>((name, read(value, depth + 1)?));
            Ok(Attribute::M(map.into_iter().map(read).collect::<Result<_, _>>()?))
        }
        ("SS", Value::Array(items)) => Ok(Attribute::Ss(set(items, |text| Ok(text.to_owned()))?)),
        ("NS", Value::Array(items)) => Ok(Attribute::Ns(set(items, |text| Ok(text.parse()?))?)),
        ("BS", Value::Array(items)) => Ok(Attribute::Bs(set(items, bytes)?)),
        ("S" | "N" | "B" | "BOOL" | "NULL" | "L" | "M" | "SS" | "NS" | "BS", _) => {
            Err(ValueError::Malformed(kind))
        }
        _ => Err(ValueError::NoType),
    }
}

fn bytes(text: &str) -> Result<Vec<u8>, ValueError> {
    BASE64.decode(text).map_err(|_| ValueError::Malformed("B".to_owned()))
}

fn set<T: Ord>(
    items: Vec<Value>,
    one: impl Fn(&str) -> Result<T, ValueError>,
) -> Result<BTreeSet<T>, ValueError> {
    if items.is_empty() {
        return Err(ValueError::EmptySet);
    }
    let mut found = BTreeSet::new();
    for item in items {
        let text = item.as_str().ok_or_else(|| ValueError::Malformed("set".to_owned()))?;
        if !found.insert(one(text)?) {
            return Err(ValueError::Duplicates);
        }
    }
    Ok(found)
}

impl From<Attribute> for Value {
    fn from(attribute: Attribute) -> Self {
        match attribute {
            Attribute::S(text) => json!({ "S": text }),
            Attribute::N(number) => json!({ "N": number.to_string() }),
            Attribute::B(bytes) => json!({ "B": BASE64.encode(bytes) }),
            Attribute::Bool(truth) => json!({ "BOOL": truth }),
            Attribute::Null => json!({ "NULL": true }),
            Attribute::L(items) => json!({ "L": items.into_iter().map(Value::from).collect::<Vec<_>>() }),
            Attribute::M(item) => json!({ "M": shown(item) }),
            Attribute::Ss(set) => json!({ "SS": set }),
            Attribute::Ns(set) => json!({ "NS": set.iter().map(Number::to_string).collect::<Vec<_>>() }),
            Attribute::Bs(set) => {
                json!({ "BS": set.into_iter().map(|bytes| BASE64.encode(bytes)).collect::<Vec<_>>() })
            }
        }
    }
}

/// An item as it is sent.
pub fn shown(item: Item) -> Value {
    Value::Object(item.into_iter().map(|(name, value)| (name, value.into())).collect::<Map<_, _>>())
}

impl Attribute {
    /// The name of its type on the wire.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::S(_) => "S",
            Self::N(_) => "N",
            Self::B(_) => "B",
            Self::Bool(_) => "BOOL",
            Self::Null => "NULL",
            Self::L(_) => "L",
            Self::M(_) => "M",
            Self::Ss(_) => "SS",
            Self::Ns(_) => "NS",
            Self::Bs(_) => "BS",
        }
    }

    /// Bytes that it takes. Source: DynamoDB developer guide, "Item sizes and formats".
    fn size(&self) -> usize {
        match self {
            Self::S(text) => text.len(),
            Self::N(number) => number.size(),
            Self::B(bytes) => bytes.len(),
            Self::Bool(_) | Self::Null => 1,
            Self::L(items) => 3 + items.iter().map(|item| item.size() + 1).sum::<usize>(),
            Self::M(item) => 3 + item.len() + size(item),
            Self::Ss(set) => set.iter().map(String::len).sum(),
            Self::Ns(set) => set.iter().map(Number::size).sum(),
            Self::Bs(set) => set.iter().map(Vec::len).sum(),
        }
    }
}

/// Bytes that an item takes, names and values.
pub fn size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value.size()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: Value) -> Result<Attribute, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn every_type_comes_back_as_it_went_in() {
        let item = json!({ "M": {
            "text": { "S": "ü" }, "number": { "N": "-12.5" }, "bytes": { "B": "AAEC" }, "no": { "BOOL": false },
            "nothing": { "NULL": true }, "list": { "L": [{ "S": "a" }, { "L": [] }] },
            "texts": { "SS": ["a", "b"] }, "numbers": { "NS": ["1", "2"] }, "many": { "BS": ["AA==", "AQ=="] },
        }});
        let value = read(item.clone()).expect("a value");
        assert_eq!(Value::from(value), item);
    }

    #[test]
    fn what_is_no_value_is_refused_in_the_words_of_the_service() {
        for (value, words) in [
            (json!({}), "is empty"),
            (json!({ "X": "a" }), "is empty"),
            (json!("a"), "is empty"),
            (json!({ "S": "a", "N": "1" }), "more than one"),
            (json!({ "N": 1 }), "type N is malformed"),
            (json!({ "N": "one" }), "cannot be converted to a numeric value"),
            (json!({ "B": "%" }), "type B is malformed"),
            (json!({ "NULL": false }), "must have the value of true"),
            (json!({ "SS": [] }), "may not be empty"),
            (json!({ "NS": ["1", "1.0"] }), "duplicates"),
        ] {
            let error = read(value.clone()).expect_err("refused");
            assert!(error.contains(words), "{value}: {error}");
        }
        let deep = (0..40).fold(json!({ "S": "a" }), |inner, _| json!({ "L": [inner] }));
        assert!(read(deep).expect_err("refused").contains("Nesting"));
    }
}
