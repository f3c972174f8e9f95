//! Dynamic references: `{{resolve:secretsmanager:...}}`, `{{resolve:ssm:...}}` and `{{resolve:ssm-secure:...}}`.
//!
//! Invariant: a stack keeps and compares the references; what they stand for is read when a resource is made or changed,
//! by whoever the stack acts as, and is kept nowhere. Source: CloudFormation user guide, "Get values stored in other services using dynamic references".

use serde_json::Value;

use crate::sandbox::{
    call::ServiceError,
    reference::{SecretPart, parameter_input, parameter_of},
};

use super::resources::{At, Properties};

const BEGIN: &str = "{{resolve:";
const END: &str = "}}";

/// Kinds whose properties may have a secure parameter. Source: the same, "Resources that support dynamic parameter
/// patterns for secure strings"; of those that there are here.
const SECURE: [&str; 1] = ["AWS::RDS::DBInstance"];

fn invalid(text: String) -> ServiceError {
    ServiceError::client("InvalidRequest", text)
}

async fn one(at: &At, kind: &str, reference: &str) -> Result<String, ServiceError> {
    let malformed =
        || invalid(format!("Incorrect format is used in the following reference: [{BEGIN}{reference}{END}]"));
    let (service, rest) = reference.split_once(':').ok_or_else(malformed)?;
    match service {
        "secretsmanager" => {
            // `SecretString` stands between the id and the key, where there is a key.
            let (id, more) = match rest.split_once(":SecretString") {
                Some((id, more)) => (id, more),
                None => (rest, ""),
            };
            let text = format!("{id}{more}");
            let part = SecretPart::read(&text).ok_or_else(malformed)?;
            part.of(&at.call("secretsmanager", "GetSecretValue", part.input()).await?)
        }
        "ssm-secure" if !SECURE.contains(&kind) => {
            Err(invalid(format!("SSM Secure reference is not supported in: [{kind}/Properties]")))
        }
        "ssm" | "ssm-secure" => {
            let answer = at.call("ssm", "GetParameter", parameter_input(rest)).await?;
            parameter_of(&answer, Some(service == "ssm-secure"))
        }
        _ => Err(malformed()),
    }
}

async fn text(at: &At, kind: &str, text: &str) -> Result<String, ServiceError> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let Some((reference, after)) = after.split_once(END) else { break };
        out.push_str(before);
        out.push_str(&one(at, kind, reference).await?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// The texts of a value that have a reference, each with its place.
fn places(value: &Value, place: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) if text.contains(BEGIN) => found.push((place.to_owned(), text.clone())),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, item)| places(item, &format!("{place}/{n}"), found));
        }
        Value::Object(map) => {
            for (name, item) in map {
                let name = name.replace('~', "~0").replace('/', "~1");
                places(item, &format!("{place}/{name}"), found);
            }
        }
        _ => {}
    }
}

/// Properties with what their references stand for.
///
/// # Errors
/// When one stands for nothing; its value is in no error.
pub(super) async fn resolved(
    at: &At,
    kind: &str,
    properties: &Properties,
) -> Result<Properties, ServiceError> {
    let mut whole = Value::Object(properties.clone());
    let mut found = Vec::new();
    places(&whole, "", &mut found);
    for (place, given) in found {
        let value = text(at, kind, &given).await?;
        if let Some(slot) = whole.pointer_mut(&place) {
            *slot = value.into();
        }
    }
    Ok(match whole {
        Value::Object(map) => map,
        _ => Properties::new(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_found_wherever_they_stand() {
        let value =
            json!({ "A": "x{{resolve:ssm:a}}", "B": [{ "c/d": "{{resolve:ssm:b}}" }], "C": "{{else}}" });
        let mut found = Vec::new();
        places(&value, "", &mut found);
        let found: Vec<&str> = found.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(found, ["/A", "/B/0/c~1d"]);
        assert!(found.iter().all(|place| value.pointer(place).is_some()));
    }
}
