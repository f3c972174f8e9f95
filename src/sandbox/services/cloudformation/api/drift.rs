//! Drift: what resources are, held against what their stack made them.
//!
//! Source: CloudFormation user guide, "Detect unmanaged configuration changes". Only properties that the template says
//! are held against, and of these those that the service tells.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::sandbox::{
    call::{Answer, ServiceError},
    server::uuid,
};

use super::{
    super::{
        model::{Resource, Stack, now, told},
        resources::{Kind, forget_attachments, kind},
    },
    Request,
    describe::PAGE,
    input::page,
    invalid,
    stacks::missing,
};

/// Words that mean the same are the same: services tell numbers where templates have words.
fn same(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            expected.iter().all(|(name, value)| actual.get(name).is_some_and(|actual| same(value, actual)))
        }
        (Value::Array(expected), Value::Array(actual)) => {
            expected.len() == actual.len()
                && expected.iter().all(|one| actual.iter().any(|other| same(one, other)))
        }
        (Value::String(text), Value::Number(number)) | (Value::Number(number), Value::String(text)) => {
            number.to_string() == *text
        }
        (Value::String(text), Value::Bool(flag)) | (Value::Bool(flag), Value::String(text)) => {
            text.parse() == Ok(*flag)
        }
        _ => expected == actual,
    }
}

fn differences(expected: &Map<String, Value>, actual: &Map<String, Value>) -> Vec<Value> {
    let told = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let differs = expected.iter().filter_map(|(name, value)| {
        let is = actual.get(name).filter(|is| !same(value, is))?;
        Some(json!({
            "PropertyPath": format!("/{name}"),
            "ExpectedValue": told(value),
            "ActualValue": told(is),
            "DifferenceType": if is.is_null() { "REMOVE" } else { "NOT_EQUAL" },
        }))
    });
    differs.collect()
}

async fn looked_at(
    request: &Request<'_>,
    stack: &Stack,
    resource: &Resource,
    all: &BTreeMap<String, Resource>,
) -> Result<Value, ServiceError> {
    let physical = resource.physical.clone().unwrap_or_default();
    let actual = match kind(&resource.kind) {
        Some(kind) => kind.read(&request.at, &physical).await?,
        None => None,
    };
    let mut shown = json!({
        "StackId": stack.id,
        "LogicalResourceId": resource.id,
        "PhysicalResourceId": physical,
        "ResourceType": resource.kind,
        "Timestamp": told(now()),
        "ExpectedProperties": Value::Object(resource.properties.clone()).to_string(),
        "PropertyDifferences": [],
    });
    let Some(mut actual) = actual else {
        shown["StackResourceDriftStatus"] = json!("DELETED");
        return Ok(shown);
    };
    let others = all.values().filter(|other| other.id != resource.id);
    let others = others
        .map(|other| (other.kind.as_str(), other.physical.as_deref().unwrap_or_default(), &other.properties));
    forget_attachments(&resource.kind, &physical, &mut actual, others);
    let differences = differences(&resource.properties, &actual);
    shown["StackResourceDriftStatus"] = json!(if differences.is_empty() { "IN_SYNC" } else { "MODIFIED" });
    shown["ActualProperties"] = json!(Value::Object(actual).to_string());
    shown["PropertyDifferences"] = json!(differences);
    Ok(shown)
}

/// Looks at once; what is told afterwards is what was found.
pub(super) async fn detect(request: &Request<'_>) -> Answer {
    const STABLE: [&str; 6] = [
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "UPDATE_ROLLBACK_FAILED",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
    ];
    let name = request.required("StackName")?;
    let stack = request
        .store()
        .read(|view| view.stack(name))
        .filter(Stack::is_living)
        .ok_or_else(|| missing(name))?;
    if !STABLE.contains(&stack.status.as_str()) {
        return Err(invalid(format!(
            "Drift detection cannot be performed on stack in {} state",
            stack.status
        )));
    }
    let wanted = request.texts("LogicalResourceIds");
    let mut found = Vec::new();
    let all = request.store().read(|view| view.resources(&stack.id));
    for resource in all.values().filter(|resource| kind(&resource.kind).is_none_or(Kind::drifts)) {
        if wanted.is_empty() || wanted.contains(&resource.id) {
            found.push((resource.id.clone(), looked_at(request, &stack, resource, &all).await?));
        }
    }
    request.store().change(|view, changes| {
        let mut stack = view.stack(&stack.id).ok_or_else(|| missing(name))?;
        let drifted = found.iter().any(|(_, shown)| shown["StackResourceDriftStatus"] != "IN_SYNC");
        stack.drift = Some((if drifted { "DRIFTED" } else { "IN_SYNC" }.to_owned(), now()));
        for (id, shown) in found {
            if let Some(mut resource) = view.resource(&stack.id, &id) {
                resource.drift = Some(shown);
                changes.resource(&stack.id, &resource);
            }
        }
        changes.stack(&stack);
        // The id begins as the stack's, which says whose drift it is: nothing else has to be kept.
        Ok(json!({ "StackDriftDetectionId": format!("{}{}", start_of(&stack.id), &uuid()[START..]) }))
    })
}

/// How much of a UUID is its first three groups.
const START: usize = 18;

/// Of a stack's own UUID, which ends its ARN.
fn start_of(stack: &str) -> &str {
    stack.rsplit('/').next().and_then(|id| id.get(..START)).unwrap_or_default()
}

pub(super) fn status(request: &Request<'_>) -> Answer {
    let id = request.required("StackDriftDetectionId")?;
    let missing = || invalid(format!("Stack drift detection {id} does not exist"));
    let stack = request.store().read(|view| {
        view.stacks().find(|stack| stack.drift.is_some() && id.starts_with(start_of(&stack.id))).cloned()
    });
    let stack = stack.ok_or_else(missing)?;
    let (status, at) = stack.drift.clone().ok_or_else(missing)?;
    let count = request.store().read(|view| {
        let drifts = view.resources(&stack.id).into_values().filter_map(|resource| resource.drift);
        drifts.filter(|drift| drift["StackResourceDriftStatus"] != "IN_SYNC").count()
    });
    Ok(json!({
        "StackId": stack.id,
        "StackDriftDetectionId": id,
        "StackDriftStatus": status,
        "DetectionStatus": "DETECTION_COMPLETE",
        "DriftedStackResourceCount": count,
        "Timestamp": told(at),
    }))
}

pub(super) fn resources(request: &Request<'_>) -> Answer {
    let name = request.required("StackName")?;
    let stack = request.store().read(|view| view.stack(name)).ok_or_else(|| missing(name))?;
    let wanted = request.texts("StackResourceDriftStatusFilters");
    let all = request.store().read(|view| view.resources(&stack.id));
    let keyed = all.into_iter().filter_map(|(id, resource)| Some((id, resource.drift?)));
    let keyed = keyed.filter(|(_, drift)| {
        wanted.is_empty() || wanted.iter().any(|wanted| drift["StackResourceDriftStatus"] == **wanted)
    });
    let (some, next) = page(keyed.collect(), request.text("NextToken"), PAGE)?;
    Ok(json!({ "StackResourceDrifts": some, "NextToken": next }))
}
