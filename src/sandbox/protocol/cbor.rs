//! CBOR (RFC 8949) to and from the JSON that services work on.

use ciborium::Value as Cbor;
use serde_json::{Map, Number, Value};

/// Tag of a time in seconds since the epoch (RFC 8949, section 3.4.2).
const EPOCH: u64 = 1;

/// Reads a body; an empty one is an empty structure.
pub(super) fn read(body: &[u8]) -> Result<Value, String> {
    if body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    let value: Cbor =
        ciborium::from_reader(body).map_err(|error| format!("the body is not CBOR: {error}"))?;
    to_json(value).ok_or_else(|| "the body has a CBOR type that no shape uses".to_owned())
}

fn to_json(value: Cbor) -> Option<Value> {
    Some(match value {
        Cbor::Null => Value::Null,
        Cbor::Bool(b) => b.into(),
        Cbor::Integer(i) => i64::try_from(i).ok()?.into(),
        Cbor::Float(f) => Number::from_f64(f)?.into(),
        Cbor::Text(text) => text.into(),
        Cbor::Tag(EPOCH, inner) => to_json(*inner)?,
        Cbor::Array(items) => items.into_iter().map(to_json).collect::<Option<Vec<_>>>()?.into(),
        Cbor::Map(pairs) => {
            let mut map = Map::new();
            for (key, value) in pairs {
                map.insert(key.into_text().ok()?, to_json(value)?);
            }
            map.into()
        }
        _ => return None,
    })
}

/// Writes an answer.
pub(super) fn write(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(&from_json(value, false), &mut bytes).expect("memory can always be written");
    bytes
}

fn from_json(value: &Value, time: bool) -> Cbor {
    match value {
        Value::Null => Cbor::Null,
        Value::Bool(b) => Cbor::Bool(*b),
        Value::Number(n) if time => Cbor::Tag(EPOCH, Box::new(Cbor::Float(n.as_f64().unwrap_or_default()))),
        Value::Number(n) => match n.as_i64() {
            Some(i) => Cbor::Integer(i.into()),
            None => Cbor::Float(n.as_f64().unwrap_or_default()),
        },
        Value::String(text) => Cbor::Text(text.clone()),
        Value::Array(items) => Cbor::Array(items.iter().map(|item| from_json(item, time)).collect()),
        Value::Object(map) => Cbor::Map(
            map.iter()
                .map(|(key, value)| (Cbor::Text(key.clone()), from_json(value, super::is_time(key))))
                .collect(),
        ),
    }
}
