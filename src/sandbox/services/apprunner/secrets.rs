//! Secrets of a service: what its instances have in their environment, read when they start.
//!
//! Source: App Runner developer guide, "Referencing sensitive data stored in Secrets Manager and SSM Parameter Store".

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value};

use crate::sandbox::{
    call::ServiceError,
    reference::{SecretPart, parameter, secret},
    world::World,
};

const PLACE: &str = "/SourceConfiguration/ImageRepository/ImageConfiguration/RuntimeEnvironmentSecrets";

fn of(config: &Map<String, Value>) -> Map<String, Value> {
    let source = config.get("SourceConfiguration").cloned().unwrap_or_default();
    let whole = serde_json::json!({ "SourceConfiguration": source });
    whole.pointer(PLACE).and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Refuses secrets that nobody could read for the service, and what is no reference.
pub(super) fn check(config: &Map<String, Value>) -> Result<(), ServiceError> {
    let secrets = of(config);
    if secrets.is_empty() {
        return Ok(());
    }
    let invalid = |text: String| ServiceError::client("InvalidRequestException", text);
    let role =
        config.get("InstanceConfiguration").is_some_and(|instance| instance["InstanceRoleArn"].is_string());
    if !role {
        return Err(invalid(
            "Instance Role have to be provided if passing in RuntimeEnvironmentSecrets.".to_owned(),
        ));
    }
    match secrets.iter().find(|(_, value)| value.as_str().is_none_or(str::is_empty)) {
        Some((name, _)) => {
            Err(invalid(format!("RuntimeEnvironmentSecrets {name} is not the ARN of a secret.")))
        }
        None => Ok(()),
    }
}

/// Reads the secrets of a service.
///
/// # Errors
/// Which one cannot be read, and why.
pub(super) async fn read(
    world: &Arc<World>,
    config: &Map<String, Value>,
) -> Result<BTreeMap<String, String>, String> {
    let caller = world.own_caller();
    let mut found = BTreeMap::new();
    for (name, given) in of(config) {
        let given = given.as_str().unwrap_or_default();
        let value = if given.starts_with("arn:aws:secretsmanager:") {
            match SecretPart::read(given) {
                Some(part) => secret(world, &caller, &part).await,
                None => Err(ServiceError::client("InvalidReference", "it is not the ARN of a secret")),
            }
        } else {
            parameter(world, &caller, given).await
        };
        let value = value
            .map_err(|error| format!("the secret {given} for {name} cannot be read: {}", error.message))?;
        found.insert(name, value);
    }
    Ok(found)
}
