//! The operations of App Runner: what is checked and recorded before anything is done.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::sandbox::{
    call::{Answer, Caller, ServiceError},
    server::uuid,
    world::World,
};

use super::{
    Index,
    family::{FAMILIES, default_summary},
    model::{BUSY, CREATE_FAILED, DELETED, Operation, PAUSED, RUNNING, Service, now},
    operations::{self, Work},
    page, revisions, secrets,
};

/// Most services of one account and region. Source: App Runner quotas.
const QUOTA: usize = 30;

/// Pairs of CPU units and memory in MB. Source: App Runner API reference, InstanceConfiguration.
const SIZES: [(&str, &[&str]); 5] = [
    ("256", &["512", "1024"]),
    ("512", &["1024"]),
    ("1024", &["2048", "3072", "4096"]),
    ("2048", &["4096", "6144"]),
    ("4096", &["8192", "10240", "12288"]),
];

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidRequestException", message)
}

fn state(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidStateException", message)
}

fn missing(arn: &str) -> ServiceError {
    ServiceError::client(
        "ResourceNotFoundException",
        format!("Service with the provided arn does not exist: {arn}"),
    )
}

fn text<'a>(input: &'a Map<String, Value>, key: &str) -> Result<&'a str, ServiceError> {
    input.get(key).and_then(Value::as_str).ok_or_else(|| invalid(format!("{key} is required")))
}

fn shown(world: &World, service: &Service) -> Value {
    let arn = service.config.get("AutoScalingConfigurationArn").and_then(Value::as_str).unwrap_or_default();
    let found = world.apprunner.index.read(|index| index.autoscaling(arn).cloned());
    let identity = &world.identity;
    let summary = found.map(|mut found| {
        found["HasAssociatedService"] = json!(true);
        FAMILIES[0].summary(&found)
    });
    service.shown(summary.unwrap_or_else(|| default_summary(&identity.account, &identity.region)))
}

/// Answers one operation.
pub(super) fn handle(
    world: &Arc<World>,
    operation: &str,
    input: Map<String, Value>,
    caller: &Caller,
) -> Answer {
    let index = &world.apprunner.index;
    let get = |arn: &str| -> Result<Service, ServiceError> {
        index.read(|index| index.services.get(arn).cloned()).ok_or_else(|| missing(arn))
    };
    match operation {
        "CreateService" => create(world, input, caller),
        "UpdateService" => update(world, input),
        "PauseService" => begin(world, text(&input, "ServiceArn")?, "PAUSE_SERVICE", &[RUNNING], Work::Pause),
        "ResumeService" => {
            begin(world, text(&input, "ServiceArn")?, "RESUME_SERVICE", &[PAUSED], Work::Resume)
        }
        "DeleteService" => begin(
            world,
            text(&input, "ServiceArn")?,
            "DELETE_SERVICE",
            &[RUNNING, PAUSED, CREATE_FAILED],
            Work::Delete,
        ),
        "StartDeployment" => {
            let mut answer =
                begin(world, text(&input, "ServiceArn")?, "START_DEPLOYMENT", &[RUNNING], Work::Deploy)?;
            answer.as_object_mut().map(|map| map.remove("Service"));
            Ok(answer)
        }
        "DescribeService" => Ok(json!({ "Service": shown(world, &get(text(&input, "ServiceArn")?)?) })),
        "ListServices" => {
            let list: Vec<Value> = index.read(|index| {
                let living = index.services.values().filter(|service| service.status != DELETED);
                living.map(Service::summary).collect()
            });
            page(&input, "ServiceSummaryList", &list)
        }
        "ListOperations" => {
            let service = get(text(&input, "ServiceArn")?)?;
            let newest: Vec<Value> = service.operations.iter().rev().map(|o| o.shown(&service.arn)).collect();
            page(&input, "OperationSummaryList", &newest)
        }
        "ListTagsForResource" => {
            let arn = text(&input, "ResourceArn")?;
            let tags = index.read(|index| {
                let of_service = index.services.get(arn).map(|service| service.tags.clone());
                of_service.or_else(|| index.tags.get(arn).cloned())
            });
            Ok(json!({ "Tags": tags.ok_or_else(|| missing(arn))? }))
        }
        "TagResource" => {
            let new = input.get("Tags").and_then(Value::as_array).cloned().unwrap_or_default();
            tag(world, text(&input, "ResourceArn")?, |tags| {
                tags.retain(|old| new.iter().all(|new| new["Key"] != old["Key"]));
                tags.extend(new);
            })
        }
        "UntagResource" => {
            let keys = input.get("TagKeys").and_then(Value::as_array).cloned().unwrap_or_default();
            tag(world, text(&input, "ResourceArn")?, |tags| tags.retain(|tag| !keys.contains(&tag["Key"])))
        }
        _ => Err(ServiceError::not_in_sandbox("App Runner", operation)),
    }
}

/// Most tags of a resource. Source: App Runner API reference, TagResource (as for all of AWS).
const MOST_TAGS: usize = 50;

fn tag(world: &World, arn: &str, change: impl FnOnce(&mut Vec<Value>)) -> Answer {
    world.apprunner.index.update(|index| {
        let of_service = index.services.get_mut(arn).map(|service| &mut service.tags);
        let tags = of_service.or_else(|| index.tags.get_mut(arn)).ok_or_else(|| missing(arn))?;
        change(tags);
        if tags.len() > MOST_TAGS {
            return Err(invalid(format!("a resource has at most {MOST_TAGS} tags")));
        }
        Ok(json!({}))
    })
}

/// Members that make up a service's configuration.
const CONFIGURATION: [&str; 6] = [
    "SourceConfiguration",
    "InstanceConfiguration",
    "HealthCheckConfiguration",
    "AutoScalingConfigurationArn",
    "NetworkConfiguration",
    "ObservabilityConfiguration",
];

/// Checks the members of a configuration and fills in what the service fills in.
fn configuration(index: &Index, given: &Map<String, Value>) -> Result<Map<String, Value>, ServiceError> {
    let mut config = Map::new();
    for key in CONFIGURATION {
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

fn create(world: &Arc<World>, input: Map<String, Value>, caller: &Caller) -> Answer {
    let name = text(&input, "ServiceName")?.to_owned();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if !(4..=40).contains(&name.len()) || !name.bytes().all(plain) {
        return Err(invalid(format!("Service name {name} must match [A-Za-z0-9][A-Za-z0-9-_]{{3,39}}")));
    }
    let id = hex::encode(rand::random::<[u8; 16]>());
    let host_id = hex::encode(rand::random::<[u8; 5]>());
    let arn = format!("arn:aws:apprunner:{}:{}:service/{name}/{id}", caller.region, caller.account);
    let url = format!("{host_id}.{}.awsapprunner.localhost:{}", caller.region, world.addresses.edge.port());
    let operation = operation("CREATE_SERVICE");
    let service = world.apprunner.index.update(|index| {
        let mut living = index.services.values().filter(|service| service.status != DELETED);
        if living.clone().count() >= QUOTA {
            let text = format!("You have reached the limit of {QUOTA} services");
            return Err(ServiceError::client("ServiceQuotaExceededException", text));
        }
        if living.any(|service| service.name == name) {
            return Err(invalid(format!("Service with the provided name already exists: {name}.")));
        }
        let config = configuration(index, &input)?;
        let service = Service {
            name: name.clone(),
            id,
            host_id,
            arn: arn.clone(),
            url,
            created: operation.started,
            updated: operation.started,
            status: BUSY.to_owned(),
            config,
            before: None,
            operations: vec![operation.clone()],
            tags: input.get("Tags").and_then(Value::as_array).cloned().unwrap_or_default(),
            domains: Vec::new(),
        };
        index.services.insert(arn.clone(), service.clone());
        Ok(service)
    })?;
    operations::spawn(world, arn, operation.id.clone(), Work::Create);
    Ok(json!({ "Service": shown(world, &service), "OperationId": operation.id }))
}

fn operation(kind: &str) -> Operation {
    let at = now();
    Operation {
        id: uuid(),
        kind: kind.to_owned(),
        status: "IN_PROGRESS".to_owned(),
        started: at,
        updated: at,
        ended: None,
    }
}

fn update(world: &Arc<World>, input: Map<String, Value>) -> Answer {
    let arn = text(&input, "ServiceArn")?.to_owned();
    let operation = operation("UPDATE_SERVICE");
    let service = world.apprunner.index.update(|index| {
        let current =
            index.services.get(&arn).filter(|s| s.status != DELETED).ok_or_else(|| missing(&arn))?;
        if current.status != RUNNING && current.status != CREATE_FAILED {
            return Err(state(format!(
                "Service cannot be updated in the current state: {}.",
                current.status
            )));
        }
        let mut given = current.config.clone();
        for key in CONFIGURATION {
            if let Some(value) = input.get(key) {
                given.insert(key.to_owned(), value.clone());
            }
        }
        let config = configuration(index, &given)?;
        let service = index.services.get_mut(&arn).ok_or_else(|| missing(&arn))?;
        service.before = (service.status == RUNNING).then(|| service.config.clone());
        service.config = config;
        service.status = BUSY.to_owned();
        service.updated = operation.started;
        service.operations.push(operation.clone());
        Ok(service.clone())
    })?;
    let work = if service.before.is_some() { Work::Update } else { Work::Create };
    operations::spawn(world, arn, operation.id.clone(), work);
    Ok(json!({ "Service": shown(world, &service), "OperationId": operation.id }))
}

fn begin(world: &Arc<World>, arn: &str, kind: &str, allowed: &[&str], work: Work) -> Answer {
    let operation = operation(kind);
    let service = world.apprunner.index.update(|index| {
        let service =
            index.services.get_mut(arn).filter(|s| s.status != DELETED).ok_or_else(|| missing(arn))?;
        if !allowed.contains(&service.status.as_str()) {
            return Err(state(format!("{kind} is not possible in the current state: {}.", service.status)));
        }
        if work == Work::Deploy {
            service.before = Some(service.config.clone());
        }
        service.status = BUSY.to_owned();
        service.updated = operation.started;
        service.operations.push(operation.clone());
        Ok(service.clone())
    })?;
    operations::spawn(world, arn.to_owned(), operation.id.clone(), work);
    Ok(json!({ "Service": shown(world, &service), "OperationId": operation.id }))
}
