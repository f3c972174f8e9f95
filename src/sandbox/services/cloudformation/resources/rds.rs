//! `AWS::RDS::DBInstance`, which takes its time and is waited for.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::sandbox::{
    call::ServiceError,
    services::cloudformation::{
        diff::Recreation::{self, Always, Never},
        template::Made,
    },
};

use super::{At, Kind, Naming, Outcome, Properties, is_missing, shape};

pub(super) struct DbInstance;

const PAUSE: Duration = Duration::from_millis(150);

/// Longest wait for an instance. A server on this machine needs seconds.
const PATIENCE: Duration = Duration::from_secs(600);

/// Properties that only an instance that is made of a snapshot does not take.
const NOT_RESTORED: [&str; 8] = [
    "DBName",
    "EngineVersion",
    "ManageMasterUserPassword",
    "MasterUserPassword",
    "MasterUsername",
    "StorageEncrypted",
    "BackupRetentionPeriod",
    "MaxAllocatedStorage",
];

/// Statuses in which an instance stays.
const SETTLED: [&str; 4] = ["available", "stopped", "failed", "incompatible-parameters"];

async fn described(at: &At, id: &str) -> Outcome<Option<Value>> {
    match at.call("rds", "DescribeDBInstances", json!({ "DBInstanceIdentifier": id })).await {
        Ok(answer) => Ok(Some(answer["DBInstances"][0].clone())),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn settled(at: &At, id: &str) -> Outcome<Option<Value>> {
    let waiting = async {
        loop {
            match described(at, id).await? {
                Some(one) if !SETTLED.contains(&one["DBInstanceStatus"].as_str().unwrap_or_default()) => {
                    tokio::time::sleep(PAUSE).await;
                }
                other => return Ok::<_, ServiceError>(other),
            }
        }
    };
    let late = |_| ServiceError::client("NotStabilized", format!("Exceeded attempts to wait for {id}"));
    tokio::time::timeout(PATIENCE, waiting).await.map_err(late)?
}

fn made(one: &Value) -> Made {
    let mut attributes = shape::only(one, &["DBInstanceArn", "DbiResourceId"]);
    for (name, place) in [
        ("Endpoint.Address", "/Endpoint/Address"),
        ("Endpoint.Port", "/Endpoint/Port"),
        ("MasterUserSecret.SecretArn", "/MasterUserSecret/SecretArn"),
        ("CertificateDetails.CAIdentifier", "/CertificateDetails/CAIdentifier"),
        ("CertificateDetails.ValidTill", "/CertificateDetails/ValidTill"),
    ] {
        if let Some(value) = one.pointer(place).filter(|value| !value.is_null()) {
            attributes.insert(name.to_owned(), shape::worded(value));
        }
    }
    let physical = one["DBInstanceIdentifier"].as_str().unwrap_or_default().to_owned();
    Made { physical, attributes }
}

async fn available(at: &At, id: &str) -> Outcome<Made> {
    match settled(at, id).await? {
        Some(one) if one["DBInstanceStatus"] == "available" => Ok(made(&one)),
        Some(one) => {
            let status = one["DBInstanceStatus"].as_str().unwrap_or_default();
            Err(ServiceError::client("NotStabilized", format!("The instance {id} is {status}")))
        }
        None => Err(ServiceError::client("NotStabilized", format!("The instance {id} is gone"))),
    }
}

/// The properties as the operations take them.
fn input(properties: &Properties) -> Value {
    let mut input = properties.clone();
    if let Some(groups) = input.remove("VPCSecurityGroups") {
        input.insert("VpcSecurityGroupIds".to_owned(), groups);
    }
    input.remove("DeleteAutomatedBackups");
    input.into()
}

async fn delete(at: &At, id: &str, snapshot: bool) -> Outcome<()> {
    let Some(one) = settled(at, id).await? else { return Ok(()) };
    let mut input = json!({ "DBInstanceIdentifier": id, "SkipFinalSnapshot": true });
    let whole = ["available", "stopped"].contains(&one["DBInstanceStatus"].as_str().unwrap_or_default());
    if snapshot && whole {
        let tail = hex::encode(rand::random::<[u8; 6]>());
        input["SkipFinalSnapshot"] = false.into();
        input["FinalDBSnapshotIdentifier"] = format!("{id}-snapshot-{tail}").into();
    }
    match at.call("rds", "DeleteDBInstance", input).await {
        Err(error) if !is_missing(&error) => return Err(error),
        _ => {}
    }
    match settled(at, id).await? {
        None => Ok(()),
        Some(one) => {
            let status = one["DBInstanceStatus"].as_str().unwrap_or_default();
            Err(ServiceError::client("NotStabilized", format!("The instance {id} is {status}")))
        }
    }
}

#[async_trait]
impl Kind for DbInstance {
    fn name(&self) -> &'static str {
        "AWS::RDS::DBInstance"
    }

    fn properties(&self) -> &'static [(&'static str, Recreation)] {
        &[
            ("DBInstanceIdentifier", Always),
            ("AllocatedStorage", Never),
            ("AutoMinorVersionUpgrade", Never),
            ("AvailabilityZone", Always),
            ("BackupRetentionPeriod", Never),
            ("CACertificateIdentifier", Never),
            ("CopyTagsToSnapshot", Never),
            ("DBInstanceClass", Never),
            ("DBName", Always),
            ("DBParameterGroupName", Never),
            ("DBSnapshotIdentifier", Always),
            ("DBSubnetGroupName", Always),
            ("DeleteAutomatedBackups", Never),
            ("DeletionProtection", Never),
            ("EnableCloudwatchLogsExports", Never),
            ("EnablePerformanceInsights", Never),
            ("Engine", Always),
            ("EngineVersion", Never),
            ("Iops", Never),
            ("LicenseModel", Never),
            ("ManageMasterUserPassword", Never),
            ("MasterUsername", Always),
            ("MasterUserPassword", Never),
            ("MaxAllocatedStorage", Never),
            ("MonitoringInterval", Never),
            ("MonitoringRoleArn", Never),
            ("MultiAZ", Never),
            ("NetworkType", Never),
            ("Port", Always),
            ("PreferredBackupWindow", Never),
            ("PreferredMaintenanceWindow", Never),
            ("PubliclyAccessible", Never),
            ("StorageEncrypted", Always),
            ("StorageThroughput", Never),
            ("StorageType", Never),
            ("Tags", Never),
            ("VPCSecurityGroups", Never),
        ]
    }

    fn attributes(&self) -> &'static [&'static str] {
        &[
            "CertificateDetails.CAIdentifier",
            "CertificateDetails.ValidTill",
            "DBInstanceArn",
            "DbiResourceId",
            "Endpoint.Address",
            "Endpoint.Port",
            "MasterUserSecret.SecretArn",
        ]
    }

    fn naming(&self) -> Option<Naming> {
        Some(Naming { property: "DBInstanceIdentifier", longest: 63, lower: true })
    }

    fn snapshots(&self) -> bool {
        true
    }

    async fn find(&self, at: &At, name: &str) -> Outcome<Option<Made>> {
        Ok(settled(at, name).await?.as_ref().map(made))
    }

    async fn create(&self, at: &At, name: &str, properties: &Properties) -> Outcome<Made> {
        let mut input = input(properties);
        input["DBInstanceIdentifier"] = name.into();
        let operation = match properties.get("DBSnapshotIdentifier").and_then(Value::as_str) {
            Some(_) => {
                if let Some(map) = input.as_object_mut() {
                    NOT_RESTORED.iter().for_each(|property| {
                        map.remove(*property);
                    });
                }
                "RestoreDBInstanceFromDBSnapshot"
            }
            None => "CreateDBInstance",
        };
        at.call("rds", operation, input).await?;
        let made = available(at, name).await?;
        // Where the snapshot brings another password than the template says.
        let password = properties.get("MasterUserPassword");
        if let (Some(password), "RestoreDBInstanceFromDBSnapshot") = (password, operation) {
            let input = json!({ "DBInstanceIdentifier": name, "MasterUserPassword": password });
            at.call("rds", "ModifyDBInstance", input).await?;
            return available(at, name).await;
        }
        Ok(made)
    }

    async fn update(&self, at: &At, physical: &str, old: &Properties, new: &Properties) -> Outcome<Made> {
        settled(at, physical).await?;
        let changed = crate::sandbox::services::cloudformation::diff::differing(old, new);
        let mut changes: Properties =
            changed.iter().filter_map(|name| Some((name.clone(), new.get(name)?.clone()))).collect();
        let tags = changes.remove("Tags");
        if let Some(kinds) = changes.remove("EnableCloudwatchLogsExports") {
            changes
                .insert("CloudwatchLogsExportConfiguration".to_owned(), json!({ "EnableLogTypes": kinds }));
        } else if changed.iter().any(|name| name == "EnableCloudwatchLogsExports") {
            changes.insert(
                "CloudwatchLogsExportConfiguration".to_owned(),
                json!({ "DisableLogTypes": ["postgresql"] }),
            );
        }
        let mut input = input(&changes);
        input["DBInstanceIdentifier"] = physical.into();
        input["ApplyImmediately"] = true.into();
        at.call("rds", "ModifyDBInstance", input).await?;
        let made = available(at, physical).await?;
        if changed.iter().any(|name| name == "Tags") {
            super::rds_groups::retag(at, &made.attributes["DBInstanceArn"], tags, old.get("Tags")).await?;
        }
        Ok(made)
    }

    async fn delete(&self, at: &At, physical: &str, _: &Properties) -> Outcome<()> {
        delete(at, physical, false).await
    }

    async fn delete_with_snapshot(&self, at: &At, physical: &str, _: &Properties) -> Outcome<()> {
        delete(at, physical, true).await
    }

    async fn read(&self, at: &At, physical: &str) -> Outcome<Option<Properties>> {
        let Some(one) = described(at, physical).await? else { return Ok(None) };
        let names: Vec<&str> =
            self.properties().iter().map(|(name, _)| *name).filter(|name| *name != "Tags").collect();
        let mut found = shape::only(&one, &names);
        if let Some(tags) = one["TagList"].as_array().filter(|tags| !tags.is_empty()) {
            found.insert("Tags".to_owned(), json!(tags));
        }
        Ok(Some(found))
    }
}
