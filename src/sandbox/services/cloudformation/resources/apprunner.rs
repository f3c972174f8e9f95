//! `AWS::AppRunner::Service`, whose operations take their time and are waited for.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::sandbox::{
    call::ServiceError,
    services::cloudformation::{
        diff::Recreation::{self, Always, Never},
        template::Made,
    },
};

use super::{At, Kind, Naming, Outcome, Properties, is_missing, shape};

pub(super) struct Service;

const NUMBERS: [&str; 4] = ["Interval", "Timeout", "HealthyThreshold", "UnhealthyThreshold"];
const FLAGS: [&str; 3] = ["AutoDeploymentsEnabled", "IsPubliclyAccessible", "ObservabilityEnabled"];
const PAUSE: Duration = Duration::from_millis(150);

fn input(properties: &Properties) -> Value {
    let mut input = shape::typed(&properties.clone().into(), &NUMBERS, &FLAGS);
    // Lists of names and values in a template, structures in the service.
    for place in [
        "/SourceConfiguration/ImageRepository/ImageConfiguration",
        "/SourceConfiguration/CodeRepository/CodeConfiguration/CodeConfigurationValues",
    ] {
        let Some(configuration) = input.pointer_mut(place) else { continue };
        for name in ["RuntimeEnvironmentVariables", "RuntimeEnvironmentSecrets"] {
            if configuration[name].is_array() {
                configuration[name] = shape::table(&configuration[name]);
            } else if configuration[name].is_null() {
                configuration.as_object_mut().map(|map| map.remove(name));
            }
        }
    }
    input
}

fn made(service: &Value) -> Made {
    let attributes = shape::only(service, &["ServiceArn", "ServiceId", "ServiceUrl", "Status"]);
    let physical = service["ServiceArn"].as_str().unwrap_or_default().to_owned();
    Made { physical, attributes }
}

async fn described(at: &At, arn: &str) -> Outcome<Option<Value>> {
    match at.call("apprunner", "DescribeService", json!({ "ServiceArn": arn })).await {
        Ok(answer) if answer["Service"]["Status"] == "DELETED" => Ok(None),
        Ok(answer) => Ok(Some(answer["Service"].clone())),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Waits for the operation under way. The service itself bounds how long one takes.
async fn settled(at: &At, arn: &str) -> Outcome<Option<Value>> {
    loop {
        match described(at, arn).await? {
            Some(service) if service["Status"] == "OPERATION_IN_PROGRESS" => tokio::time::sleep(PAUSE).await,
            other => return Ok(other),
        }
    }
}

/// Whether the last operation of a service succeeded; an update that fails leaves the service as it was.
async fn succeeded(at: &At, arn: &str) -> Outcome<Made> {
    let service = settled(at, arn).await?;
    let answer =
        at.call("apprunner", "ListOperations", json!({ "ServiceArn": arn, "MaxResults": 1 })).await?;
    let last = &answer["OperationSummaryList"][0];
    match service {
        Some(service) if last["Status"] == "SUCCEEDED" => Ok(made(&service)),
        _ => {
            let (kind, status) =
                (last["Type"].as_str().unwrap_or_default(), last["Status"].as_str().unwrap_or_default());
            let text = format!("{kind} of {arn} ended as {status}");
            Err(ServiceError::client("NotStabilized", text))
        }
    }
}

#[async_trait]
impl Kind for Service {
    fn name(&self) -> &'static str {
        "AWS::AppRunner::Service"
    }

    fn properties(&self) -> &'static [(&'static str, Recreation)] {
        &[
            ("ServiceName", Always),
            ("EncryptionConfiguration", Always),
            ("Tags", Always),
            ("SourceConfiguration", Never),
            ("InstanceConfiguration", Never),
            ("HealthCheckConfiguration", Never),
            ("AutoScalingConfigurationArn", Never),
            ("NetworkConfiguration", Never),
            ("ObservabilityConfiguration", Never),
        ]
    }

    fn required(&self) -> &'static [&'static str] {
        &["SourceConfiguration"]
    }

    fn attributes(&self) -> &'static [&'static str] {
        &["ServiceArn", "ServiceId", "ServiceUrl", "Status"]
    }

    fn naming(&self) -> Option<Naming> {
        Some(Naming { property: "ServiceName", longest: 40, lower: false })
    }

    async fn find(&self, at: &At, name: &str) -> Outcome<Option<Made>> {
        let mut token = Value::Null;
        loop {
            let mut input = json!({ "MaxResults": 20 });
            if !token.is_null() {
                input["NextToken"] = token;
            }
            let answer = at.call("apprunner", "ListServices", input).await?;
            let list = answer["ServiceSummaryList"].as_array().cloned().unwrap_or_default();
            if let Some(found) = list.iter().find(|service| service["ServiceName"] == name) {
                let arn = found["ServiceArn"].as_str().unwrap_or_default();
                return Ok(settled(at, arn).await?.as_ref().map(made));
            }
            token = answer["NextToken"].clone();
            if token.is_null() {
                return Ok(None);
            }
        }
    }

    async fn create(&self, at: &At, name: &str, properties: &Properties) -> Outcome<Made> {
        let mut input = input(properties);
        input["ServiceName"] = json!(name);
        let answer = at.call("apprunner", "CreateService", input).await?;
        let arn = answer["Service"]["ServiceArn"].as_str().unwrap_or_default();
        succeeded(at, arn).await
    }

    async fn update(&self, at: &At, physical: &str, _: &Properties, new: &Properties) -> Outcome<Made> {
        settled(at, physical).await?;
        let mut input = input(new);
        input.as_object_mut().map(|map| map.remove("ServiceName"));
        input["ServiceArn"] = json!(physical);
        at.call("apprunner", "UpdateService", input).await?;
        succeeded(at, physical).await
    }

    async fn delete(&self, at: &At, physical: &str, _: &Properties) -> Outcome<()> {
        if settled(at, physical).await?.is_none() {
            return Ok(());
        }
        at.call("apprunner", "DeleteService", json!({ "ServiceArn": physical })).await?;
        match settled(at, physical).await? {
            None => Ok(()),
            Some(service) => {
                let text = format!("the service is {}", service["Status"].as_str().unwrap_or_default());
                Err(ServiceError::client("NotStabilized", text))
            }
        }
    }

    async fn read(&self, at: &At, physical: &str) -> Outcome<Option<Properties>> {
        let Some(mut service) = described(at, physical).await? else { return Ok(None) };
        service["AutoScalingConfigurationArn"] =
            service["AutoScalingConfigurationSummary"]["AutoScalingConfigurationArn"].clone();
        if let Some(image) = service.pointer_mut("/SourceConfiguration/ImageRepository/ImageConfiguration") {
            for name in ["RuntimeEnvironmentVariables", "RuntimeEnvironmentSecrets"] {
                if let Some(map) = image[name].as_object() {
                    let list: Vec<Value> =
                        map.iter().map(|(name, value)| json!({ "Name": name, "Value": value })).collect();
                    image[name] = list.into();
                }
            }
        }
        let names: Vec<&str> = self.properties().iter().map(|(name, _)| *name).collect();
        Ok(Some(shape::only(&service, &names)))
    }
}
