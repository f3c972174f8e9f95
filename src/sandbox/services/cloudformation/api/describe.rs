//! Stacks, their events and their resources, as they are told.

use serde_json::{Value, json};

use crate::sandbox::call::{Answer, ServiceError};

use super::{
    super::{
        engine,
        model::{Resource, Stack, told},
    },
    Request,
    input::page,
    invalid,
};

/// Things of one page. Source: CloudFormation API reference, `ListStackResources` and its likes.
pub(super) const PAGE: usize = 100;

pub(super) fn drift(stack: &Stack) -> Value {
    match &stack.drift {
        None => json!({ "StackDriftStatus": "NOT_CHECKED" }),
        Some((status, at)) => json!({ "StackDriftStatus": status, "LastCheckTimestamp": told(*at) }),
    }
}

impl Request<'_> {
    /// Values of all parameters, those that nobody may see hidden.
    pub(super) fn parameters_told(
        &self,
        definition: &super::super::model::Definition,
    ) -> Result<Value, ServiceError> {
        if definition.template.is_empty() {
            return Ok(json!([]));
        }
        let template = engine::read_template(self.store(), definition)?;
        let one = |parameter: &super::super::template::Parameter| {
            let value = definition.parameters.get(&parameter.id).or(parameter.default.as_ref());
            let value = if parameter.no_echo { Some("****") } else { value.map(String::as_str) };
            json!({ "ParameterKey": parameter.id, "ParameterValue": value })
        };
        Ok(template.parameters.iter().map(one).collect())
    }

    fn shown(&self, stack: &Stack) -> Answer {
        let definition = &stack.definition;
        let description = match definition.template.is_empty() {
            true => None,
            false => engine::read_template(self.store(), definition)?.description,
        };
        let outputs = Some(&stack.outputs).filter(|outputs| !outputs.is_empty());
        Ok(json!({
            "StackId": stack.id,
            "StackName": stack.name,
            "ChangeSetId": stack.change_set,
            "Description": description,
            "Parameters": self.parameters_told(definition)?,
            "CreationTime": told(stack.created),
            "DeletionTime": stack.deleted.map(told),
            "LastUpdatedTime": stack.updated.map(told),
            "RollbackConfiguration": {},
            "StackStatus": stack.status,
            "StackStatusReason": stack.reason,
            "DisableRollback": stack.disable_rollback,
            "NotificationARNs": definition.notifications,
            "TimeoutInMinutes": stack.timeout,
            "Capabilities": definition.capabilities,
            "Outputs": outputs,
            "RoleARN": definition.role,
            "Tags": definition.tags,
            "EnableTerminationProtection": stack.protected,
            "RetainExceptOnCreate": stack.retain_except_on_create,
            "DriftInformation": drift(stack),
        }))
    }
}

pub(super) fn stacks(request: &Request<'_>) -> Answer {
    if request.text("StackName").is_some() {
        return Ok(json!({ "Stacks": [request.shown(&request.stack()?)?] }));
    }
    let mut living: Vec<Stack> =
        request.store().read(|view| view.stacks().filter(|stack| stack.is_living()).cloned().collect());
    living.sort_by(|a, b| b.created.total_cmp(&a.created));
    let keyed = living.into_iter().map(|stack| (stack.id.clone(), stack)).collect();
    let (some, next) = page(keyed, request.text("NextToken"), PAGE)?;
    let shown: Vec<Value> = some.iter().map(|stack| request.shown(stack)).collect::<Result<_, _>>()?;
    Ok(json!({ "Stacks": shown, "NextToken": next }))
}

pub(super) fn events(request: &Request<'_>) -> Answer {
    let name = request.required("StackName")?;
    let missing = || invalid(format!("Stack [{name}] does not exist"));
    let stack = request.store().read(|view| view.stack(name)).ok_or_else(missing)?;
    let events = request.store().read(|view| view.events(&stack.id));
    let keyed = events.into_iter().map(|(number, event)| (number.clone(), (number, event))).collect();
    let (some, next) = page(keyed, request.text("NextToken"), PAGE)?;
    let shown: Vec<Value> = some
        .into_iter()
        .map(|(number, event)| {
            let id = match event.logical == stack.name {
                true => number,
                false => format!("{}-{}-{number}", event.logical, event.status),
            };
            event.shown(&stack, &id)
        })
        .collect();
    Ok(json!({ "StackEvents": shown, "NextToken": next }))
}

fn summary(resource: &Resource, time: &str) -> Value {
    let drift = resource.drift.as_ref();
    let mut shown = json!({
        "LogicalResourceId": resource.id,
        "PhysicalResourceId": resource.physical,
        "ResourceType": resource.kind,
        "ResourceStatus": resource.status,
        "ResourceStatusReason": resource.reason,
        "DriftInformation": {
            "StackResourceDriftStatus": drift.map_or(json!("NOT_CHECKED"), |drift| drift["StackResourceDriftStatus"].clone()),
            "LastCheckTimestamp": drift.map(|drift| drift["Timestamp"].clone()),
        },
    });
    shown[time] = json!(told(resource.at));
    shown
}

fn within(mut shown: Value, stack: &Stack) -> Value {
    shown["StackId"] = json!(stack.id);
    shown["StackName"] = json!(stack.name);
    shown
}

pub(super) fn resource(request: &Request<'_>) -> Answer {
    let stack = request.stack()?;
    let id = request.required("LogicalResourceId")?;
    let found = request.store().read(|view| view.resource(&stack.id, id));
    let found =
        found.ok_or_else(|| invalid(format!("Resource {id} does not exist for stack {}", stack.name)))?;
    let mut shown = within(summary(&found, "LastUpdatedTimestamp"), &stack);
    shown["Metadata"] = json!(found.metadata.as_ref().map(Value::to_string));
    Ok(json!({ "StackResourceDetail": shown }))
}

pub(super) fn resources(request: &Request<'_>) -> Answer {
    let physical = request.text("PhysicalResourceId");
    let stack = match (request.text("StackName"), physical) {
        (Some(_), None) => request.stack()?,
        (Some(_), Some(_)) => {
            return Err(invalid("Exactly one of stackName and physicalResourceId must be specified"));
        }
        (None, None) => return Err(invalid("Either stackName or physicalResourceId must be specified")),
        (None, Some(physical)) => {
            let owner = request.store().read(|view| {
                let has = |stack: &&Stack| {
                    let mut resources = view.resources(&stack.id).into_values();
                    stack.is_living()
                        && resources.any(|resource| resource.physical.as_deref() == Some(physical))
                };
                view.stacks().find(has).cloned()
            });
            owner.ok_or_else(|| invalid(format!("Stack for {physical} does not exist")))?
        }
    };
    let wanted = request.text("LogicalResourceId");
    let found = request.store().read(|view| view.resources(&stack.id));
    let shown: Vec<Value> = found
        .values()
        .filter(|resource| wanted.is_none_or(|wanted| wanted == resource.id))
        .take(PAGE)
        .map(|resource| within(summary(resource, "Timestamp"), &stack))
        .collect();
    Ok(json!({ "StackResources": shown }))
}

pub(super) fn resource_list(request: &Request<'_>) -> Answer {
    let stack = request.stack()?;
    let found = request.store().read(|view| view.resources(&stack.id));
    let keyed =
        found.into_iter().map(|(id, resource)| (id, summary(&resource, "LastUpdatedTimestamp"))).collect();
    let (some, next) = page(keyed, request.text("NextToken"), PAGE)?;
    Ok(json!({ "StackResourceSummaries": some, "NextToken": next }))
}
