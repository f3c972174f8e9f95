//! What a service is made of: its members, what each may be, and what stands for one that is not given.
//!
//! Source: App Runner API reference, CreateService.

use serde_json::{Map, Value, json};

use crate::sandbox::call::ServiceError;

use super::{Index, family::invalid, revisions, secrets};

/// Pairs of CPU units and memory in MB. Source: App Runner API reference, InstanceConfiguration.
const SIZES: [(&str, &[&str]); 5] = [
    ("256", &["512", "1024"]),
    ("512", &["1024"]),
    ("1024", &["2048", "3072", "4096"]),
    ("2048", &["4096", "6144"]),
    ("4096", &["8192", "10240", "12288"]),
];

/// Members that make up a service's configuration.
pub(super) const MEMBERS: [&str; 6] = [
    "SourceConfiguration",
    "InstanceConfiguration",
    "HealthCheckConfiguration",
    "AutoScalingConfigurationArn",
    "NetworkConfiguration",
    "ObservabilityConfiguration",
];

/// Checks the members of a configuration and fills in what the service fills in.
pub(super) fn complete(
    index: &Index,
    given: &Map<String, Value>,
) -> Result<Map<String, Value>, ServiceError> {
    let mut config = Map::new();
    for key in MEMBERS {
        if let Some(value) = given.get(key) {
            config.insert(key.to_owned(), value.clone());
        }
    }
    let source = config.get("SourceConfiguration").cloned().unwrap_or_default();
    let repository = &source["ImageRepository"];
    if repository["ImageRepositoryType"] != "ECR" || repository["ImageIdentifier"].as_str().is_none() {
        return Err(invalid("only a source that is an image in ECR is in the sandbox"));
    }
    if source["AuthenticationConfiguration"]["AccessRoleArn"].as_str().is_none() {
        return Err(invalid(
            "Authentication configuration is invalid: an access role is needed to pull from ECR",
        ));
    }
    let instance = config.entry("InstanceConfiguration").or_insert_with(|| json!({}));
    let (cpu, memory) = (
        units(instance["Cpu"].as_str().unwrap_or("1024"), "vCPU"),
        units(instance["Memory"].as_str().unwrap_or("2048"), "GB"),
    );
    if !SIZES.iter().any(|(c, memories)| *c == cpu && memories.contains(&memory.as_str())) {
        return Err(invalid(format!("Invalid combination of Cpu {cpu} and Memory {memory}")));
    }
    instance["Cpu"] = json!(cpu);
    instance["Memory"] = json!(memory);
    secrets::check(&config)?;
    let health = config.entry("HealthCheckConfiguration").or_insert_with(|| json!({}));
    let defaults = [
        ("Protocol", json!("TCP")),
        ("Path", json!("/")),
        ("Interval", json!(5)),
        ("Timeout", json!(2)),
        ("HealthyThreshold", json!(1)),
        ("UnhealthyThreshold", json!(5)),
    ];
    for (key, default) in defaults {
        if health.get(key).is_none() {
            health[key] = default;
        }
    }
    config.entry("NetworkConfiguration").or_insert_with(|| {
        json!({ "EgressConfiguration": { "EgressType": "DEFAULT" }, "IngressConfiguration": { "IsPubliclyAccessible": true }, "IpAddressType": "IPV4" })
    });
    // A partial ARN stands for the latest revision there is now.
    if let Some(arn) = config.get("AutoScalingConfigurationArn").and_then(Value::as_str) {
        let arn = revisions::resolve(index, "AutoScalingConfiguration", arn)?;
        config.insert("AutoScalingConfigurationArn".to_owned(), json!(arn));
    } else if let Some(arn) = index.default_autoscaling() {
        config.insert("AutoScalingConfigurationArn".to_owned(), json!(arn));
    }
    for (path, what) in [
        ("/ObservabilityConfiguration/ObservabilityConfigurationArn", "ObservabilityConfiguration"),
        ("/NetworkConfiguration/EgressConfiguration/VpcConnectorArn", "VpcConnector"),
    ] {
        let mut whole = Value::Object(config);
        if let Some(place) = whole.pointer_mut(path)
            && let Some(arn) = place.as_str()
        {
            *place = json!(revisions::resolve(index, what, arn)?);
        }
        let Value::Object(back) = whole else { unreachable!("it was an object") };
        config = back;
    }
    Ok(config)
}

/// `0.25 vCPU` and `256` are the same, and so are `0.5 GB` and `512`.
fn units(value: &str, unit: &str) -> String {
    match value.strip_suffix(unit).and_then(|number| number.trim().parse::<f64>().ok()) {
        Some(number) => format!("{}", (number * 1024.0).round() as u64),
        None => value.to_owned(),
    }
}
