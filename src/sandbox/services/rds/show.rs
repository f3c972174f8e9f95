//! Instances, snapshots and groups in the wire's shape.

use serde_json::{Map, Value, json};

use crate::sandbox::{call::Caller, protocol::Dialect, world::World};

use super::{
    model::{Index, Instance, ParameterGroup, Snapshot, SubnetGroup, written},
    parameters,
};

/// What signs the certificates that instances show. The name is AWS's for a key of this kind.
pub(super) const AUTHORITY: &str = "rds-ca-ecc384-g1";

/// How RDS writes Query.
pub const DIALECT: Dialect = Dialect {
    namespace: "http://rds.amazonaws.com/doc/2014-10-31/",
    item: |list| match list {
        "AvailabilityZones" => "AvailabilityZone",
        "DBEngineVersions" => "DBEngineVersion",
        "DBInstances" => "DBInstance",
        "DBParameterGroups" => "DBParameterGroup",
        "DBSecurityGroups" => "DBSecurityGroup",
        "DBSnapshots" => "DBSnapshot",
        "DBSubnetGroups" => "DBSubnetGroup",
        "EventCategories" => "EventCategory",
        "Events" => "Event",
        "OptionGroupMemberships" => "OptionGroupMembership",
        "OrderableDBInstanceOptions" => "OrderableDBInstanceOption",
        "Parameters" => "Parameter",
        "ReadReplicaDBInstanceIdentifiers" => "ReadReplicaDBInstanceIdentifier",
        "Subnets" => "Subnet",
        "TagList" => "Tag",
        "ValidUpgradeTarget" => "UpgradeTarget",
        "VpcSecurityGroups" => "VpcSecurityGroupMembership",
        _ => "member",
    },
};

/// What names are made of: region and account.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub region: &'a str,
    pub account: &'a str,
}

impl<'a> Place<'a> {
    pub fn of(caller: &'a Caller) -> Self {
        Self { region: &caller.region, account: &caller.account }
    }

    pub fn own(world: &'a World) -> Self {
        Self { region: &world.identity.region, account: &world.identity.account }
    }

    /// The ARN of an instance (`db`), snapshot (`snapshot`), parameter group (`pg`) or subnet group (`subgrp`).
    pub fn arn(self, kind: &str, name: &str) -> String {
        format!("arn:aws:rds:{}:{}:{kind}:{name}", self.region, self.account)
    }
}

pub(super) fn instance(index: &Index, one: &Instance, place: Place<'_>) -> Value {
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| {
        shown.insert(name.to_owned(), value);
    };
    put("DBInstanceIdentifier", one.id.as_str().into());
    for (name, value) in &one.members {
        put(name, value.clone());
    }
    let groups = one.security_groups.iter();
    let groups: Vec<Value> =
        groups.map(|id| json!({ "VpcSecurityGroupId": id, "Status": "active" })).collect();
    let options = format!("default:postgres-{}", one.major());
    let applied = parameters::apply_status(index, one);
    for (name, value) in [
        ("DBInstanceArn", json!(place.arn("db", &one.id))),
        ("DbiResourceId", json!(one.resource)),
        ("DBInstanceStatus", json!(one.status)),
        ("Engine", json!("postgres")),
        ("EngineVersion", json!(one.version)),
        ("LicenseModel", json!("postgresql-license")),
        ("MasterUsername", json!(one.user)),
        ("DBName", json!(one.database)),
        ("DbInstancePort", json!(0)),
        ("DBSecurityGroups", json!([])),
        ("VpcSecurityGroups", json!(groups)),
        (
            "DBParameterGroups",
            json!([{ "DBParameterGroupName": one.parameter_group, "ParameterApplyStatus": applied }]),
        ),
        ("OptionGroupMemberships", json!([{ "OptionGroupName": options, "Status": "in-sync" }])),
        ("ReadReplicaDBInstanceIdentifiers", json!([])),
        ("CACertificateIdentifier", json!(AUTHORITY)),
        ("IAMDatabaseAuthenticationEnabled", json!(false)),
        ("NetworkType", json!("IPV4")),
        ("BackupTarget", json!("region")),
        ("CustomerOwnedIpEnabled", json!(false)),
        ("DedicatedLogVolume", json!(false)),
        ("TagList", json!(one.tags)),
    ] {
        put(name, value);
    }
    let mut pending = one.pending.clone();
    if one.verifier.is_some() && one.created.is_some() && one.managed.is_none() {
        pending.insert("MasterUserPassword".to_owned(), "****".into());
    }
    put("PendingModifiedValues", pending.into());
    if let Some(created) = one.created {
        put("InstanceCreateTime", written(created).into());
        // Before it was made for the first time, nobody can reach it.
        put("Endpoint", json!({ "Address": "127.0.0.1", "Port": one.port }));
    }
    if !one.exports.is_empty() {
        put("EnabledCloudwatchLogsExports", json!(one.exports));
    }
    if let Some(group) = one.subnet_group.as_ref().and_then(|name| index.subnet_groups.get(name)) {
        put("DBSubnetGroup", subnet_group(group, place));
    }
    if let Some(managed) = &one.managed {
        put("MasterUserSecret", json!({ "SecretArn": managed.arn, "SecretStatus": managed.status }));
    }
    if let Some(until) = one.certificate_until {
        put("CertificateDetails", json!({ "CAIdentifier": AUTHORITY, "ValidTill": written(until) }));
    }
    if let Some(starts) = one.starts {
        put("AutomaticRestartTime", written(starts).into());
    }
    shown.into()
}

/// Members that a snapshot tells of its instance.
pub(super) const OF_SNAPSHOT: [&str; 7] = [
    "AllocatedStorage",
    "AvailabilityZone",
    "BackupRetentionPeriod",
    "Iops",
    "PreferredBackupWindow",
    "StorageThroughput",
    "StorageType",
];

pub(super) fn snapshot(one: &Snapshot, place: Place<'_>) -> Value {
    let mut shown = json!({
        "DBSnapshotIdentifier": one.id,
        "DBSnapshotArn": place.arn("snapshot", &one.id),
        "DBInstanceIdentifier": one.instance,
        "DbiResourceId": one.resource,
        "Engine": "postgres",
        "EngineVersion": one.version,
        "LicenseModel": "postgresql-license",
        "MasterUsername": one.user,
        "Port": one.port,
        "SnapshotType": one.kind,
        "Status": one.status,
        "PercentProgress": if one.status == "available" { 100 } else { 0 },
        "Encrypted": one.members.get("StorageEncrypted") == Some(&Value::Bool(true)),
        "IAMDatabaseAuthenticationEnabled": false,
        "DedicatedLogVolume": false,
        "OptionGroupName": format!("default:postgres-{}", one.version.split('.').next().unwrap_or_default()),
        "SnapshotTarget": "region",
        "TagList": one.tags,
    });
    for name in OF_SNAPSHOT {
        if let Some(value) = one.members.get(name) {
            shown[name] = value.clone();
        }
    }
    if one.status == "available" {
        shown["SnapshotCreateTime"] = written(one.created).into();
        shown["OriginalSnapshotCreateTime"] = written(one.taken).into();
        shown["SnapshotDatabaseTime"] = written(one.taken).into();
    }
    if let Some(created) = one.instance_created {
        shown["InstanceCreateTime"] = written(created).into();
    }
    if let Some(source) = &one.source {
        shown["SourceDBSnapshotIdentifier"] = source.as_str().into();
        shown["SourceRegion"] = place.region.into();
    }
    shown
}

pub(super) fn subnet_group(one: &SubnetGroup, place: Place<'_>) -> Value {
    let subnets = one.subnets.iter();
    let subnets: Vec<Value> =
        subnets.map(|id| json!({ "SubnetIdentifier": id, "SubnetStatus": "Active" })).collect();
    json!({
        "DBSubnetGroupName": one.name,
        "DBSubnetGroupDescription": one.description,
        "DBSubnetGroupArn": place.arn("subgrp", &one.name),
        "SubnetGroupStatus": "Complete",
        "Subnets": subnets,
        "SupportedNetworkTypes": ["IPV4"],
    })
}

pub(super) fn parameter_group(one: &ParameterGroup, place: Place<'_>) -> Value {
    json!({
        "DBParameterGroupName": one.name,
        "DBParameterGroupFamily": one.family,
        "Description": one.description,
        "DBParameterGroupArn": place.arn("pg", &one.name),
    })
}
