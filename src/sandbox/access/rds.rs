//! The resources that calls of RDS name, as ARNs.
//!
//! Sources: Service Authorization Reference, "Actions, resources, and condition keys for Amazon RDS"; RDS user guide,
//! "Permission policies to create, modify and, delete resources in Amazon RDS" (what is not named is the default one).

use serde_json::Value;

use super::resource::arns;

/// The kinds of resources that an operation is about; none where that is only known from an ARN, or it is about none.
fn kinds(operation: &str) -> &'static [&'static str] {
    match operation {
        "CreateDBInstance" => &["db", "og", "pg", "subgrp"],
        "RestoreDBInstanceFromDBSnapshot" => &["db", "og", "pg", "snapshot", "subgrp"],
        "ModifyDBInstance" => &["db", "og", "pg", "subgrp"],
        "DeleteDBInstance"
        | "DescribeDBInstances"
        | "RebootDBInstance"
        | "StartDBInstance"
        | "StopDBInstance" => &["db"],
        "CreateDBSnapshot" | "DescribeDBSnapshots" => &["db", "snapshot"],
        "CopyDBSnapshot" | "DeleteDBSnapshot" => &["snapshot"],
        "CreateDBParameterGroup"
        | "DeleteDBParameterGroup"
        | "DescribeDBParameterGroups"
        | "DescribeDBParameters"
        | "ModifyDBParameterGroup" => &["pg"],
        "CreateDBSubnetGroup" | "DeleteDBSubnetGroup" | "DescribeDBSubnetGroups" | "ModifyDBSubnetGroup" => {
            &["subgrp"]
        }
        _ => &[],
    }
}

/// The members that name one of a kind.
fn members(kind: &str) -> &'static [&'static str] {
    match kind {
        "db" => &["DBInstanceIdentifier", "NewDBInstanceIdentifier"],
        "og" => &["OptionGroupName"],
        "pg" => &["DBParameterGroupName"],
        "snapshot" => &["DBSnapshotIdentifier", "SourceDBSnapshotIdentifier", "TargetDBSnapshotIdentifier"],
        _ => &["DBSubnetGroupName"],
    }
}

/// What a new instance has of a kind that its request does not name.
fn usual(kind: &str, input: &Value) -> Option<String> {
    let major =
        input["EngineVersion"].as_str().and_then(|version| version.split('.').next()).unwrap_or_default();
    match kind {
        "og" => Some(format!("default:postgres-{major}")),
        "pg" => Some(format!("default.postgres{major}")),
        "subgrp" => Some("default".to_owned()),
        _ => None,
    }
}

pub(super) fn named(operation: &str, input: &Value, at: impl Fn(&str) -> String) -> Vec<String> {
    let is_new = matches!(operation, "CreateDBInstance" | "RestoreDBInstanceFromDBSnapshot");
    let mut all = arns(input, &["ResourceName"], str::to_owned);
    for kind in kinds(operation) {
        let of = |name: &str| at(&format!("{kind}:{}", name.to_lowercase()));
        let found = arns(input, members(kind), of);
        match usual(kind, input).filter(|_| is_new && found.is_empty()) {
            Some(name) => all.push(of(&name)),
            None => all.extend(found),
        }
    }
    // Whoever names none asks for all of them.
    match (kinds(operation).last(), operation.starts_with("Describe") && all.is_empty()) {
        (Some(kind), true) => vec![at(&format!("{kind}:*"))],
        _ => all,
    }
}
