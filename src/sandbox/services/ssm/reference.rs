//! Secrets of Secrets Manager, which can be read as parameters.
//!
//! Source: Systems Manager user guide, "Referencing AWS Secrets Manager secrets from Parameter Store parameters": only by
//! `GetParameter` and `GetParameters`, and only decrypted. That who asks may read the secret is looked at with the rest of
//! what the call needs.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use crate::sandbox::{
    call::{Answer, Caller, ServiceError},
    protocol::input::invalid,
    services::secretsmanager,
    world::World,
};

use super::{parameter::SECURE, refused};

/// What the names of such parameters begin with; the rest is the secret's.
pub const START: &str = "/aws/reference/secretsmanager/";

/// The secrets among the parameters that a call asks for, by the names that it gives them.
///
/// # Errors
/// When it does not ask for them in clear.
pub(super) async fn secrets(
    world: &Arc<World>,
    operation: &str,
    input: &Value,
    caller: &Caller,
) -> Result<BTreeMap<String, Answer>, ServiceError> {
    let names = match operation {
        "GetParameter" => std::slice::from_ref(&input["Name"]),
        "GetParameters" => input["Names"].as_array().map(Vec::as_slice).unwrap_or_default(),
        _ => &[],
    };
    let mut found = BTreeMap::new();
    for name in names.iter().filter_map(Value::as_str) {
        let Some(id) = name.strip_prefix(START) else { continue };
        if input["WithDecryption"] != true {
            return Err(invalid("WithDecryption flag must be True for retrieving a Secret Manager secret."));
        }
        found.insert(name.to_owned(), secret(world, name, id, caller).await);
    }
    Ok(found)
}

async fn secret(world: &Arc<World>, name: &str, id: &str, caller: &Caller) -> Answer {
    let input = json!({ "SecretId": id });
    let none = |why: String| {
        let text = format!("An error occurred (ParameterNotFound) when referencing Secrets Manager: {why}");
        refused("ParameterNotFound", text)
    };
    let found = secretsmanager::handle(world, "GetSecretValue", input, caller).await;
    let found = found.map_err(|error| match error.code {
        "ResourceNotFoundException" => none(format!("Secret {name} not found.")),
        _ if error.status == 500 => error,
        _ => none(error.message),
    })?;
    let value = found["SecretString"].as_str().ok_or_else(|| none(format!("Secret {name} is binary.")))?;
    Ok(json!({
        "Name": name,
        "ARN": found["ARN"],
        "Type": SECURE,
        "Value": value,
        "Version": 0,
        "SourceResult": found.to_string(),
        "LastModifiedDate": found["CreatedDate"],
        "DataType": "text",
    }))
}
