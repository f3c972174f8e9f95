//! Autoscaling configurations: immutable, in revisions.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::sandbox::{
    call::{Answer, Caller, ServiceError},
    world::World,
};

use super::model::now;

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidRequestException", message)
}

fn number(
    input: &Map<String, Value>,
    key: &str,
    default: i64,
    range: std::ops::RangeInclusive<i64>,
) -> Result<i64, ServiceError> {
    let value = input.get(key).and_then(Value::as_i64).unwrap_or(default);
    if range.contains(&value) {
        Ok(value)
    } else {
        Err(invalid(format!("{key} must be between {} and {}", range.start(), range.end())))
    }
}

/// The configuration that a service without one gets.
pub(super) fn default_summary(caller_account: &str, region: &str) -> Value {
    json!({
        "AutoScalingConfigurationArn": format!("arn:aws:apprunner:{region}:{caller_account}:autoscalingconfiguration/DefaultConfiguration/1/00000000000000000000000000000001"),
        "AutoScalingConfigurationName": "DefaultConfiguration",
        "AutoScalingConfigurationRevision": 1,
        "Status": "active",
        "IsDefault": true,
    })
}

/// The short form of a configuration.
pub(super) fn summary(configuration: &Value) -> Value {
    let mut summary = configuration.clone();
    if let Some(map) = summary.as_object_mut() {
        for key in ["MaxConcurrency", "MinSize", "MaxSize", "Latest"] {
            map.remove(key);
        }
    }
    summary
}

/// Answers one operation.
pub(super) fn handle(
    world: &Arc<World>,
    operation: &str,
    input: &Map<String, Value>,
    caller: &Caller,
) -> Answer {
    let index = &world.apprunner.index;
    let missing =
        || ServiceError::client("ResourceNotFoundException", "the autoscaling configuration does not exist");
    match operation {
        "CreateAutoScalingConfiguration" => {
            let name = input.get("AutoScalingConfigurationName").and_then(Value::as_str);
            let name = name
                .filter(|n| (4..=32).contains(&n.len()))
                .ok_or_else(|| invalid("AutoScalingConfigurationName must have 4 to 32 characters"))?;
            let concurrency = number(input, "MaxConcurrency", 100, 1..=200)?;
            let max = number(input, "MaxSize", 25, 1..=25)?;
            let min = number(input, "MinSize", 1, 1..=max)?;
            index.update(|index| {
                let mut revision = 1;
                for other in
                    index.autoscaling.values_mut().filter(|c| c["AutoScalingConfigurationName"] == name)
                {
                    other["Latest"] = json!(false);
                    revision = revision
                        .max(other["AutoScalingConfigurationRevision"].as_i64().unwrap_or_default() + 1);
                }
                let id = hex::encode(rand::random::<[u8; 16]>());
                let arn = format!(
                    "arn:aws:apprunner:{}:{}:autoscalingconfiguration/{name}/{revision}/{id}",
                    caller.region, caller.account
                );
                let configuration = json!({
                    "AutoScalingConfigurationArn": arn,
                    "AutoScalingConfigurationName": name,
                    "AutoScalingConfigurationRevision": revision,
                    "Latest": true,
                    "Status": "active",
                    "MaxConcurrency": concurrency,
                    "MinSize": min,
                    "MaxSize": max,
                    "CreatedAt": now(),
                    "IsDefault": false,
                });
                index.autoscaling.insert(arn, configuration.clone());
                Ok(json!({ "AutoScalingConfiguration": configuration }))
            })
        }
        "DescribeAutoScalingConfiguration" => {
            let arn = input.get("AutoScalingConfigurationArn").and_then(Value::as_str).unwrap_or_default();
            let found = index.read(|index| index.autoscaling.get(arn).cloned()).ok_or_else(missing)?;
            Ok(json!({ "AutoScalingConfiguration": found }))
        }
        "DeleteAutoScalingConfiguration" => {
            let arn = input.get("AutoScalingConfigurationArn").and_then(Value::as_str).unwrap_or_default();
            index.update(|index| {
                let in_use = |service: &super::model::Service| {
                    service.status != super::model::DELETED
                        && service.config.get("AutoScalingConfigurationArn").and_then(Value::as_str)
                            == Some(arn)
                };
                if index.services.values().any(in_use) {
                    return Err(invalid(format!("{arn} is in use by a service")));
                }
                let mut found = index.autoscaling.remove(arn).ok_or_else(missing)?;
                found["Status"] = json!("inactive");
                Ok(json!({ "AutoScalingConfiguration": found }))
            })
        }
        "ListAutoScalingConfigurations" => {
            let name = input.get("AutoScalingConfigurationName").and_then(Value::as_str);
            let latest = input.get("LatestOnly").and_then(Value::as_bool).unwrap_or(false);
            let list: Vec<Value> = index.read(|index| {
                index
                    .autoscaling
                    .values()
                    .filter(|c| name.is_none_or(|name| c["AutoScalingConfigurationName"] == name))
                    .filter(|c| !latest || c["Latest"] == true)
                    .map(summary)
                    .collect()
            });
            Ok(json!({ "AutoScalingConfigurationSummaryList": list }))
        }
        _ => Err(ServiceError::not_in_sandbox("App Runner", operation)),
    }
}
