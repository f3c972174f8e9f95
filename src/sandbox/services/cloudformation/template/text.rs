//! The text of a template, YAML or JSON, as one JSON value in which every function has its long form.
//!
//! It refuses what CloudFormation does not take: YAML aliases, tags that are no function, keys that are there twice.
//! Source: CloudFormation user guide, "Template formats" and "Intrinsic function reference".

use std::{cell::Cell, fmt};

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde_json::{Map, Value};

use super::TemplateError;

/// What a call may hold of a template is below this, and an object in S3 may be this long. Source: CloudFormation quotas.
pub const MOST_BYTES: usize = 1024 * 1024;

/// Tags that are a function under another name; the others stand for `Fn::` and the tag.
const BARE: [&str; 2] = ["Ref", "Condition"];

/// Functions with a short form.
const FUNCTIONS: [&str; 14] = [
    "And",
    "Base64",
    "Cidr",
    "Equals",
    "FindInMap",
    "GetAtt",
    "GetAZs",
    "If",
    "ImportValue",
    "Join",
    "Not",
    "Or",
    "Select",
    "Split",
];
const MORE_FUNCTIONS: [&str; 5] = ["Sub", "Transform", "ToJsonString", "Length", "ForEach"];

fn malformed(what: &str, line: usize, column: usize) -> TemplateError {
    TemplateError(format!("Template format error: {what} not well-formed. (line {line}, column {column})"))
}

/// Reads a template.
///
/// # Errors
/// In CloudFormation's own words.
pub fn read(text: &str) -> Result<Value, TemplateError> {
    if text.len() > MOST_BYTES {
        return Err(TemplateError(format!("Template may not exceed {MOST_BYTES} bytes in size.")));
    }
    let value = if text.trim_start().starts_with('{') { json(text)? } else { yaml(text)? };
    if value.is_object() {
        return Ok(value);
    }
    Err(TemplateError("Template format error: unsupported structure.".to_owned()))
}

fn json(text: &str) -> Result<Value, TemplateError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let budget = Cell::new(budget(text));
    let read = Node(&budget).deserialize(&mut reader);
    let read = read.and_then(|value| reader.end().map(|()| value));
    read.map_err(|error| malformed("JSON", error.line(), error.column()))
}

fn yaml(text: &str) -> Result<Value, TemplateError> {
    let aliases = || {
        TemplateError("Template error: YAML aliases are not allowed in CloudFormation templates".to_owned())
    };
    if has_alias(text) {
        return Err(aliases());
    }
    let budget = Cell::new(budget(text));
    let read = Node(&budget).deserialize(serde_yaml_ng::Deserializer::from_str(text));
    read.map_err(|error| {
        let text = error.to_string();
        if let Some(tag) = text.split("no such tag: ").nth(1) {
            let tag = tag.split(" at line").next().unwrap_or(tag);
            return TemplateError(format!("Template format error: Unknown tag !{tag}"));
        }
        let at = error.location();
        malformed("YAML", at.as_ref().map_or(1, |at| at.line()), at.as_ref().map_or(1, |at| at.column()))
    })
}

/// What the value of a text can weigh at most: nodes, and bytes of its words. An escape can be a little longer than its source.
fn budget(text: &str) -> usize {
    text.len() * 4 + 64
}

/// Whether a text has an alias. A `*` may also stand in a word, so what looks like one is given a name that no anchor
/// has: if the reader then misses an anchor, it was one.
fn has_alias(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut renamed = String::with_capacity(text.len());
    let mut found = false;
    for (at, c) in text.char_indices() {
        renamed.push(c);
        let opens = at == 0
            || matches!(
                bytes[at - 1],
                b' ' | b'\t' | b'\n' | b'\r' | b'[' | b'{' | b',' | b':' | b'-' | b'?'
            );
        if c == '*'
            && opens
            && bytes
                .get(at + 1)
                .is_some_and(|next| next.is_ascii_alphanumeric() || matches!(next, b'_' | b'-'))
        {
            renamed.push_str("no-such-anchor-");
            found = true;
        }
    }
    found
        && serde_yaml_ng::from_str::<serde::de::IgnoredAny>(&renamed)
            .is_err_and(|error| error.to_string().contains("unknown anchor"))
}

/// One node, whose weight is taken from what the whole document may weigh.
#[derive(Clone, Copy)]
struct Node<'a>(&'a Cell<usize>);

impl Node<'_> {
    fn weigh<E: serde::de::Error>(self, bytes: usize) -> Result<(), E> {
        let left =
            self.0.get().checked_sub(bytes + 1).ok_or_else(|| E::custom("the document repeats itself"))?;
        self.0.set(left);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Value, E> {
        self.weigh(0).map(|()| value.into())
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        self.weigh(0).map(|()| value.into())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        self.weigh(0).map(|()| value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        self.weigh(0).map(|()| value.into())
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        self.weigh(value.len()).map(|()| value.into())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Value, E> {
        self.weigh(0).map(|()| Value::Null)
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<Value, E> {
        self.visit_unit()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.weigh(0)?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(self)? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.weigh(0)?;
        let mut map = Map::new();
        while let Some(key) = access.next_key_seed(self)? {
            let key = match key {
                Value::String(key) => key,
                Value::Number(number) => number.to_string(),
                Value::Bool(flag) => flag.to_string(),
                _ => return Err(A::Error::custom("a key is a word")),
            };
            let value = access.next_value_seed(self)?;
            if map.insert(key, value).is_some() {
                return Err(A::Error::custom("a key is there twice"));
            }
        }
        Ok(map.into())
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        let (tag, content) = access.variant::<String>()?;
        let value = content.newtype_variant_seed(self)?;
        let tag = tag.trim_start_matches('!');
        if BARE.contains(&tag) {
            return Ok(Map::from_iter([(tag.to_owned(), value)]).into());
        }
        if !FUNCTIONS.contains(&tag) && !MORE_FUNCTIONS.contains(&tag) {
            return Err(A::Error::custom(format!("no such tag: {tag}")));
        }
        let value = match value {
            // `!GetAtt Thing.Arn`; an attribute may have dots of its own.
            Value::String(text) if tag == "GetAtt" => match text.split_once('.') {
                Some((thing, attribute)) => Value::from(vec![thing, attribute]),
                None => text.into(),
            },
            other => other,
        };
        Ok(Map::from_iter([(format!("Fn::{tag}"), value)]).into())
    }
}
