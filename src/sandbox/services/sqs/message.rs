//! Messages and their attributes: limits, and the digests by which clients know that nothing was changed on the way.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};

use crate::sandbox::call::ServiceError;

use super::{invalid, refused};

/// Attributes by name.
pub(super) type MessageAttributes = BTreeMap<String, MessageAttribute>;

/// Most attributes of a message. Source: Amazon SQS developer guide, message quotas.
const ATTRIBUTES: usize = 10;

/// A message as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Message {
    pub id: String,
    pub body: String,
    pub attributes: MessageAttributes,
    /// `AWSTraceHeader`, if it was sent.
    pub trace: Option<MessageAttribute>,
    pub group: Option<String>,
    pub sender: String,
    /// Milliseconds since the epoch, as all times here.
    pub sent: i64,
    /// From when on it can be received.
    pub visible: i64,
    /// The handle of its last receipt.
    pub receipt: Option<String>,
    pub received: u32,
    pub first_received: Option<i64>,
}

/// One attribute of a message.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct MessageAttribute {
    pub data_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub string_value: Option<String>,
    /// Base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binary_value: Option<String>,
}

fn wrong_attribute(name: &str, why: &str) -> ServiceError {
    invalid(format!("The message attribute '{name}' {why}"))
}

impl MessageAttribute {
    /// The value's bytes, and whether they are binary; none where type and value do not go together.
    fn value(&self) -> Option<(Vec<u8>, bool)> {
        let kind = self.data_type.split('.').next().unwrap_or_default();
        match (kind, &self.string_value, &self.binary_value) {
            ("String" | "Number", Some(text), None) if !text.is_empty() => {
                Some((text.clone().into_bytes(), false))
            }
            ("Binary", None, Some(text)) => Some((BASE64.decode(text).ok().filter(|b| !b.is_empty())?, true)),
            _ => None,
        }
    }

    fn check(&self, name: &str) -> Result<(), ServiceError> {
        let (bytes, binary) = self.value().ok_or_else(|| {
            wrong_attribute(
                name,
                "must have a non-empty value of its type, which is String, Number or Binary.",
            )
        })?;
        let text = String::from_utf8_lossy(&bytes);
        if self.data_type.starts_with("Number") && text.parse::<f64>().is_err() {
            return Err(wrong_attribute(name, "of type Number has a value that is no number."));
        }
        if !binary && !is_sendable(&text) {
            return Err(wrong_attribute(name, "contains characters that are not allowed."));
        }
        Ok(())
    }
}

/// Whether a text holds only characters that messages may have. Source: Amazon SQS API reference, `SendMessage`.
fn is_sendable(text: &str) -> bool {
    text.chars().all(|c| match c {
        '\t' | '\n' | '\r' => true,
        '\u{FFFE}' | '\u{FFFF}' => false,
        c => c >= ' ',
    })
}

/// Refuses a body or attributes that cannot be sent; returns their size in bytes.
pub(super) fn check(body: &str, attributes: &MessageAttributes) -> Result<usize, ServiceError> {
    if body.is_empty() {
        let text = "The request must contain the parameter MessageBody.";
        return Err(refused("MissingRequiredParameterException", text));
    }
    if !is_sendable(body) {
        let text = "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF";
        return Err(refused("InvalidMessageContents", text));
    }
    if attributes.len() > ATTRIBUTES {
        return Err(invalid(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [10].",
            attributes.len()
        )));
    }
    let mut size = body.len();
    for (name, attribute) in attributes {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        let lower = name.to_lowercase();
        let reserved = lower.starts_with("aws.") || lower.starts_with("amazon.");
        if name.is_empty() || name.len() > 256 || !name.bytes().all(plain) || reserved {
            return Err(wrong_attribute(name, "has a name that is not allowed."));
        }
        attribute.check(name)?;
        size +=
            name.len() + attribute.data_type.len() + attribute.value().map_or(0, |(bytes, _)| bytes.len());
    }
    Ok(size)
}

/// Refuses a system attribute other than a trace header.
pub(super) fn trace(system: MessageAttributes) -> Result<Option<MessageAttribute>, ServiceError> {
    let mut trace = None;
    for (name, attribute) in system {
        if name != "AWSTraceHeader" || attribute.data_type != "String" {
            return Err(invalid(format!("Message system attribute name '{name}' is invalid.")));
        }
        attribute.check(&name)?;
        trace = Some(attribute);
    }
    Ok(trace)
}

/// Digest of a body.
pub(super) fn digest(body: &str) -> String {
    hex::encode(Md5::digest(body.as_bytes()))
}

/// Digest of attributes: of each, in the order of their names, the lengths and bytes of name, type and value.
/// Source: Amazon SQS developer guide, "Calculating the MD5 message digest for message attributes".
pub(super) fn digest_of_attributes<'a>(
    attributes: impl Iterator<Item = (&'a str, &'a MessageAttribute)>,
) -> Option<String> {
    let mut bytes = Vec::new();
    let mut add = |part: &[u8], transport: &[u8]| {
        bytes.extend((part.len() as u32).to_be_bytes());
        bytes.extend(part);
        bytes.extend(transport);
    };
    for (name, attribute) in attributes {
        let (value, binary) = attribute.value().unwrap_or_default();
        add(name.as_bytes(), &[]);
        add(attribute.data_type.as_bytes(), if binary { &[2] } else { &[1] });
        add(&value, &[]);
    }
    (!bytes.is_empty()).then(|| hex::encode(Md5::digest(&bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(kind: &str, text: Option<&str>, bytes: Option<&[u8]>) -> MessageAttribute {
        MessageAttribute {
            data_type: kind.to_owned(),
            string_value: text.map(str::to_owned),
            binary_value: bytes.map(|bytes| BASE64.encode(bytes)),
        }
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        let none = MessageAttributes::new();
        assert_eq!(check("süß", &none).ok(), Some(5));
        assert!(check("", &none).is_err());
        assert!(check("a\u{0}b", &none).is_err_and(|error| error.code == "InvalidMessageContents"));
        for (name, value) in [
            ("a", attribute("String", None, None)),
            ("a", attribute("String", Some(""), None)),
            ("a", attribute("Number", Some("one"), None)),
            ("a", attribute("Binary", Some("text"), None)),
            ("a", attribute("Truth", Some("text"), None)),
            ("aws.a", attribute("String", Some("text"), None)),
            ("a b", attribute("String", Some("text"), None)),
        ] {
            let attributes = MessageAttributes::from([(name.to_owned(), value)]);
            assert!(check("body", &attributes).is_err(), "{attributes:?}");
        }
        let attributes =
            MessageAttributes::from([("n".to_owned(), attribute("Number.int", Some("12"), None))]);
        assert_eq!(check("body", &attributes).ok(), Some(4 + 1 + 10 + 2));
    }

    #[test]
    fn digests_of_attributes_are_those_that_clients_compute() {
        let all = [
            ("bytes", attribute("Binary", None, Some(&[1, 2, 3]))),
            ("number", attribute("Number", Some("7"), None)),
            ("text", attribute("String", Some("value"), None)),
        ];
        let digest = digest_of_attributes(all.iter().map(|(name, value)| (*name, value)));
        assert_eq!(digest.as_deref(), Some("e0f0a208eaae8ea9c782ce721bd1e8b8"));
        assert_eq!(digest_of_attributes(std::iter::empty()), None);
    }
}
