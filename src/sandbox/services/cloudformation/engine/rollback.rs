//! Going back from an update that failed, and removing what an update or a rollback leaves over.

use std::collections::{BTreeMap, BTreeSet};

use crate::sandbox::call::ServiceError;

use super::{
    super::{
        model::{Former, Resource},
        template::Policy,
    },
    Job, context, graph, undo,
    walk::{After, turned, walk},
};

fn arrows<'a>(resources: impl Iterator<Item = &'a Resource>) -> BTreeMap<String, BTreeSet<String>> {
    resources.map(|resource| (resource.id.clone(), resource.depends.clone())).collect()
}

/// Makes every resource what it was before. What is new is removed when this is done.
pub(super) async fn roll_back(job: &Job) -> Result<(), ServiceError> {
    let touched: Vec<Resource> =
        job.resources().into_values().filter(|resource| resource.former.is_some()).collect();
    let order = arrows(touched.iter());
    let failed = walk(order, After::GoOn, || true, |id| undo::restore(job, id)).await;
    if !failed.is_empty() {
        let why = format!("The following resource(s) failed to update: [{}]. ", failed.join(", "));
        return job.turn("UPDATE_ROLLBACK_FAILED", Some(why), |_| {});
    }
    job.turn("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", None, |stack| {
        if let Some(former) = stack.former.take() {
            stack.definition = former;
        }
        stack.updated = Some(super::super::model::now());
    })
}

/// Removes what the stack no longer is. A removal that fails is told and holds nothing up.
/// Source: CloudFormation user guide, "Understand update behaviors of stack resources".
pub(super) async fn clean_up(job: &Job, end: &str) -> Result<(), ServiceError> {
    let template = job.template()?;
    let resources = job.resources();
    let wanted = context(&job.at, &job.stack, &job.stack.definition, &template, &resources)
        .map(|known| graph(&known).into_keys().collect::<BTreeSet<_>>())
        .unwrap_or_else(|_| resources.keys().cloned().collect());
    let order = turned(&arrows(resources.values()));
    let one = |id: String| {
        let (resources, wanted) = (&resources, &wanted);
        async move {
            if let Some(resource) = resources.get(&id) {
                // A disk that refuses is met again by the turn below.
                let _ = cleaned(job, resource.clone(), wanted.contains(&id), end).await;
            }
            (id, true)
        }
    };
    walk(order, After::GoOn, || true, one).await;
    let told = context(&job.at, &job.stack, &job.stack.definition, &template, &job.resources())
        .and_then(|known| super::outputs(&known));
    job.turn(end, None, |stack| {
        if let Ok(told) = told {
            stack.outputs = told.outputs;
            stack.exports = told.exports;
            stack.imports = told.imports;
        }
        stack.skipped.clear();
    })
}

async fn cleaned(job: &Job, mut record: Resource, wanted: bool, end: &str) -> Result<(), ServiceError> {
    if !wanted {
        let new = record.operation == job.stack.operation;
        let retain = match record.deletion {
            Policy::Retain => {
                !(new && end == "UPDATE_ROLLBACK_COMPLETE" && job.stack.retain_except_on_create)
            }
            Policy::RetainExceptOnCreate => !(new && end == "UPDATE_ROLLBACK_COMPLETE"),
            Policy::Delete | Policy::Snapshot => false,
        };
        undo::remove(job, record.clone(), retain).await?;
        return job.store().change(|_, changes| {
            changes.forget(&job.stack.id, &record.id);
            Ok(())
        });
    }
    if record.former.is_none() && record.leftovers.is_empty() {
        return Ok(());
    }
    let replaced = record.former.take().filter(|_| record.replaced);
    let mut gone: Vec<Former> = std::mem::take(&mut record.leftovers);
    gone.extend(replaced);
    let status = record.status.clone();
    for one in gone {
        let mut shown = Resource { physical: Some(one.physical.clone()), ..record.clone() };
        if one.replacement == Policy::Retain {
            let event = shown.turn(&job.stack, "DELETE_SKIPPED", None);
            job.store().change(|_, changes| {
                changes.event(&job.stack.id, event);
                Ok(())
            })?;
            continue;
        }
        let mut events = vec![shown.turn(&job.stack, "DELETE_IN_PROGRESS", None)];
        let (status, why) = match undo::removed(job, &record.kind, &one, one.replacement).await {
            Ok(()) => ("DELETE_COMPLETE", None),
            Err(error) => ("DELETE_FAILED", Some(error.message)),
        };
        events.push(shown.turn(&job.stack, status, why));
        job.store().change(|_, changes| {
            events.into_iter().for_each(|event| changes.event(&job.stack.id, event));
            Ok(())
        })?;
    }
    record.replaced = false;
    record.status = status;
    job.keep(&record, Vec::new())
}
