//! Snapshots: asked for, told, copied and removed. Each is one file that never changes.

use serde_json::{Value, json};

use crate::sandbox::{
    call::{Answer, ServiceError},
    tags::Tag,
};

use super::{
    Call,
    input::{Input, combination, not_found},
    instances::{missing, wrong_state},
    lists::{Wanted, filters, name_of},
    model::{Index, Instance, Snapshot, now},
    names, show, work,
};

/// Most manual snapshots. Source: RDS user guide, "Quotas and constraints".
const MOST: usize = 100;

pub(super) fn missing_snapshot(id: &str) -> ServiceError {
    not_found("DBSnapshotNotFound", format!("DBSnapshot {id} not found."))
}

/// Checks a name that a caller gives to a new snapshot.
pub(super) fn name(member: &str, given: &str) -> Result<String, ServiceError> {
    names::identifier(member, given, 255)
}

fn room(index: &Index, id: &str) -> Result<(), ServiceError> {
    if index.snapshots.contains_key(id) {
        let text =
            format!("Cannot create the snapshot because a snapshot with the identifier {id} already exists.");
        return Err(ServiceError::client("DBSnapshotAlreadyExists", text));
    }
    if index.snapshots.values().filter(|one| one.kind == "manual").count() >= MOST {
        let text = "The request would result in exceeding the allowed number of DB snapshots.";
        return Err(ServiceError::client("SnapshotQuotaExceeded", text));
    }
    Ok(())
}

/// Notes a snapshot of an instance that its task is to take.
pub(super) fn ask(
    index: &mut Index,
    instance: &Instance,
    id: &str,
    kind: &str,
    tags: Vec<Tag>,
) -> Result<(), ServiceError> {
    if kind == "manual" {
        room(index, id)?;
    }
    let snapshot = Snapshot {
        id: id.to_owned(),
        instance: instance.id.clone(),
        resource: instance.resource.clone(),
        kind: kind.to_owned(),
        status: "creating".to_owned(),
        instance_created: instance.created,
        version: instance.version.clone(),
        user: instance.user.clone(),
        database: instance.database.clone(),
        admin: instance.admin.clone(),
        port: instance.port,
        members: instance.members.clone(),
        tags,
        file: format!("{}.tar.gz", hex::encode(rand::random::<[u8; 16]>())),
        ..Snapshot::default()
    };
    index.snapshots.insert(id.to_owned(), snapshot);
    Ok(())
}

pub(super) fn create(call: &Call<'_>, mut input: Input) -> Answer {
    let id = name("DBSnapshotIdentifier", &input.needed("DBSnapshotIdentifier")?)?;
    let of = input.needed("DBInstanceIdentifier")?;
    let of = name_of(&of, "db").to_lowercase();
    let mut tags = input.tags()?;
    input.done()?;
    let (resource, shown) = call.index().update(|index| {
        let mut instance = index.instances.get(&of).cloned().ok_or_else(|| missing(&of))?;
        if !["available", "stopped"].contains(&instance.status.as_str()) {
            let text = format!("Cannot create a snapshot because the database instance {of} is not currently in the available state.");
            return Err(wrong_state(text));
        }
        if instance.flag("CopyTagsToSnapshot") && tags.is_empty() {
            tags = instance.tags.clone();
        }
        ask(index, &instance, &id, "manual", tags)?;
        instance.rests = instance.status == "stopped";
        instance.status = "backing-up".to_owned();
        let resource = instance.resource.clone();
        index.instances.insert(of, instance);
        Ok::<_, ServiceError>((resource, show::snapshot(&index.snapshots[&id], call.place())))
    })?;
    work::start(call.world, &resource);
    Ok(json!({ "DBSnapshot": shown }))
}

pub(super) fn describe(call: &Call<'_>, mut input: Input) -> Answer {
    let id = input.text("DBSnapshotIdentifier")?.filter(|id| !id.is_empty());
    let id = id.map(|id| name_of(&id, "snapshot").to_lowercase());
    let of = input.text("DBInstanceIdentifier")?.map(|id| name_of(&id, "db").to_lowercase());
    let resource = input.text("DbiResourceId")?;
    let kind = input.text("SnapshotType")?;
    for shared in ["IncludeShared", "IncludePublic"] {
        input.flag(shared)?;
    }
    let known = ["db-instance-id", "db-snapshot-id", "dbi-resource-id", "snapshot-type", "engine"];
    let chosen = filters(&mut input, &known)?;
    let wanted = Wanted::read(&mut input)?;
    input.done()?;
    let takes = |one: &Snapshot| {
        id.as_ref().is_none_or(|id| one.id == *id)
            && of.as_ref().is_none_or(|of| one.instance == *of)
            && resource.as_ref().is_none_or(|resource| one.resource == *resource)
            && kind.as_ref().is_none_or(|kind| one.kind == *kind)
            && chosen.iter().all(|(name, values)| {
                values.iter().any(|value| match *name {
                    "db-instance-id" => name_of(value, "db").eq_ignore_ascii_case(&one.instance),
                    "db-snapshot-id" => name_of(value, "snapshot").eq_ignore_ascii_case(&one.id),
                    "dbi-resource-id" => *value == one.resource,
                    "snapshot-type" => *value == one.kind,
                    _ => value == "postgres",
                })
            })
    };
    let found: Vec<(String, Value)> = call.index().read(|index| {
        let all = index.snapshots.values().filter(|one| takes(one));
        all.map(|one| (one.id.clone(), show::snapshot(one, call.place()))).collect()
    });
    match id {
        Some(id) if found.is_empty() => Err(missing_snapshot(&id)),
        _ => wanted.page("DBSnapshots", found),
    }
}

pub(super) fn copy(call: &Call<'_>, mut input: Input) -> Answer {
    let from = input.needed("SourceDBSnapshotIdentifier")?;
    let from = name_of(&from, "snapshot").to_lowercase();
    let id = name("TargetDBSnapshotIdentifier", &input.needed("TargetDBSnapshotIdentifier")?)?;
    let tags = input.tags()?;
    let with_tags = input.flag("CopyTags")? == Some(true);
    if input.text("KmsKeyId")?.is_some_and(|key| !key.is_empty()) {
        let text = "There is no KMS in the sandbox, and so no key of one's own.";
        return Err(ServiceError::client("KMSKeyNotAccessibleFault", text));
    }
    input.done()?;
    let dir = work::snapshots(call.world);
    let copy = call.index().update(|index| {
        let source = index.snapshots.get(&from).cloned().ok_or_else(|| missing_snapshot(&from))?;
        if source.status != "available" {
            let text = format!("Cannot copy the snapshot {from} because it is {}.", source.status);
            return Err(ServiceError::client("InvalidDBSnapshotState", text));
        }
        room(index, &id)?;
        let copy = Snapshot {
            id: id.clone(),
            kind: "manual".to_owned(),
            created: now(),
            source: Some(call.place().arn("snapshot", &from)),
            tags: if with_tags && tags.is_empty() { source.tags.clone() } else { tags },
            file: format!("{}.tar.gz", hex::encode(rand::random::<[u8; 16]>())),
            ..source.clone()
        };
        // The file never changes, so one more name for it is a copy.
        std::fs::hard_link(dir.join(&source.file), dir.join(&copy.file))?;
        index.snapshots.insert(id.clone(), copy.clone());
        Ok::<_, ServiceError>(copy)
    })?;
    Ok(json!({ "DBSnapshot": show::snapshot(&copy, call.place()) }))
}

pub(super) fn delete(call: &Call<'_>, mut input: Input) -> Answer {
    let id = input.needed("DBSnapshotIdentifier")?;
    let id = name_of(&id, "snapshot").to_lowercase();
    input.done()?;
    let gone = call.index().update(|index| {
        let snapshot = index.snapshots.get(&id).cloned().ok_or_else(|| missing_snapshot(&id))?;
        if snapshot.kind != "manual" {
            return Err(combination(format!(
                "The snapshot {id} is an automated one, which goes with its instance."
            )));
        }
        let used =
            index.instances.values().any(|one| one.is_busy() && one.source.as_ref() == Some(&snapshot.file));
        if snapshot.status == "creating" || used {
            let text = format!(
                "Cannot delete the snapshot because it is not currently in the available state: {id}."
            );
            return Err(ServiceError::client("InvalidDBSnapshotState", text));
        }
        index.snapshots.remove(&id);
        let arn = call.place().arn("snapshot", &id);
        index.tell("db-snapshot", &id, arn, "deletion", "Deleted manual snapshot");
        Ok(snapshot)
    })?;
    // A file that stays is nobody's, and goes when the sandbox starts the next time.
    let _ = std::fs::remove_file(work::snapshots(call.world).join(&gone.file));
    let mut shown = show::snapshot(&gone, call.place());
    shown["Status"] = "deleted".into();
    Ok(json!({ "DBSnapshot": shown }))
}
