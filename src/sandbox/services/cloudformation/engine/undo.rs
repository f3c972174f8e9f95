//! One resource: changed back to what it was, or removed, with its record kept before and after.

use crate::sandbox::call::ServiceError;

use super::{
    super::{
        model::{Former, Resource},
        resources::kind,
        template::Policy,
    },
    Job,
    attempt::{reason, update},
};

/// Changes a resource back to what it was; another that took its place is left over. Says whether that is done.
pub(super) async fn restore(job: &Job, id: String) -> (String, bool) {
    let done = restored(job, &id).await;
    (id, done.unwrap_or(false))
}

/// Changes back what an update failed on and leaves the rest; it stays told as failed.
pub(super) async fn restore_failed(job: &Job) -> Result<(), ServiceError> {
    let failed = job.resources().into_values().filter(|record| record.status == "UPDATE_FAILED");
    for record in failed.filter(|record| record.former.is_some()) {
        if restored(job, &record.id).await?
            && let Some(back) = job.store().read(|view| view.resource(&job.stack.id, &record.id))
        {
            let told = Resource { status: record.status, reason: record.reason, ..back };
            job.keep(&told, Vec::new())?;
        }
    }
    Ok(())
}

async fn restored(job: &Job, id: &str) -> Result<bool, ServiceError> {
    let Some(mut record) = job.store().read(|view| view.resource(&job.stack.id, id)) else { return Ok(true) };
    let Some(former) = record.former.clone() else { return Ok(true) };
    if job.stack.skipped.iter().any(|skipped| skipped == id)
        || record.replaced
        || record.properties == former.properties
    {
        if record.replaced && record.physical.is_some() {
            let new = record.snapshot();
            record.leftovers.push(Former { replacement: Policy::Delete, ..new });
        }
        let told =
            record.status.ends_with("_FAILED") || record.replaced || record.properties != former.properties;
        record.restore(former);
        record.former = None;
        record.replaced = false;
        let events = if told { vec![record.turn(&job.stack, "UPDATE_COMPLETE", None)] } else { Vec::new() };
        return job.keep(&record, events).map(|()| true);
    }
    let event = record.turn(&job.stack, "UPDATE_IN_PROGRESS", None);
    job.keep(&record, vec![event])?;
    let physical = record.physical.clone().unwrap_or_default();
    let changed = match kind(&record.kind) {
        Some(kind) => update(job, kind, &physical, &record.properties, &former.properties).await,
        None => Err(ServiceError::client("InvalidRequest", "there is no such type")),
    };
    match changed {
        Ok(made) => {
            record.restore(former);
            record.attributes = made.attributes;
            record.former = None;
            let event = record.turn(&job.stack, "UPDATE_COMPLETE", None);
            job.keep(&record, vec![event]).map(|()| true)
        }
        Err(error) => {
            let event = record.turn(&job.stack, "UPDATE_FAILED", Some(reason(&error)));
            job.keep(&record, vec![event]).map(|()| false)
        }
    }
}

/// Removes what a resource is, and was. Says whether that is done; the record tells of it, and is kept.
pub(super) async fn remove(job: &Job, mut record: Resource, retain: bool) -> Result<bool, ServiceError> {
    if record.status == "DELETE_COMPLETE" || record.status == "DELETE_SKIPPED" {
        return Ok(true);
    }
    if retain {
        let event = record.turn(&job.stack, "DELETE_SKIPPED", None);
        return job.keep(&record, vec![event]).map(|()| true);
    }
    let mut gone: Vec<Former> = record.leftovers.clone();
    gone.extend(record.former.clone().filter(|_| record.replaced));
    if record.physical.is_some() {
        gone.push(record.snapshot());
    }
    // Of what never was, only that it is gone is told.
    if !gone.is_empty() {
        let event = record.turn(&job.stack, "DELETE_IN_PROGRESS", None);
        job.keep(&record, vec![event])?;
    }
    for one in gone {
        if let Err(error) = removed(job, &record.kind, &one, record.deletion).await {
            let kept = job.store().read(|view| view.resource(&job.stack.id, &record.id));
            let mut record = kept.unwrap_or(record);
            let event = record.turn(&job.stack, "DELETE_FAILED", Some(reason(&error)));
            return job.keep(&record, vec![event]).map(|()| false);
        }
    }
    record.leftovers.clear();
    record.former = None;
    record.replaced = false;
    let event = record.turn(&job.stack, "DELETE_COMPLETE", None);
    job.keep(&record, vec![event]).map(|()| true)
}

/// Removes one thing, and leaves a snapshot where that is the policy.
pub(super) async fn removed(
    job: &Job,
    kind_name: &str,
    one: &Former,
    policy: Policy,
) -> Result<(), ServiceError> {
    match kind(kind_name) {
        Some(kind) if policy == Policy::Snapshot => {
            kind.delete_with_snapshot(&job.at, &one.physical, &one.properties).await
        }
        Some(kind) => kind.delete(&job.at, &one.physical, &one.properties).await,
        None => Err(ServiceError::client("InvalidRequest", "there is no such type")),
    }
}
