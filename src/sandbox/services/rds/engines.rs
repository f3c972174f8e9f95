//! Which engines and classes there are.

use serde_json::{Value, json};

use crate::sandbox::call::Answer;

use super::{
    Call,
    input::{Input, invalid},
    lists::{Wanted, filters},
    names, show,
};

/// Least and most storage of each kind. Source: RDS user guide, "Amazon RDS DB instance storage".
const STORAGE: [(&str, i64, i64); 5] = [
    ("gp2", 20, 65_536),
    ("gp3", 20, 65_536),
    ("io1", 100, 65_536),
    ("io2", 100, 65_536),
    ("standard", 5, 3072),
];

pub(super) fn versions(call: &Call<'_>, mut input: Input) -> Answer {
    let engine = input.text("Engine")?;
    let asked = input.text("EngineVersion")?;
    let family = input.text("DBParameterGroupFamily")?;
    let newest = input.flag("DefaultOnly")? == Some(true);
    for more in ["ListSupportedCharacterSets", "ListSupportedTimezones", "IncludeAll"] {
        input.flag(more)?;
    }
    let known = ["db-parameter-group-family", "engine", "engine-mode", "engine-version", "status"];
    let chosen = filters(&mut input, &known)?;
    let wanted = Wanted::read(&mut input)?;
    input.done()?;
    let all = call.installed.iter().take(if newest { 1 } else { usize::MAX });
    let found: Vec<(String, Value)> = all
        .filter(|one| {
            let of = format!("postgres{}", one.major());
            engine.as_ref().is_none_or(|engine| engine == "postgres")
                && asked.as_ref().is_none_or(|asked| *asked == one.version || asked == one.major())
                && family.as_ref().is_none_or(|family| *family == of)
                && chosen.iter().all(|(name, values)| {
                    values.iter().any(|value| match *name {
                        "db-parameter-group-family" => *value == of,
                        "engine" => value == "postgres",
                        "engine-version" => *value == one.version,
                        "status" => value == "available",
                        _ => value == "provisioned",
                    })
                })
        })
        .map(|one| {
            let shown = json!({
                "Engine": "postgres",
                "EngineVersion": one.version,
                "MajorEngineVersion": one.major(),
                "DBParameterGroupFamily": format!("postgres{}", one.major()),
                "DBEngineDescription": "PostgreSQL",
                "DBEngineVersionDescription": format!("PostgreSQL {}", one.version),
                "Status": "available",
                "ExportableLogTypes": ["postgresql"],
                "SupportsLogExportsToCloudwatchLogs": true,
                "SupportsReadReplica": false,
                "SupportsParallelQuery": false,
                "SupportsGlobalDatabases": false,
                "SupportedCACertificateIdentifiers": [show::AUTHORITY],
                "ValidUpgradeTarget": [],
            });
            (one.version.clone(), shown)
        })
        .collect();
    wanted.page("DBEngineVersions", found)
}

pub(super) fn orderable(call: &Call<'_>, mut input: Input) -> Answer {
    let engine = input.needed("Engine")?;
    let asked = input.text("EngineVersion")?;
    let class = input.text("DBInstanceClass")?;
    let licence = input.text("LicenseModel")?;
    let in_vpc = input.flag("Vpc")?;
    input.text("AvailabilityZoneGroup")?;
    filters(&mut input, &[])?;
    let wanted = Wanted::read(&mut input)?;
    input.done()?;
    if engine != "postgres" {
        return Err(invalid(format!("Invalid DB engine: {engine}. The sandbox has postgres.")));
    }
    let mut entries = Vec::new();
    let chosen = asked.as_deref();
    let versions =
        call.installed.iter().filter(|one| chosen.is_none_or(|v| v == one.version || v == one.major()));
    for version in versions
        .filter(|_| licence.as_deref().is_none_or(|l| l == "postgresql-license") && in_vpc != Some(false))
    {
        for name in
            names::classes().into_iter().filter(|name| class.as_ref().is_none_or(|class| class == name))
        {
            for (storage, least, most) in STORAGE {
                let shown = json!({
                    "Engine": "postgres",
                    "EngineVersion": version.version,
                    "DBInstanceClass": name,
                    "LicenseModel": "postgresql-license",
                    "AvailabilityZones": [{ "Name": format!("{}a", call.caller.region) }],
                    "MultiAZCapable": true,
                    "ReadReplicaCapable": false,
                    "Vpc": true,
                    "SupportsStorageEncryption": true,
                    "StorageType": storage,
                    "SupportsIops": storage.starts_with("io") || storage == "gp3",
                    "SupportsEnhancedMonitoring": true,
                    "SupportsIAMDatabaseAuthentication": false,
                    "SupportsPerformanceInsights": true,
                    "MinStorageSize": least,
                    "MaxStorageSize": most,
                    "SupportsStorageAutoscaling": true,
                    "SupportsKerberosAuthentication": false,
                    "OutpostCapable": false,
                    "SupportsGlobalDatabases": false,
                    "SupportsClusters": false,
                    "SupportedNetworkTypes": ["IPV4"],
                });
                entries.push((format!("{} {name} {storage}", version.version), shown));
            }
        }
    }
    wanted.page("OrderableDBInstanceOptions", entries)
}
