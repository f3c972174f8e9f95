//! One resource: made, changed or replaced, with its record kept before and after.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::sandbox::call::ServiceError;

use super::{
    super::{
        diff::{Recreation, differing},
        dynamic::resolved,
        model::{Event, Former, Resource},
        resources::{self, Kind, Properties, kind},
        template::{self, Policy, Template},
    },
    Job, context,
};

/// A service's refusal, as a resource's status tells it.
pub(super) fn reason(error: &ServiceError) -> String {
    format!("Resource handler returned message: \"{}\" (HandlerErrorCode: {})", error.message, error.code)
}

/// What a template says of a resource, evaluated.
struct Wanted {
    kind: &'static dyn Kind,
    properties: Properties,
    depends: BTreeSet<String>,
}

fn wanted(job: &Job, template: &Template, resource: &template::Resource) -> Result<Wanted, String> {
    let kind =
        kind(&resource.kind).ok_or_else(|| format!("Unrecognized resource type: {}", resource.kind))?;
    let context = context(&job.at, &job.stack, &job.stack.definition, template, &job.resources());
    let context = context.map_err(|error| error.0)?;
    let value = context.evaluate(&resource.properties.clone().into()).map_err(|error| error.0)?;
    let properties = match value {
        Some(Value::Object(map)) => map,
        _ => Properties::new(),
    };
    resources::check(kind, &resource.id, &properties)?;
    let found = template::references(&resource.properties.clone().into());
    let named = found.names.into_iter().chain(found.attributes.into_iter().map(|(thing, _)| thing));
    let depends = named.chain(resource.depends_on.iter().cloned());
    let depends = depends.filter(|name| template.resource(name).is_some()).collect();
    Ok(Wanted { kind, properties, depends })
}

/// Makes a resource such as the template wants it. Says whether that is done.
pub(super) async fn apply(job: &Job, template: &Template, id: String) -> (String, bool) {
    let done = match template.resource(&id) {
        None => Ok(true),
        Some(resource) => applied(job, template, resource).await,
    };
    // A disk that refuses fails the resource; its record is as it was.
    (id, done.unwrap_or(false))
}

async fn applied(
    job: &Job,
    template: &Template,
    resource: &template::Resource,
) -> Result<bool, ServiceError> {
    let there = job.store().read(|view| view.resource(&job.stack.id, &resource.id));
    let this = job.stack.operation.as_str();
    if let Some(there) = &there
        && there.operation == this
        && there.status.ends_with("_COMPLETE")
    {
        return Ok(true);
    }
    let mut record = there.unwrap_or_else(|| Resource {
        id: resource.id.clone(),
        kind: resource.kind.clone(),
        ..Resource::default()
    });
    let again = record.operation == this;
    if !again && record.status == "CREATE_FAILED" {
        // An earlier operation failed to make it and was not rolled back.
        remnant(job, &mut record).await?;
    }
    let creates = record.physical.is_none() && record.former.is_none();
    let told = again && record.name.is_some();
    let wanted = match wanted(job, template, resource) {
        Ok(wanted) => wanted,
        Err(text) => {
            if !creates && record.former.is_none() {
                record.former = Some(record.snapshot());
            }
            record.operation = this.to_owned();
            if creates {
                return failed(job, record, told, text);
            }
            let event = record.turn(&job.stack, "UPDATE_FAILED", Some(text));
            return job.keep(&record, vec![event]).map(|()| false);
        }
    };
    let policies = |record: &mut Resource| {
        // Of what snapshots can be taken of, one is left unless the template says otherwise. Source: CloudFormation user
        // guide, "DeletionPolicy attribute".
        let usual = if wanted.kind.snapshots() { Policy::Snapshot } else { Policy::default() };
        record.deletion = resource.deletion.unwrap_or(usual);
        record.replacement = resource.replacement.unwrap_or_default();
        record.depends = wanted.depends.clone();
        record.metadata = resource.metadata.clone();
    };
    if creates {
        policies(&mut record);
        record.properties = wanted.properties.clone();
        return make(job, wanted.kind, record, again).await;
    }
    let old = record
        .former
        .as_ref()
        .filter(|_| again)
        .map_or(&record.properties, |former| &former.properties)
        .clone();
    let changed = differing(&old, &wanted.properties);
    let replaces = changed.iter().any(|name| match resources::recreation(wanted.kind.name(), name) {
        Recreation::Always => true,
        Recreation::Conditionally => wanted.kind.replaced(&old, &wanted.properties),
        Recreation::Never => false,
    });
    if !again {
        // After an update that failed and was not rolled back, it is that one's beginning which is gone back to.
        if record.former.is_none() {
            record.former = Some(record.snapshot());
        } else if replaces && record.replaced && record.physical.is_some() {
            let between = record.snapshot();
            record.leftovers.push(Former { replacement: Policy::Delete, ..between });
        }
        record.replaced |= replaces;
        record.operation = this.to_owned();
    }
    policies(&mut record);
    if changed.is_empty() {
        return job.keep(&record, Vec::new()).map(|()| true);
    }
    record.properties = wanted.properties.clone();
    if replaces {
        return replace(job, wanted.kind, record, &old, again).await;
    }
    if !again {
        let event = record.turn(&job.stack, "UPDATE_IN_PROGRESS", None);
        job.keep(&record, vec![event])?;
    }
    let physical = record.physical.clone().unwrap_or_default();
    match update(job, wanted.kind, &physical, &old, &wanted.properties).await {
        Ok(made) => {
            record.attributes = made.attributes;
            let event = record.turn(&job.stack, "UPDATE_COMPLETE", None);
            job.keep(&record, vec![event]).map(|()| true)
        }
        Err(error) => {
            let event = record.turn(&job.stack, "UPDATE_FAILED", Some(reason(&error)));
            job.keep(&record, vec![event]).map(|()| false)
        }
    }
}

/// Changes a resource to what its properties say, with what their references stand for.
pub(super) async fn update(
    job: &Job,
    kind: &'static dyn Kind,
    physical: &str,
    old: &Properties,
    new: &Properties,
) -> Result<template::Made, ServiceError> {
    // What the former ones stood for may be gone; then they differ, as they do for the service.
    let old_now = resolved(&job.at, kind.name(), old).await.unwrap_or_else(|_| old.clone());
    let new_now = resolved(&job.at, kind.name(), new).await?;
    kind.update(&job.at, physical, &old_now, &new_now).await
}

/// Removes what is there of a resource that could not be made.
async fn remnant(job: &Job, record: &mut Resource) -> Result<(), ServiceError> {
    if let Some((physical, kind)) = record.physical.take().zip(kind(&record.kind)) {
        kind.delete(&job.at, &physical, &record.properties).await?;
    }
    record.name = None;
    Ok(())
}

async fn replace(
    job: &Job,
    kind: &'static dyn Kind,
    mut record: Resource,
    old: &Properties,
    again: bool,
) -> Result<bool, ServiceError> {
    let naming = kind.naming().map(|naming| naming.property);
    let same_name =
        naming.is_some_and(|name| old.contains_key(name) && old.get(name) == record.properties.get(name));
    let many = kind.name() == "AWS::AppRunner::AutoScalingConfiguration";
    if same_name && !many {
        let name = naming.and_then(|name| old.get(name)).and_then(Value::as_str).unwrap_or_default();
        let text = format!(
            "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename {name} and update the stack again."
        );
        record.replaced = false;
        record.properties = old.clone();
        let event = record.turn(&job.stack, "UPDATE_FAILED", Some(text));
        return job.keep(&record, vec![event]).map(|()| false);
    }
    if !again {
        record.physical = None;
        record.name = None;
    }
    make(job, kind, record, again).await
}

/// What becomes of a resource that is made: it is new, or takes the place of another.
fn verb(record: &Resource) -> &'static str {
    if record.former.is_some() { "UPDATE" } else { "CREATE" }
}

fn began(job: &Job, record: &mut Resource) -> Event {
    let why = "Requested update requires the creation of a new physical resource; hence creating one.";
    let why = record.former.is_some().then(|| why.to_owned());
    let status = format!("{}_IN_PROGRESS", verb(record));
    record.turn(&job.stack, &status, why)
}

/// Tells that a resource could not be made, after that it was begun with, if that is not `told`.
fn failed(job: &Job, mut record: Resource, told: bool, why: String) -> Result<bool, ServiceError> {
    let mut events = Vec::new();
    if !told {
        events.push(began(job, &mut record));
    }
    let status = format!("{}_FAILED", verb(&record));
    events.push(record.turn(&job.stack, &status, Some(why)));
    job.keep(&record, events).map(|()| false)
}

/// Makes what a record describes. `again` says that an earlier life may have made it.
async fn make(
    job: &Job,
    kind: &'static dyn Kind,
    mut record: Resource,
    again: bool,
) -> Result<bool, ServiceError> {
    record.operation = job.stack.operation.clone();
    let claimed = record.name.clone().filter(|_| again);
    let told = claimed.is_some();
    let properties = match resolved(&job.at, kind.name(), &record.properties).await {
        Ok(properties) => properties,
        Err(error) => return failed(job, record, told, reason(&error)),
    };
    let given = kind.naming().and_then(|naming| properties.get(naming.property)?.as_str().map(str::to_owned));
    let name = claimed.clone().or(given).unwrap_or_else(|| match kind.naming() {
        Some(naming) => resources::fresh_name(naming, &job.stack.name, &record.id),
        None => crate::sandbox::server::uuid(),
    });
    let found = match kind.find(&job.at, &name).await {
        Ok(found) => found,
        Err(error) => return failed(job, record, told, reason(&error)),
    };
    match (found, told) {
        (Some(_), false) => return failed(job, record, told, format!("{name} already exists")),
        // It was made and perhaps not whole when the sandbox was stopped; nobody was told of it.
        (Some(made), true) => {
            if let Err(error) = kind.delete(&job.at, &made.physical, &record.properties).await {
                record.physical = Some(made.physical);
                return failed(job, record, true, reason(&error));
            }
        }
        (None, false) => {
            record.name = Some(name.clone());
            let event = began(job, &mut record);
            job.keep(&record, vec![event])?;
        }
        (None, true) => {}
    }
    match kind.create(&job.at, &name, &properties).await {
        Ok(made) => {
            record.physical = Some(made.physical);
            record.attributes = made.attributes;
            let verb = verb(&record);
            let initiated = Some("Resource creation Initiated".to_owned());
            let initiated = record.turn(&job.stack, &format!("{verb}_IN_PROGRESS"), initiated);
            let ended = record.turn(&job.stack, &format!("{verb}_COMPLETE"), None);
            job.keep(&record, vec![initiated, ended]).map(|()| true)
        }
        Err(error) => {
            // Where making it takes several steps, a part of it may be there, which the rollback has to remove.
            if !error.code.contains("Already") {
                record.physical = kind.find(&job.at, &name).await.ok().flatten().map(|made| made.physical);
            }
            failed(job, record, true, reason(&error))
        }
    }
}
