//! Statuses: from one to another on disk, with what is told of it.

use std::io;

use crate::sandbox::world::World;

use super::{
    model::{Index, Instance, Snapshot, now},
    show::Place,
};

/// Changes an instance, wherever it is called by now; nothing where it is gone.
pub(super) fn change(
    world: &World,
    resource: &str,
    change: impl FnOnce(&mut Index, &mut Instance),
) -> Result<Option<Instance>, io::Error> {
    world.rds.index.update(|index| {
        let Some(mut instance) = index.by_resource(resource).cloned() else { return Ok(None) };
        change(index, &mut instance);
        index.instances.insert(instance.id.clone(), instance.clone());
        Ok(Some(instance))
    })
}

pub(super) fn tell(world: &World, index: &mut Index, instance: &Instance, category: &str, message: &str) {
    let arn = Place::own(world).arn("db", &instance.id);
    index.tell("db-instance", &instance.id, arn, category, message);
}

/// Gives an instance another status and tells of what happened.
pub(super) fn turn(
    world: &World,
    instance: &Instance,
    status: &str,
    category: &str,
    message: &str,
) -> io::Result<()> {
    change(world, &instance.resource, |index, now| {
        now.status = status.to_owned();
        tell(world, index, now, category, message);
    })
    .map(|_| ())
}

/// Notes that a step could not be done.
pub(super) fn fail(world: &World, instance: &Instance, why: &str) -> io::Result<()> {
    let status = match instance.status.as_str() {
        "creating" | "deleting" => "failed",
        "rebooting" | "starting" | "available" => "incompatible-parameters",
        "stopping" | "backing-up" if instance.rests => "stopped",
        _ => "available",
    };
    change(world, &instance.resource, |index, now| {
        now.status = status.to_owned();
        if let Some(managed) = &mut now.managed
            && managed.status != "active"
        {
            managed.status = "impaired".to_owned();
        }
        let waiting = |one: &&mut Snapshot| one.resource == now.resource && one.status == "creating";
        index.snapshots.values_mut().filter(waiting).for_each(|one| one.status = "failed".to_owned());
        tell(world, index, now, "failure", &format!("The DB instance is {status}: {why}"));
    })
    .map(|_| ())
}

/// Notes that a server ended by itself, so that it is started again.
pub(super) fn recover(world: &World, resource: &str) -> io::Result<()> {
    change(world, resource, |index, now| {
        if now.status == "available" {
            now.status = "rebooting".to_owned();
            tell(world, index, now, "recovery", "Recovery of the DB instance has started. Recovery time will vary with the amount of data to be recovered.");
        }
    })
    .map(|_| ())
}

/// Whether a change that waits is to be made in this minute of the week.
pub(super) fn open_window(world: &World, instance: &Instance, minute: u32) -> io::Result<bool> {
    let window = super::members::weekly(instance.text("PreferredMaintenanceWindow"));
    let week = 7 * 24 * 60;
    let open = window.is_some_and(|(from, to)| (minute + week - from) % week <= to - from);
    if !open || instance.pending.is_empty() || instance.status != "available" {
        return Ok(false);
    }
    change(world, &instance.resource, |_, now| now.status = "modifying".to_owned())?;
    Ok(true)
}

/// Whether a stopped instance has been so for long enough.
pub(super) fn over(world: &World, instance: &Instance) -> io::Result<bool> {
    if instance.status != "stopped" || instance.starts.is_none_or(|starts| now() < starts) {
        return Ok(false);
    }
    change(world, &instance.resource, |_, now| now.status = "starting".to_owned())?;
    Ok(true)
}
