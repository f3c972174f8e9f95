//! Members of an instance that are kept and told as they were asked for.
//!
//! Nothing here follows from them but what is told: there is no storage to be large or fast, and no second zone. What the
//! sandbox would have to do and cannot is refused.

use serde_json::{Map, Value};

use crate::sandbox::call::ServiceError;

use super::{
    input::{Input, combination, invalid, not_found},
    names,
};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Number(i64, i64),
    Flag,
}

use Kind::{Flag, Number, Text};

/// What is asked for, as what it is told, and what it may be.
const KNOWN: &[(&str, &str, Kind)] = &[
    ("AllocatedStorage", "AllocatedStorage", Number(5, 65_536)),
    ("AutoMinorVersionUpgrade", "AutoMinorVersionUpgrade", Flag),
    ("AvailabilityZone", "AvailabilityZone", Text),
    ("BackupRetentionPeriod", "BackupRetentionPeriod", Number(0, 35)),
    ("CopyTagsToSnapshot", "CopyTagsToSnapshot", Flag),
    ("DBInstanceClass", "DBInstanceClass", Text),
    ("DeletionProtection", "DeletionProtection", Flag),
    ("EnablePerformanceInsights", "PerformanceInsightsEnabled", Flag),
    ("EngineLifecycleSupport", "EngineLifecycleSupport", Text),
    ("Iops", "Iops", Number(1000, 256_000)),
    ("MaxAllocatedStorage", "MaxAllocatedStorage", Number(5, 65_536)),
    ("MonitoringInterval", "MonitoringInterval", Number(0, 60)),
    ("MonitoringRoleArn", "MonitoringRoleArn", Text),
    ("MultiAZ", "MultiAZ", Flag),
    ("PerformanceInsightsRetentionPeriod", "PerformanceInsightsRetentionPeriod", Number(7, 731)),
    ("PreferredBackupWindow", "PreferredBackupWindow", Text),
    ("PreferredMaintenanceWindow", "PreferredMaintenanceWindow", Text),
    ("PubliclyAccessible", "PubliclyAccessible", Flag),
    ("StorageEncrypted", "StorageEncrypted", Flag),
    ("StorageThroughput", "StorageThroughput", Number(125, 16_000)),
    ("StorageType", "StorageType", Text),
];

/// Members that can be given only when an instance is made.
const FIRST: [&str; 2] = ["AvailabilityZone", "StorageEncrypted"];

/// Members whose change waits for the maintenance window, unless it is to be at once. Source: RDS user guide, "Settings
/// for DB instances".
pub(super) const WAITING: [&str; 6] =
    ["AllocatedStorage", "DBInstanceClass", "Iops", "MultiAZ", "StorageThroughput", "StorageType"];

/// Values that stand for what the sandbox does anyway, and so may be given.
const ONLY: [(&str, &str); 6] = [
    ("LicenseModel", "postgresql-license"),
    ("NetworkType", "IPV4"),
    ("BackupTarget", "region"),
    ("CACertificateIdentifier", super::show::AUTHORITY),
    ("OptionGroupName", ""),
    ("DatabaseInsightsMode", "standard"),
];

/// Members that may be given as false, as there is nothing that would do what they ask for.
const OFF: [&str; 5] = [
    "EnableIAMDatabaseAuthentication",
    "EnableCustomerOwnedIp",
    "DedicatedLogVolume",
    "MultiTenant",
    "DisableDomain",
];

fn clock(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str| (text.len() == 2).then(|| text.parse::<u32>().ok()).flatten();
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// First and last minute of a window in the week, from Monday on; the second may be in the next one.
pub(super) fn weekly(window: &str) -> Option<(u32, u32)> {
    let moment = |text: &str| {
        let (day, time) = text.split_once(':')?;
        let day = DAYS.iter().position(|known| *known == day.to_lowercase())?;
        Some(u32::try_from(day).ok()? * 24 * 60 + clock(time)?)
    };
    let (from, to) = window.split_once('-')?;
    let (from, to) = (moment(from)?, moment(to)?);
    let long = (to + 7 * 24 * 60 - from) % (7 * 24 * 60);
    (30..24 * 60).contains(&long).then_some((from, from + long))
}

fn daily(window: &str) -> bool {
    let times = window.split_once('-').and_then(|(from, to)| Some((clock(from)?, clock(to)?)));
    times.is_some_and(|(from, to)| (to + 24 * 60 - from) % (24 * 60) >= 30)
}

/// Takes the members that an operation was given.
pub(super) fn read(input: &mut Input, making: bool) -> Result<Map<String, Value>, ServiceError> {
    for (name, only) in ONLY {
        if let Some(value) = input.text(name)?
            && value != only
            && !(name == "OptionGroupName" && value.starts_with("default:postgres-"))
        {
            if name == "CACertificateIdentifier" {
                return Err(not_found(
                    "CertificateNotFound",
                    format!("Certificate {value} is not in the sandbox."),
                ));
            }
            return Err(combination(format!("{name} {value} is not in the sandbox.")));
        }
    }
    for name in OFF {
        if input.flag(name)? == Some(true) {
            return Err(combination(format!("{name} is not in the sandbox.")));
        }
    }
    for name in ["KmsKeyId", "MasterUserSecretKmsKeyId", "PerformanceInsightsKMSKeyId"] {
        if input.text(name)?.is_some_and(|key| !key.is_empty()) {
            let text = format!("{name}: there is no KMS in the sandbox, and so no key of one's own.");
            return Err(ServiceError::client("KMSKeyNotAccessibleFault", text));
        }
    }
    let mut found = Map::new();
    for (name, told, kind) in KNOWN {
        let value: Option<Value> = match kind {
            Text => input.text(name)?.map(Value::from),
            Flag => input.flag(name)?.map(Value::from),
            Number(least, most) => {
                let number = input.number(name)?;
                if let Some(number) = number.filter(|number| !(*least..=*most).contains(number)) {
                    let text =
                        format!("Invalid value for {name}: {number}. Must be between {least} and {most}.");
                    return Err(invalid(text));
                }
                number.map(Value::from)
            }
        };
        if let Some(value) = value {
            if !making && FIRST.contains(name) {
                return Err(combination(format!("{name} cannot be changed.")));
            }
            found.insert((*told).to_owned(), value);
        }
    }
    Ok(found)
}

/// Fills in what nobody asked for. Source of the values: API reference, CreateDBInstance.
pub(super) fn complete(members: &mut Map<String, Value>, region: &str, grouped: bool) {
    let kind = match (members.get("StorageType"), members.get("Iops")) {
        (Some(kind), _) => kind.clone(),
        (None, Some(_)) => "io1".into(),
        (None, None) => "gp3".into(),
    };
    let mut usual: Vec<(&str, Value)> = vec![
        ("AutoMinorVersionUpgrade", true.into()),
        ("AvailabilityZone", format!("{region}a").into()),
        ("BackupRetentionPeriod", 1.into()),
        ("CopyTagsToSnapshot", false.into()),
        ("DeletionProtection", false.into()),
        ("EngineLifecycleSupport", "open-source-rds-extended-support".into()),
        ("MonitoringInterval", 0.into()),
        ("MultiAZ", false.into()),
        ("PerformanceInsightsEnabled", false.into()),
        ("PreferredBackupWindow", "03:00-03:30".into()),
        ("PreferredMaintenanceWindow", "mon:04:00-mon:04:30".into()),
        ("PubliclyAccessible", (!grouped).into()),
        ("StorageEncrypted", false.into()),
        ("StorageType", kind.clone()),
    ];
    if kind == "gp3" {
        // Source: RDS user guide, "gp3 storage": what storage below 400 GiB has.
        usual.extend([("Iops", 3000.into()), ("StorageThroughput", 125.into())]);
    }
    for (name, value) in usual {
        members.entry(name).or_insert(value);
    }
}

/// Checks members as a whole.
pub(super) fn check(members: &Map<String, Value>) -> Result<(), ServiceError> {
    let text = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| members.get(name).and_then(Value::as_i64);
    names::memory(text("DBInstanceClass"))?;
    let size = number("AllocatedStorage").ok_or_else(|| {
        let text = "The request must contain the parameter AllocatedStorage.";
        ServiceError::client("MissingParameter", text)
    })?;
    names::storage(text("StorageType"), size)?;
    if number("MaxAllocatedStorage").is_some_and(|most| most <= size) {
        return Err(combination(
            "Invalid max storage size for engine name postgres: it must be above AllocatedStorage.",
        ));
    }
    if !daily(text("PreferredBackupWindow")) {
        return Err(invalid("Invalid backup window format: hh24:mi-hh24:mi, of at least 30 minutes."));
    }
    if weekly(text("PreferredMaintenanceWindow")).is_none() {
        return Err(invalid(
            "Invalid maintenance window format: ddd:hh24:mi-ddd:hh24:mi, of 30 minutes to a day.",
        ));
    }
    if number("MonitoringInterval").is_some_and(|seconds| ![0, 1, 5, 10, 15, 30, 60].contains(&seconds)) {
        return Err(invalid("Invalid MonitoringInterval. Valid values: 0, 1, 5, 10, 15, 30, 60"));
    }
    if members.get("MultiAZ") == Some(&Value::Bool(true)) && text("AvailabilityZone").is_empty() {
        return Err(combination(
            "Requesting a specific availability zone is not valid for Multi-AZ instances.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_of_the_documented_form() {
        assert_eq!(weekly("Mon:04:00-Mon:04:30"), Some((240, 270)));
        assert_eq!(weekly("sun:23:45-mon:00:15"), Some((10_065, 10_095)));
        for wrong in ["mon:04:00-mon:04:10", "mon:4:00-mon:05:00", "xyz:04:00-mon:05:00", "mon:04:00"] {
            assert!(weekly(wrong).is_none(), "{wrong}");
        }
        assert!(daily("23:45-00:15") && !daily("03:00-03:10") && !daily("25:00-26:00"));
    }
}
