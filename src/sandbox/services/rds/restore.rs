//! New instances made of snapshots: with their data, their users and their passwords.

use crate::sandbox::call::{Answer, ServiceError};

use super::{
    Call,
    input::{Input, combination},
    instances::{begin, read_new, version},
    lists::name_of,
    members, names,
    snapshots::missing_snapshot,
};

pub(super) fn restore(call: &Call<'_>, mut input: Input) -> Answer {
    let from = input.needed("DBSnapshotIdentifier")?;
    let from = name_of(&from, "snapshot").to_lowercase();
    let mut instance = read_new(&mut input)?;
    if input.flag("ManageMasterUserPassword")? == Some(true) {
        // Source: API reference, RestoreDBInstanceFromDBSnapshot.
        return Err(combination("ManageMasterUserPassword applies to RDS for Oracle only."));
    }
    if input.text("DBName")?.is_some_and(|name| !name.is_empty()) {
        return Err(combination(
            "DBName doesn't apply to postgres: the databases are those of the snapshot.",
        ));
    }
    input.done()?;
    let snapshot = call.index().read(|index| index.snapshots.get(&from).cloned());
    let snapshot = snapshot.ok_or_else(|| missing_snapshot(&from))?;
    if snapshot.status != "available" {
        let text = format!("DBSnapshot {from} is not in available state.");
        return Err(ServiceError::client("InvalidDBSnapshotState", text));
    }
    let asked = instance.members.get("AllocatedStorage").and_then(serde_json::Value::as_i64);
    let had = snapshot.members.get("AllocatedStorage").and_then(serde_json::Value::as_i64);
    if asked.is_some() && asked < had {
        return Err(combination(
            "Allocated storage size can't be less than the source snapshot allocated storage size.",
        ));
    }
    // What is not said is as it was, except for what guards the instance.
    let as_it_was = ["DeletionProtection", "PubliclyAccessible", "MultiAZ"];
    for (name, value) in &snapshot.members {
        if !as_it_was.contains(&name.as_str()) {
            instance.members.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    members::complete(&mut instance.members, &call.caller.region, instance.subnet_group.is_some());
    names::memory(instance.text("DBInstanceClass"))?;
    let major = snapshot.version.split('.').next().unwrap_or_default();
    let found = version(call.installed, Some(major))?;
    instance.version = found.version.clone();
    if instance.parameter_group.is_empty() {
        instance.parameter_group = format!("default.postgres{major}");
    }
    instance.user = snapshot.user;
    instance.database = snapshot.database;
    instance.admin = snapshot.admin;
    instance.source = Some(snapshot.file);
    begin(call, instance)
}
