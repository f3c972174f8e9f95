//! Stacks: made, changed, removed, rolled back and protected.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sandbox::call::{Answer, ServiceError};

use super::{
    super::{
        engine,
        model::{Definition, OnFailure, Stack, now},
        store::Changes,
    },
    Request,
    input::check_name,
    invalid,
};

const INITIATED: &str = "User Initiated";

/// Statuses in which a stack can be changed. Source: CloudFormation user guide, "Stack status codes", and API reference, UpdateStack.
const CHANGEABLE: [&str; 8] = [
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "CREATE_FAILED",
    "UPDATE_FAILED",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
    "UPDATE_COMPLETE_CLEANUP_FAILED",
];

pub(super) fn missing(name: &str) -> ServiceError {
    invalid(format!("Stack [{name}] does not exist"))
}

fn refuse_monitoring(request: &Request<'_>) -> Result<(), ServiceError> {
    let triggers = &request.input["RollbackConfiguration"]["RollbackTriggers"];
    if triggers.as_array().is_some_and(|triggers| !triggers.is_empty()) {
        return Err(invalid("rollback triggers are not in the sandbox"));
    }
    Ok(())
}

pub(super) fn create(request: &Request<'_>) -> Answer {
    let name = request.required("StackName")?;
    check_name(name, "stackName")?;
    refuse_monitoring(request)?;
    let already = |there: Stack| {
        if request.repeated(&there, "CreateStack")? {
            return Ok(there.id);
        }
        Err(ServiceError::client("AlreadyExistsException", format!("Stack [{name}] already exists")))
    };
    if let Some(there) = request.store().read(|view| view.stack(name)) {
        return already(there).map(|id| json!({ "StackId": id }));
    }
    let on_failure = request.on_failure("OnFailure")?;
    if on_failure.is_some() && !request.input["DisableRollback"].is_null() {
        return Err(invalid("You can specify either DisableRollback or OnFailure, but not both."));
    }
    let mut stack = request.new_stack(name);
    let (definition, template) = request.definition(None)?;
    request.preview(&stack, false, &definition, &template)?;
    stack.definition = definition;
    stack.on_failure = match on_failure {
        Some(wanted) => wanted,
        None if request.flag("DisableRollback") => OnFailure::Nothing,
        None => OnFailure::Rollback,
    };
    stack.disable_rollback = stack.on_failure == OnFailure::Nothing;
    stack.retain_except_on_create = request.flag("RetainExceptOnCreate");
    stack.protected = request.flag("EnableTerminationProtection");
    stack.policy = request.text("StackPolicyBody").map(str::to_owned);
    stack.timeout = match request.text("TimeoutInMinutes") {
        None => None,
        Some(text) => {
            let minutes = text.parse().ok().filter(|minutes| *minutes > 0);
            Some(minutes.ok_or_else(|| invalid("TimeoutInMinutes must be a positive number"))?)
        }
    };
    request.begin(&mut stack, "CreateStack");
    let id = request.store().change(|view, changes| {
        // The same call may have made it between the first look and this one.
        match view.stack(name) {
            Some(there) => already(there),
            None => request.turn(changes, stack, "CREATE_IN_PROGRESS", INITIATED),
        }
    })?;
    request.started(id)
}

pub(super) fn changeable(stack: &Stack) -> Result<(), ServiceError> {
    if CHANGEABLE.contains(&stack.status.as_str()) {
        return Ok(());
    }
    Err(invalid(format!("Stack:{} is in {} state and can not be updated.", stack.id, stack.status)))
}

/// Begins to change a stack to a definition.
pub(super) fn change_to(
    request: &Request<'_>,
    changes: &mut Changes,
    mut stack: Stack,
    definition: Definition,
    operation: &str,
) -> Result<String, ServiceError> {
    request.begin(&mut stack, operation);
    stack.disable_rollback = request.flag("DisableRollback");
    stack.retain_except_on_create = request.flag("RetainExceptOnCreate");
    let before = std::mem::replace(&mut stack.definition, definition);
    // What an update that was not rolled back began from is what is gone back to.
    stack.former.get_or_insert(before);
    stack.updated = Some(now());
    request.turn(changes, stack, "UPDATE_IN_PROGRESS", INITIATED)
}

pub(super) fn update(request: &Request<'_>) -> Answer {
    let name = request.required("StackName")?;
    refuse_monitoring(request)?;
    let found = request.store().read(|view| view.stack(name));
    let stack = found.filter(Stack::is_living).ok_or_else(|| missing(name))?;
    if stack.status == "REVIEW_IN_PROGRESS" {
        return Err(missing(name));
    }
    if request.repeated(&stack, "UpdateStack")? {
        return Ok(json!({ "StackId": stack.id }));
    }
    changeable(&stack)?;
    let (definition, template) = request.definition(Some(&stack))?;
    let preview = request.preview(&stack, true, &definition, &template)?;
    let failed = stack.status.ends_with("_FAILED");
    if preview.changes.is_empty() && !preview.tags_differ && !preview.outputs_differ && !failed {
        return Err(invalid("No updates are to be performed."));
    }
    let id = request.store().change(|view, changes| {
        let mut stack = view.stack(&stack.id).ok_or_else(|| missing(name))?;
        if request.repeated(&stack, "UpdateStack")? {
            return Ok(stack.id);
        }
        changeable(&stack)?;
        if let Some(policy) = request.text("StackPolicyBody") {
            stack.policy = Some(policy.to_owned());
        }
        change_to(request, changes, stack, definition, "UpdateStack")
    })?;
    request.started(id)
}

pub(super) fn delete(request: &Request<'_>) -> Answer {
    let name = request.required("StackName")?;
    let retained = request.texts("RetainResources");
    let begun = request.store().change(|view, changes| {
        // One that is not there, or was removed, is no error.
        let Some(mut stack) = view.stack(name).filter(Stack::is_living) else { return Ok(None) };
        if request.repeated(&stack, "DeleteStack")? || stack.status == "DELETE_IN_PROGRESS" {
            return Ok(None);
        }
        if stack.protected {
            return Err(invalid(format!(
                "Stack [{}] cannot be deleted while TerminationProtection is enabled",
                stack.name
            )));
        }
        let interrupted = ["REVIEW_IN_PROGRESS", "CREATE_IN_PROGRESS"].contains(&stack.status.as_str());
        if stack.status.ends_with("_IN_PROGRESS") && !interrupted {
            return Err(invalid(format!("Stack [{}] cannot be deleted while in status {}", stack.name, stack.status)));
        }
        let strange = retained.iter().find(|id| view.resource(&stack.id, id).is_none());
        if !retained.is_empty() && (stack.status != "DELETE_FAILED" || strange.is_some()) {
            return Err(invalid("Invalid operation on stack. RetainResources can only be specified for resources of a stack that is in DELETE_FAILED state."));
        }
        let in_use = stack.exports.keys().map(|name| (name, view.importers(name)));
        if let Some((export, users)) = in_use.into_iter().find(|(_, users)| !users.is_empty()) {
            // The call is accepted, and the event tells why the stack stays as it is.
            let text =
                format!("Delete canceled. Cannot delete export {export} as it is in use by {}.", users.join(", "));
            stack.reason = Some(text.clone());
            let event = stack.event(&stack.status, Some(text));
            changes.stack(&stack);
            changes.event(&stack.id, event);
            return Ok(None);
        }
        request.begin(&mut stack, "DeleteStack");
        stack.retained = retained.clone();
        for set in view.sets().filter(|set| set.stack == stack.id) {
            changes.forget_set(&set.id);
        }
        request.turn(changes, stack, "DELETE_IN_PROGRESS", INITIATED).map(Some)
    })?;
    if let Some(id) = begun {
        engine::start(&request.at.world, &id);
    }
    Ok(json!({}))
}

/// Changes a stack that is in one of these statuses.
fn within(
    request: &Request<'_>,
    operation: &str,
    statuses: &[&str],
    change: impl FnOnce(&mut Changes, Stack) -> Result<String, ServiceError>,
) -> Result<String, ServiceError> {
    let name = request.required("StackName")?;
    request.store().change(|view, changes| {
        let stack = view.stack(name).filter(Stack::is_living).ok_or_else(|| missing(name))?;
        if request.repeated(&stack, operation)? {
            return Ok(stack.id);
        }
        if !statuses.contains(&stack.status.as_str()) {
            return Err(invalid(format!(
                "{operation} cannot be called from current stack status: {}",
                stack.status
            )));
        }
        change(changes, stack)
    })
}

pub(super) fn cancel(request: &Request<'_>) -> Answer {
    let id = within(request, "CancelUpdateStack", &["UPDATE_IN_PROGRESS"], |changes, mut stack| {
        stack.cancelled = true;
        changes.stack(&stack);
        Ok(stack.id)
    })?;
    engine::start(&request.at.world, &id);
    Ok(json!({}))
}

pub(super) fn continue_rollback(request: &Request<'_>) -> Answer {
    let skipped = request.texts("ResourcesToSkip");
    let statuses = ["UPDATE_ROLLBACK_FAILED"];
    let there = request
        .stack()
        .map(|stack| request.store().read(|view| view.resources(&stack.id)))
        .unwrap_or_default();
    let failed = |id: &&String| there.get(*id).is_some_and(|resource| resource.status == "UPDATE_FAILED");
    if let Some(id) = skipped.iter().find(|id| !failed(id)) {
        return Err(invalid(format!("ResourcesToSkip: {id} is not in the UPDATE_FAILED state")));
    }
    let id = within(request, "ContinueUpdateRollback", &statuses, |changes, mut stack| {
        stack.skipped = skipped;
        stack.token = request.text("ClientRequestToken").map(str::to_owned);
        if let Some(token) = stack.token.clone() {
            stack.tokens.insert(token, request.digest("ContinueUpdateRollback"));
        }
        request.turn(changes, stack, "UPDATE_ROLLBACK_IN_PROGRESS", INITIATED)
    })?;
    engine::start(&request.at.world, &id);
    Ok(json!({}))
}

pub(super) fn roll_back(request: &Request<'_>) -> Answer {
    let id = within(request, "RollbackStack", &["CREATE_FAILED", "UPDATE_FAILED"], |changes, mut stack| {
        stack.retain_except_on_create = request.flag("RetainExceptOnCreate");
        let next =
            if stack.former.is_some() { "UPDATE_ROLLBACK_IN_PROGRESS" } else { "ROLLBACK_IN_PROGRESS" };
        request.turn(changes, stack, next, INITIATED)
    })?;
    request.started(id)
}

pub(super) fn protect(request: &Request<'_>) -> Answer {
    let name = request.required("StackName")?;
    request.required("EnableTerminationProtection")?;
    request.store().change(|view, changes| {
        let mut stack = view.stack(name).filter(Stack::is_living).ok_or_else(|| missing(name))?;
        stack.protected = request.flag("EnableTerminationProtection");
        changes.stack(&stack);
        Ok(json!({ "StackId": stack.id }))
    })
}

pub(super) fn set_policy(request: &Request<'_>) -> Answer {
    let name = request.required("StackName")?;
    let body = request.required("StackPolicyBody")?;
    let read: Option<BTreeMap<String, Value>> = serde_json::from_str(body).ok();
    if !read.is_some_and(|policy| policy.contains_key("Statement")) {
        return Err(invalid("Error validating stack policy: Invalid stack policy"));
    }
    request.store().change(|view, changes| {
        let mut stack = view.stack(name).filter(Stack::is_living).ok_or_else(|| missing(name))?;
        stack.policy = Some(body.to_owned());
        changes.stack(&stack);
        Ok(json!({}))
    })
}

pub(super) fn policy(request: &Request<'_>) -> Answer {
    Ok(json!({ "StackPolicyBody": request.stack()?.policy }))
}
