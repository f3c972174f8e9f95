//! The operations of App Runner: what is checked and recorded before anything is done.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::sandbox::{
    call::{Answer, Caller, ServiceError},
    server::uuid,
    world::World,
};

use super::{
    configuration,
    family::{FAMILIES, default_configuration, invalid},
    model::{BUSY, CREATE_FAILED, DELETED, Operation, PAUSED, RUNNING, Service, now},
    operations::{self, Work},
    page,
};

/// Most services of one account and region. Source: App Runner quotas.
const QUOTA: usize = 30;

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
    let mut found = found.unwrap_or_else(|| default_configuration(&identity.account, &identity.region));
    found["HasAssociatedService"] = json!(true);
    service.shown(FAMILIES[0].summary(&found))
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
        let config = configuration::complete(index, &input)?;
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
        for key in configuration::MEMBERS {
            if let Some(value) = input.get(key) {
                given.insert(key.to_owned(), value.clone());
            }
        }
        let config = configuration::complete(index, &given)?;
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
