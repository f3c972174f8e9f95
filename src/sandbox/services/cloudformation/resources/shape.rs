//! From the shape that templates have to the shape that a service's operations have, and back.

use serde_json::{Map, Value};

use super::Properties;

/// Numbers and flags are often words in a template, as every parameter is. Members with these names become what the
/// service takes; names are looked at, wherever they stand.
pub(super) fn typed(value: &Value, numbers: &[&str], flags: &[&str]) -> Value {
    let Value::Object(map) = value else {
        return match value {
            Value::Array(items) => items.iter().map(|item| typed(item, numbers, flags)).collect(),
            other => other.clone(),
        };
    };
    let one = |(name, value): (&String, &Value)| {
        let value = match value {
            Value::String(text) if numbers.contains(&name.as_str()) => {
                text.parse::<i64>().map_or_else(|_| value.clone(), Value::from)
            }
            Value::String(text) if flags.contains(&name.as_str()) => {
                text.parse::<bool>().map_or_else(|_| value.clone(), Value::from)
            }
            other => typed(other, numbers, flags),
        };
        (name.clone(), value)
    };
    Value::Object(map.iter().map(one).collect())
}

/// Numbers and flags as words, for what takes words only.
pub(super) fn worded(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.to_string().into(),
        Value::Bool(flag) => flag.to_string().into(),
        Value::String(_) | Value::Null => value.clone(),
        // Policies are given as documents, and taken as text.
        Value::Array(_) | Value::Object(_) => value.to_string().into(),
    }
}

fn renamed(value: &Value, name: fn(&str) -> String) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| renamed(item, name)).collect(),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, value)| (name(key), renamed(value, name))).collect())
        }
        other => other.clone(),
    }
}

/// Names that begin with a small letter, as in `logGroupName`.
pub(super) fn camel(value: &Value) -> Value {
    renamed(value, |name| {
        let mut letters = name.chars();
        letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
    })
}

/// Names that begin with a capital.
pub(super) fn pascal(value: &Value) -> Value {
    renamed(value, |name| {
        let mut letters = name.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
    })
}

/// The properties with one more.
pub(super) fn with(properties: &Properties, name: &str, value: impl Into<Value>) -> Value {
    let mut map = properties.clone();
    map.insert(name.to_owned(), value.into());
    map.into()
}

/// These members of a structure, where it has them.
pub(super) fn only(value: &Value, names: &[&str]) -> Properties {
    let found = names.iter().filter_map(|name| Some(((*name).to_owned(), value.get(name)?.clone())));
    found.filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>()
}

/// A list of `{ Name, Value }` as a structure.
pub(super) fn table(list: &Value) -> Value {
    let pair = |item: &Value| Some((item["Name"].as_str()?.to_owned(), worded(&item["Value"])));
    Value::Object(list.as_array().into_iter().flatten().filter_map(pair).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn shapes_are_turned_and_words_are_typed() {
        let value = json!({ "LogsConfig": { "S3Logs": { "Encrypted": "true" } }, "Size": "3", "Name": "7" });
        assert_eq!(
            typed(&value, &["Size"], &["Encrypted"]),
            json!({ "LogsConfig": { "S3Logs": { "Encrypted": true } }, "Size": 3, "Name": "7" })
        );
        assert_eq!(camel(&value)["logsConfig"]["s3Logs"]["encrypted"], "true");
        assert_eq!(pascal(&camel(&value)), value);
        assert_eq!(table(&json!([{ "Name": "A", "Value": 1 }])), json!({ "A": "1" }));
    }
}
