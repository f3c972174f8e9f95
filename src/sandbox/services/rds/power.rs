//! Rebooting, stopping, starting and deleting instances.

use serde_json::Value;

use crate::sandbox::call::{Answer, ServiceError};

use super::{
    Call,
    input::{Input, combination},
    instances::{change, wrong_state},
    model::{Index, Instance},
    snapshots,
};

fn needs(instance: &Instance, status: &str) -> Result<(), ServiceError> {
    if instance.status == status {
        return Ok(());
    }
    Err(wrong_state(format!("Instance {} is not in {status} state.", instance.id)))
}

pub(super) fn reboot(call: &Call<'_>, mut input: Input) -> Answer {
    let id = input.needed("DBInstanceIdentifier")?;
    let failover = input.flag("ForceFailover")? == Some(true);
    input.done()?;
    change(call, &id, |_, instance| {
        if failover {
            let text = "Cannot force a failover: the sandbox has no second zone.";
            return Err(combination(text));
        }
        // What could not start may be tried again with other parameters.
        if instance.status != "incompatible-parameters" {
            needs(instance, "available")?;
        }
        instance.status = "rebooting".to_owned();
        Ok(())
    })
}

pub(super) fn stop(call: &Call<'_>, mut input: Input) -> Answer {
    let id = input.needed("DBInstanceIdentifier")?;
    let snapshot = input.text("DBSnapshotIdentifier")?;
    input.done()?;
    change(call, &id, |index, instance| {
        needs(instance, "available")?;
        if let Some(snapshot) = snapshot {
            let id = snapshots::name("DBSnapshotIdentifier", &snapshot)?;
            snapshots::ask(index, instance, &id, "manual", Vec::new())?;
        }
        instance.status = "stopping".to_owned();
        Ok(())
    })
}

pub(super) fn start(call: &Call<'_>, mut input: Input) -> Answer {
    let id = input.needed("DBInstanceIdentifier")?;
    input.done()?;
    change(call, &id, |_, instance| {
        needs(instance, "stopped")?;
        instance.status = "starting".to_owned();
        Ok(())
    })
}

fn finals(
    index: &mut Index,
    instance: &Instance,
    skip: bool,
    snapshot: Option<String>,
) -> Result<(), ServiceError> {
    match (skip, snapshot) {
        (true, None) => Ok(()),
        (true, Some(_)) => Err(combination(
            "FinalDBSnapshotIdentifier can not be specified when deleting with SkipFinalSnapshot.",
        )),
        (false, None) => {
            Err(combination("FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."))
        }
        (false, Some(_)) if !["available", "stopped"].contains(&instance.status.as_str()) => {
            let text = format!(
                "Instance {} is currently {} - a final snapshot cannot be taken.",
                instance.id, instance.status
            );
            Err(wrong_state(text))
        }
        (false, Some(snapshot)) => {
            let id = snapshots::name("FinalDBSnapshotIdentifier", &snapshot)?;
            let tags = if instance.flag("CopyTagsToSnapshot") { instance.tags.clone() } else { Vec::new() };
            snapshots::ask(index, instance, &id, "manual", tags)
        }
    }
}

pub(super) fn delete(call: &Call<'_>, mut input: Input) -> Answer {
    let id = input.needed("DBInstanceIdentifier")?;
    let skip = input.flag("SkipFinalSnapshot")? == Some(true);
    let snapshot = input.text("FinalDBSnapshotIdentifier")?.filter(|id| !id.is_empty());
    if input.flag("DeleteAutomatedBackups")? == Some(false) {
        return Err(combination("Automated backups that outlive their instance are not in the sandbox."));
    }
    input.done()?;
    change(call, &id, |index, instance| {
        if instance.members.get("DeletionProtection") == Some(&Value::Bool(true)) {
            return Err(combination(
                "Cannot delete protected DB Instance, please disable deletion protection and try again.",
            ));
        }
        if instance.status == "deleting" {
            return Err(wrong_state(format!("Instance {} is already being deleted.", instance.id)));
        }
        if instance.is_busy() {
            let text = format!("Instance {} is currently {}.", instance.id, instance.status);
            return Err(wrong_state(text));
        }
        finals(index, instance, skip, snapshot)?;
        instance.status = "deleting".to_owned();
        Ok(())
    })
}
