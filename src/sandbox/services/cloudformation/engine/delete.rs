//! Removing a stack, and rolling back one that could not be made.

use std::collections::{BTreeMap, BTreeSet};

use crate::sandbox::call::ServiceError;

use super::{
    super::{
        model::{Resource, now},
        template::Policy,
    },
    Job, undo,
    walk::{After, turned, walk},
};

/// Removes every resource after those that refer to it, and returns which could not be.
async fn remove_all(job: &Job, retained: impl Fn(&Resource) -> bool) -> Vec<String> {
    let resources = job.resources();
    let arrows: BTreeMap<String, BTreeSet<String>> =
        resources.values().map(|resource| (resource.id.clone(), resource.depends.clone())).collect();
    let (resources, retained) = (&resources, &retained);
    let one = |id: String| async move {
        let Some(resource) = resources.get(&id) else { return (id, true) };
        let done = undo::remove(job, resource.clone(), retained(resource)).await;
        (id, done.unwrap_or(false))
    };
    walk(turned(&arrows), After::GoOn, || true, one).await
}

/// Whether what a stack was being made with stays, when that failed.
fn stays(job: &Job, resource: &Resource) -> bool {
    resource.deletion == Policy::Retain
        && !job.stack.retain_except_on_create
        && resource.status != "CREATE_FAILED"
}

pub(super) async fn roll_back(job: &Job) -> Result<(), ServiceError> {
    let failed = remove_all(job, |resource| stays(job, resource)).await;
    if failed.is_empty() {
        return job.turn("ROLLBACK_COMPLETE", None, |stack| stack.imports.clear());
    }
    let why = format!("The following resource(s) failed to delete: [{}]. ", failed.join(", "));
    job.turn("ROLLBACK_FAILED", Some(why), |_| {})
}

pub(super) async fn delete(job: &Job) -> Result<(), ServiceError> {
    let retained = |resource: &Resource| {
        matches!(resource.deletion, Policy::Retain | Policy::RetainExceptOnCreate)
            && resource.status != "CREATE_FAILED"
            || job.stack.retained.contains(&resource.id)
    };
    let failed = remove_all(job, retained).await;
    if !failed.is_empty() {
        let why = format!("The following resource(s) failed to delete: [{}]. ", failed.join(", "));
        return job.turn("DELETE_FAILED", Some(why), |_| {});
    }
    job.turn("DELETE_COMPLETE", None, |stack| {
        stack.deleted = Some(now());
        stack.exports.clear();
        stack.imports.clear();
    })
}
