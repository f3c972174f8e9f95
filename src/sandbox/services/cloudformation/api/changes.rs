//! Change sets: made, told, executed and removed.

use serde_json::{Value, json};

use crate::sandbox::{
    call::{Answer, ServiceError},
    server::uuid,
};

use super::{
    super::{
        change_set::ChangeSet,
        model::{OnFailure, Stack, now, told},
    },
    Request,
    describe::PAGE,
    input::{check_name, page},
    invalid,
    stacks::{change_to, changeable, missing},
};

const NOTHING: &str =
    "The submitted information didn't contain changes. Submit different information to create a change set.";

impl Request<'_> {
    /// The change set that is named, by its ARN or by its name and its stack.
    pub(super) fn change_set(&self) -> Result<ChangeSet, ServiceError> {
        let name = self.required("ChangeSetName")?;
        let stack = self.text("StackName");
        if stack.is_none() && !name.starts_with("arn:") {
            return Err(invalid("StackName must be specified if ChangeSetName is not specified as an ARN."));
        }
        if let Some(stack) = stack
            && self.store().read(|view| view.stack(stack)).is_none()
        {
            return Err(missing(stack));
        }
        let found = self.store().read(|view| {
            let owner = stack.and_then(|stack| view.stack(stack)).map(|stack| stack.id);
            let is =
                |set: &&ChangeSet| set.id == name || set.name == name && Some(&set.stack) == owner.as_ref();
            view.sets().find(is).cloned()
        });
        found.ok_or_else(|| ServiceError {
            status: 404,
            code: "ChangeSetNotFound",
            message: format!("ChangeSet [{name}] does not exist"),
        })
    }

    fn stack_name(&self, set: &ChangeSet) -> String {
        self.store().read(|view| view.stack(&set.stack)).map(|stack| stack.name).unwrap_or_default()
    }
}

fn kind(request: &Request<'_>) -> Result<bool, ServiceError> {
    match request.text("ChangeSetType") {
        Some("CREATE") => Ok(true),
        None | Some("UPDATE") => Ok(false),
        Some("IMPORT") => Err(invalid("change sets that import resources are not in the sandbox")),
        Some(other) => Err(invalid(format!(
            "1 validation error detected: Value '{other}' at 'changeSetType' failed to satisfy constraint: Member must satisfy enum value set: [IMPORT, UPDATE, CREATE]"
        ))),
    }
}

pub(super) fn create(request: &Request<'_>) -> Answer {
    let (name, stack_name) = (request.required("ChangeSetName")?, request.required("StackName")?);
    check_name(name, "changeSetName")?;
    let creates = kind(request)?;
    let found = request.store().read(|view| view.stack(stack_name)).filter(Stack::is_living);
    let review = found.as_ref().is_some_and(|stack| stack.status == "REVIEW_IN_PROGRESS");
    let (stack, fresh) = match (found, creates) {
        (Some(stack), true) if review => (stack, false),
        (Some(stack), true) => {
            return Err(invalid(format!(
                "Stack [{}] already exists and cannot be created again with the changeSet [{name}].",
                stack.name
            )));
        }
        (None, true) => {
            check_name(stack_name, "stackName")?;
            (request.new_stack(stack_name), true)
        }
        (Some(stack), false) if !review => {
            changeable(&stack)?;
            (stack, false)
        }
        _ => return Err(missing(stack_name)),
    };
    let token =
        request.text("ClientToken").map(|token| (token.to_owned(), request.digest("CreateChangeSet")));
    let there = request
        .store()
        .read(|view| view.sets().find(|set| set.stack == stack.id && set.name == name).cloned());
    if let Some(there) = there {
        if token.is_some() && token == there.token {
            return Ok(json!({ "Id": there.id, "StackId": there.stack }));
        }
        return Err(ServiceError::client(
            "AlreadyExistsException",
            format!("ChangeSet {name} already exists"),
        ));
    }
    let (definition, template) = request.definition(Some(&stack).filter(|_| !creates))?;
    let caller = &request.at.caller;
    let mut set = ChangeSet {
        id: format!(
            "arn:aws:cloudformation:{}:{}:changeSet/{name}/{}",
            caller.region,
            caller.account,
            uuid()
        ),
        name: name.to_owned(),
        stack: stack.id.clone(),
        creates,
        status: "CREATE_COMPLETE".to_owned(),
        execution: "AVAILABLE".to_owned(),
        description: request.text("Description").map(str::to_owned),
        created: now(),
        on_failure: request.on_failure("OnStackFailure")?,
        token,
        ..ChangeSet::default()
    };
    let mut fail = |reason: String| {
        set.status = "FAILED".to_owned();
        set.execution = "UNAVAILABLE".to_owned();
        set.reason = Some(reason);
    };
    let previewed = request.preview(&stack, !creates, &definition, &template);
    match previewed {
        Ok(preview) if preview.changes.is_empty() && !preview.tags_differ && !preview.outputs_differ => {
            fail(NOTHING.to_owned());
        }
        Ok(preview) => set.changes = preview.changes,
        Err(error) if error.status >= 500 => return Err(error),
        Err(error) => fail(error.message),
    }
    set.definition = definition;
    request.store().change(|view, changes| {
        if fresh {
            if view.stack(&stack.name).is_some() {
                return Err(ServiceError::client(
                    "AlreadyExistsException",
                    format!("Stack [{}] already exists", stack.name),
                ));
            }
            request.turn(changes, stack, "REVIEW_IN_PROGRESS", "User Initiated")?;
        }
        changes.set(&set);
        Ok(json!({ "Id": set.id, "StackId": set.stack }))
    })
}

pub(super) fn describe(request: &Request<'_>) -> Answer {
    let set = request.change_set()?;
    let values = request.flag("IncludePropertyValues");
    let keyed = set.changes.iter().enumerate().map(|(number, change)| {
        let mut shown = change.shown.clone();
        if values {
            shown["BeforeContext"] = json!(change.before.as_ref().map(Value::to_string));
            shown["AfterContext"] = json!(change.after.as_ref().map(Value::to_string));
        }
        (number.to_string(), json!({ "Type": "Resource", "ResourceChange": shown }))
    });
    let (some, next) = page(keyed.collect(), request.text("NextToken"), PAGE)?;
    let definition = &set.definition;
    Ok(json!({
        "ChangeSetName": set.name,
        "ChangeSetId": set.id,
        "StackId": set.stack,
        "StackName": request.stack_name(&set),
        "Description": set.description,
        "Parameters": request.parameters_told(definition)?,
        "CreationTime": told(set.created),
        "ExecutionStatus": set.execution,
        "Status": set.status,
        "StatusReason": set.reason,
        "NotificationARNs": definition.notifications,
        "RollbackConfiguration": {},
        "Capabilities": definition.capabilities,
        "Tags": definition.tags,
        "Changes": some,
        "NextToken": next,
        "IncludeNestedStacks": false,
        "OnStackFailure": set.on_failure.map(|wanted| match wanted {
            OnFailure::Rollback => "ROLLBACK",
            OnFailure::Delete => "DELETE",
            OnFailure::Nothing => "DO_NOTHING",
        }),
    }))
}

pub(super) fn execute(request: &Request<'_>) -> Answer {
    let named = request.change_set()?;
    let begun = request.store().change(|view, changes| {
        let found = view.sets().find(|set| set.id == named.id).cloned();
        let mut set = found.unwrap_or_else(|| named.clone());
        let mut stack = view.stack(&set.stack).filter(Stack::is_living).ok_or_else(|| missing(&set.stack))?;
        let token = request.text("ClientRequestToken");
        if token.is_some_and(|token| stack.tokens.get(token) == Some(&request.digest("ExecuteChangeSet"))) {
            return Ok(stack.id);
        }
        if set.execution != "AVAILABLE" {
            return Err(ServiceError::client(
                "InvalidChangeSetStatus",
                format!(
                    "ChangeSet [{}] cannot be executed in its current execution status of [{}]",
                    set.id, set.execution
                ),
            ));
        }
        set.execution = "EXECUTE_COMPLETE".to_owned();
        changes.set(&set);
        // What else was planned for the stack as it was, is no longer so.
        for other in view.sets().filter(|other| other.stack == set.stack && other.id != set.id) {
            changes.set(&ChangeSet { execution: "OBSOLETE".to_owned(), ..other.clone() });
        }
        stack.change_set = Some(set.id.clone());
        if !set.creates {
            changeable(&stack)?;
            return change_to(request, changes, stack, set.definition, "ExecuteChangeSet");
        }
        if stack.status != "REVIEW_IN_PROGRESS" {
            return Err(invalid(format!(
                "Stack:{} is in {} state and can not be created.",
                stack.id, stack.status
            )));
        }
        stack.definition = set.definition;
        stack.disable_rollback = request.flag("DisableRollback");
        stack.on_failure = match set.on_failure {
            Some(wanted) => wanted,
            None if stack.disable_rollback => OnFailure::Nothing,
            None => OnFailure::Rollback,
        };
        stack.retain_except_on_create = request.flag("RetainExceptOnCreate");
        request.begin(&mut stack, "ExecuteChangeSet");
        request.turn(changes, stack, "CREATE_IN_PROGRESS", "User Initiated")
    })?;
    request.started(begun).map(|_| json!({}))
}

pub(super) fn delete(request: &Request<'_>) -> Answer {
    let set = match request.change_set() {
        Ok(set) => set,
        // One that is gone is no error, in a stack that is there.
        Err(error) if error.code == "ChangeSetNotFound" => return Ok(json!({})),
        Err(error) => return Err(error),
    };
    request.store().change(|_, changes| {
        changes.forget_set(&set.id);
        Ok(json!({}))
    })
}

pub(super) fn list(request: &Request<'_>) -> Answer {
    let stack = request.stack()?;
    let keyed = request.store().read(|view| {
        let own = view.sets().filter(|set| set.stack == stack.id);
        own.map(|set| {
            let shown = json!({
                "StackId": set.stack,
                "StackName": stack.name,
                "ChangeSetId": set.id,
                "ChangeSetName": set.name,
                "ExecutionStatus": set.execution,
                "Status": set.status,
                "StatusReason": set.reason,
                "CreationTime": told(set.created),
                "Description": set.description,
                "IncludeNestedStacks": false,
            });
            (set.id.clone(), shown)
        })
        .collect()
    });
    let (some, next) = page(keyed, request.text("NextToken"), PAGE)?;
    Ok(json!({ "Summaries": some, "NextToken": next }))
}
