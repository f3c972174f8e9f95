//! The Query protocol, for the few flat operations of STS.

use serde_json::{Map, Value};

use crate::sandbox::call::ServiceError;

/// Reads a form: the operation and its flat members.
pub(super) fn read(body: &[u8]) -> Result<(String, Value), String> {
    let pairs: Vec<(String, String)> =
        serde_urlencoded::from_bytes(body).map_err(|error| format!("the body is not a form: {error}"))?;
    let mut input = Map::new();
    let mut operation = String::new();
    for (key, value) in pairs {
        match key.as_str() {
            "Action" => operation = value,
            "Version" => {}
            _ => {
                input.insert(key, value.into());
            }
        }
    }
    Ok((operation, Value::Object(input)))
}

/// Renders a flat result.
pub fn render(operation: &str, value: &Value) -> String {
    let mut out = format!(
        "<{operation}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{operation}Result>"
    );
    element(value, &mut out);
    out.push_str(&format!("</{operation}Result></{operation}Response>"));
    out
}

fn element(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                out.push_str(&format!("<{key}>"));
                element(inner, out);
                out.push_str(&format!("</{key}>"));
            }
        }
        Value::String(text) => out.push_str(&quick_xml::escape::escape(text.as_str())),
        Value::Null | Value::Array(_) => {}
        other => out.push_str(&other.to_string()),
    }
}

/// Renders an error.
pub(super) fn render_error(error: &ServiceError) -> String {
    let fault = if error.status < 500 { "Sender" } else { "Receiver" };
    format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>{fault}</Type><Code>{}</Code><Message>{}</Message></Error></ErrorResponse>",
        error.code,
        quick_xml::escape::escape(error.message.as_str())
    )
}
