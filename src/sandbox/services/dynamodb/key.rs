//! Primary keys: what identifies an item, and in which order items of one partition come.

use serde::{Deserialize, Serialize};

use super::{
    number::Number,
    value::{Attribute, Item},
};

/// Longest partition and sort key. Source: DynamoDB developer guide, quotas.
const HASH_LIMIT: usize = 2048;
const RANGE_LIMIT: usize = 1024;

/// One value of a key; numbers are in order of size, text and bytes in order of their bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Attribute", into = "Attribute")]
pub enum Part {
    /// Number.
    N(Number),
    /// Text.
    S(String),
    /// Bytes.
    B(Vec<u8>),
}

impl TryFrom<Attribute> for Part {
    type Error = &'static str;

    fn try_from(value: Attribute) -> Result<Self, &'static str> {
        match value {
            Attribute::S(text) => Ok(Self::S(text)),
            Attribute::N(number) => Ok(Self::N(number)),
            Attribute::B(bytes) => Ok(Self::B(bytes)),
            _ => Err("a key is text, a number or bytes"),
        }
    }
}

impl From<Part> for Attribute {
    fn from(part: Part) -> Self {
        match part {
            Part::S(text) => Self::S(text),
            Part::N(number) => Self::N(number),
            Part::B(bytes) => Self::B(bytes),
        }
    }
}

impl Part {
    /// Whether it begins with another of its type.
    pub fn begins_with(&self, start: &Self) -> bool {
        match (self, start) {
            (Self::S(text), Self::S(start)) => text.starts_with(start),
            (Self::B(bytes), Self::B(start)) => bytes.starts_with(start),
            _ => false,
        }
    }

    fn length(&self) -> usize {
        match self {
            Self::S(text) => text.len(),
            Self::B(bytes) => bytes.len(),
            Self::N(number) => number.size(),
        }
    }
}

/// A whole key. Keys of one partition follow each other in the order of their sort keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// Partition key.
    pub hash: Part,
    /// Sort key, in tables that have one.
    pub range: Option<Part>,
}

/// Name and type of a key attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyName {
    /// The attribute.
    pub name: String,
    /// `S`, `N` or `B`.
    pub kind: String,
}

/// The keys of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// Partition key.
    pub hash: KeyName,
    /// Sort key.
    pub range: Option<KeyName>,
}

/// Why a key is none of a table's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// An item lacks it.
    #[error("One or more parameter values were invalid: Missing the key {0} in the item")]
    Missing(String),
    /// It is of another type.
    #[error("One or more parameter values were invalid: Type mismatch for key {0} expected: {1} actual: {2}")]
    Type(String, String, &'static str),
    /// It is empty.
    #[error(
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty {1} value. Key: {0}"
    )]
    Empty(String, &'static str),
    /// It is too long.
    #[error(
        "One or more parameter values were invalid: Size of {0} has exceeded the maximum size limit of {1} bytes"
    )]
    TooLong(&'static str, usize),
    /// The key of a request names other attributes.
    #[error("The provided key element does not match the schema")]
    NotTheSchema,
}

impl KeyName {
    /// A value as this key.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn part(&self, value: &Attribute) -> Result<Part, KeyError> {
        let kind = value.kind();
        if kind != self.kind {
            return Err(KeyError::Type(self.name.clone(), self.kind.clone(), kind));
        }
        let part = Part::try_from(value.clone()).map_err(|_| KeyError::NotTheSchema)?;
        match part.length() {
            0 => Err(KeyError::Empty(self.name.clone(), if kind == "S" { "string" } else { "binary" })),
            _ => Ok(part),
        }
    }
}

impl Schema {
    /// The names of the key attributes.
    pub fn names(&self) -> impl Iterator<Item = &KeyName> {
        std::iter::once(&self.hash).chain(&self.range)
    }

    /// The key of an item.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn of_item(&self, item: &Item) -> Result<Key, KeyError> {
        let part = |key: &KeyName| {
            let value = item.get(&key.name).ok_or_else(|| KeyError::Missing(key.name.clone()))?;
            key.part(value)
        };
        let key = Key { hash: part(&self.hash)?, range: self.range.as_ref().map(part).transpose()? };
        if key.hash.length() > HASH_LIMIT {
            return Err(KeyError::TooLong("hashkey", HASH_LIMIT));
        }
        if key.range.as_ref().is_some_and(|range| range.length() > RANGE_LIMIT) {
            return Err(KeyError::TooLong("rangekey", RANGE_LIMIT));
        }
        Ok(key)
    }

    /// The key that a request names: the key attributes and nothing else.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn of_request(&self, attributes: &Item) -> Result<Key, KeyError> {
        if attributes.len() != self.names().count() {
            return Err(KeyError::NotTheSchema);
        }
        self.of_item(attributes).map_err(|error| match error {
            KeyError::Missing(_) | KeyError::Type(..) => KeyError::NotTheSchema,
            other => other,
        })
    }

    /// A key as the attributes that it is made of.
    pub fn attributes(&self, key: &Key) -> Item {
        let mut item = Item::from([(self.hash.name.clone(), key.hash.clone().into())]);
        if let (Some(name), Some(part)) = (&self.range, &key.range) {
            item.insert(name.name.clone(), part.clone().into());
        }
        item
    }
}
