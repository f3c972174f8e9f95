//! What makes stacks so: one task per stack that does what its status says is under way, until nothing is.
//!
//! Invariant: what a task does next is read from what is on disk, so that one that was killed goes on where it was: a
//! resource's name is kept before it is made, and each step of it before and after it is taken.

mod attempt;
mod delete;
mod make;
mod rollback;
mod undo;
mod walk;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::{Value, json};

use crate::sandbox::{access::Actor, call::ServiceError, world::World};

use super::{
    model::{Definition, Event, Resource, Stack},
    resources::At,
    store::Store,
    template::{Context, Made, Template, TemplateError},
};

/// Everything that a step of the engine needs: the stack as it was when the step began.
struct Job {
    at: At,
    stack: Stack,
}

impl Job {
    fn store(&self) -> &Store {
        &self.at.world.cloudformation.store
    }

    /// Whether the stack still has the status that it had, and shall go on.
    fn goes_on(&self) -> bool {
        let late = self.stack.timeout.filter(|_| self.stack.status == "CREATE_IN_PROGRESS");
        let in_time =
            late.is_none_or(|minutes| super::model::now() < self.stack.started + minutes as f64 * 60.0);
        in_time
            && self.store().read(|view| {
                view.stack(&self.stack.id)
                    .is_some_and(|stack| stack.status == self.stack.status && !stack.cancelled)
            })
    }

    fn resources(&self) -> BTreeMap<String, Resource> {
        self.store().read(|view| view.resources(&self.stack.id))
    }

    /// Keeps a resource and tells what happened to it.
    fn keep(&self, resource: &Resource, events: Vec<Event>) -> Result<(), ServiceError> {
        self.store().change(|_, changes| {
            changes.resource(&self.stack.id, resource);
            events.into_iter().for_each(|event| changes.event(&self.stack.id, event));
            Ok(())
        })
    }

    /// Ends this step with a new status, unless somebody else gave the stack another. `change` may say more of it.
    fn turn(
        &self,
        status: &str,
        reason: Option<String>,
        change: impl FnOnce(&mut Stack),
    ) -> Result<(), ServiceError> {
        self.store().change(|view, changes| {
            let Some(mut stack) =
                view.stack(&self.stack.id).filter(|stack| stack.status == self.stack.status)
            else {
                return Ok(());
            };
            change(&mut stack);
            let event = stack.turn(status, reason);
            changes.stack(&stack);
            changes.event(&stack.id, event);
            Ok(())
        })
    }

    fn template(&self) -> Result<Template, ServiceError> {
        Ok(read_template(self.store(), &self.stack.definition)?)
    }
}

/// The template of a definition; it was read once before it was kept.
pub(super) fn read_template(store: &Store, definition: &Definition) -> Result<Template, std::io::Error> {
    let text = store.template(&definition.template)?;
    Template::read(&text).map_err(std::io::Error::other)
}

/// A template with what is known of a stack.
///
/// # Errors
/// For parameters that are not the template's.
pub(super) fn context<'a>(
    at: &At,
    stack: &Stack,
    definition: &Definition,
    template: &'a Template,
    resources: &BTreeMap<String, Resource>,
) -> Result<Context<'a>, TemplateError> {
    let pseudo = BTreeMap::from([
        ("AWS::AccountId".to_owned(), json!(at.caller.account)),
        ("AWS::NotificationARNs".to_owned(), json!(definition.notifications)),
        ("AWS::Partition".to_owned(), json!("aws")),
        ("AWS::Region".to_owned(), json!(at.caller.region)),
        ("AWS::StackId".to_owned(), json!(stack.id)),
        ("AWS::StackName".to_owned(), json!(stack.name)),
        ("AWS::URLSuffix".to_owned(), json!("amazonaws.com")),
    ]);
    let mut context = Context::new(template, &definition.parameters, pseudo)?;
    for (id, resource) in resources {
        if let Some(physical) = resource.physical.clone().filter(|_| resource.status != "DELETE_COMPLETE") {
            context.made.insert(id.clone(), Made { physical, attributes: resource.attributes.clone() });
        }
    }
    let store = &at.world.cloudformation.store;
    context.exports =
        store.read(|view| view.exports().into_iter().map(|(name, (value, _))| (name, value)).collect());
    Ok(context)
}

/// Logical ids of the resources that a template has under these parameters, and what each waits for.
pub(super) fn graph(context: &Context<'_>) -> BTreeMap<String, BTreeSet<String>> {
    let Some(template) = context.template() else { return BTreeMap::new() };
    let mut graph = super::template::dependencies(template);
    let absent = template.resources.iter().filter(|resource| !context.holds(resource.condition.as_ref()));
    for resource in absent {
        graph.remove(&resource.id);
    }
    graph
}

/// What a stack tells when it is made: outputs, exports and imports.
pub(super) struct Told {
    /// In the service's own shape.
    pub outputs: Vec<Value>,
    /// By name.
    pub exports: BTreeMap<String, String>,
    /// Names that were read anywhere in the template.
    pub imports: BTreeSet<String>,
}

/// Evaluates the outputs, and everything else for what it reads of other stacks.
///
/// # Errors
/// In CloudFormation's own words.
pub(super) fn outputs(context: &Context<'_>) -> Result<Told, TemplateError> {
    let mut told = Told { outputs: Vec::new(), exports: BTreeMap::new(), imports: BTreeSet::new() };
    let Some(template) = context.template() else { return Ok(told) };
    for resource in template.resources.iter().filter(|resource| context.holds(resource.condition.as_ref())) {
        context.evaluate(&resource.properties.clone().into())?;
    }
    let text = |value: &Value, what: &str| match context.evaluate(value)? {
        Some(Value::String(text)) => Ok(text),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(value.to_string()),
        _ => Err(TemplateError(format!(
            "Template format error: The {what} of Outputs must evaluate to a string, and not a list."
        ))),
    };
    for output in template.outputs.iter().filter(|output| context.holds(output.condition.as_ref())) {
        let value = text(&output.value, "Value field")?;
        let export =
            output.export.as_ref().map(|name| text(name, "Name field of every Export member")).transpose()?;
        told.outputs.push(json!({
            "OutputKey": output.id,
            "OutputValue": value,
            "Description": output.description,
            "ExportName": export,
        }));
        if let Some(name) = export
            && told.exports.insert(name.clone(), value).is_some()
        {
            return Err(TemplateError(format!(
                "Template format error: Output Name {name} is exported twice in the template"
            )));
        }
    }
    told.imports = context.imported.borrow().clone();
    Ok(told)
}

/// Whether a stack may export this, while others export and import as they do.
///
/// # Errors
/// In CloudFormation's own words.
pub(super) fn check_exports(
    store: &Store,
    stack: &Stack,
    exports: &BTreeMap<String, String>,
) -> Result<(), TemplateError> {
    store.read(|view| {
        for (name, (_, other)) in view.exports() {
            if other.id != stack.id && exports.contains_key(&name) {
                let text = format!("Export with name {name} is already exported by stack {}.", other.name);
                return Err(TemplateError(text));
            }
        }
        for (name, value) in &stack.exports {
            let users = view.importers(name);
            if users.is_empty() || exports.get(name) == Some(value) {
                continue;
            }
            let verb = if exports.contains_key(name) { "update" } else { "delete" };
            return Err(TemplateError(format!(
                "Cannot {verb} export {name} as it is in use by {}.",
                users.join(", ")
            )));
        }
        Ok(())
    })
}

/// Lets a stack's task run, unless it does.
pub fn start(world: &Arc<World>, stack: &str) {
    let mut tasks = world.cloudformation.tasks();
    if !tasks.closed && !tasks.by_stack.contains_key(stack) {
        let task = tokio::spawn(drive(Arc::clone(world), stack.to_owned()));
        tasks.by_stack.insert(stack.to_owned(), task);
    }
}

async fn drive(world: Arc<World>, id: String) {
    let service = &world.cloudformation;
    loop {
        let stack = service.store.read(|view| view.stack(&id));
        let Some(stack) = stack.filter(Stack::is_busy) else {
            // Whoever gives it a status starts it afterwards, and so sees it gone or is seen here.
            let mut tasks = service.tasks();
            if service.store.read(|view| view.stack(&id)).is_some_and(|stack| stack.is_busy()) {
                continue;
            }
            tasks.by_stack.remove(&id);
            return;
        };
        let role = stack.definition.role.as_deref().and_then(|role| Actor::role(&world, role));
        let actor = role.or_else(|| stack.actor.clone());
        let job = Job { at: At { actor, ..At::own(&world) }, stack };
        let done = match job.stack.status.as_str() {
            "CREATE_IN_PROGRESS" => make::create(&job).await,
            "ROLLBACK_IN_PROGRESS" => delete::roll_back(&job).await,
            "UPDATE_IN_PROGRESS" => make::update(&job).await,
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" => rollback::clean_up(&job, "UPDATE_COMPLETE").await,
            "UPDATE_ROLLBACK_IN_PROGRESS" => rollback::roll_back(&job).await,
            "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS" => {
                rollback::clean_up(&job, "UPDATE_ROLLBACK_COMPLETE").await
            }
            _ => delete::delete(&job).await,
        };
        if done.is_err() {
            // The disk refuses. What is kept is whole, and the next start of the sandbox goes on from it.
            service.tasks().by_stack.remove(&id);
            return;
        }
    }
}
