//! What a server runs with: the settings that PostgreSQL tells of itself and RDS's own, and whether they are in force.

use std::collections::BTreeMap;

use crate::sandbox::{
    call::ServiceError,
    postgres::{Installed, Kind, PostgresError, Setting, catalogue},
};

use super::{
    formula,
    input::invalid,
    model::{Given, Index, Instance, ParameterGroup},
    names,
};

/// Whether only sessions with TLS are let in.
pub(super) const FORCE_SSL: &str = "rds.force_ssl";
/// Whether what is written says enough for logical replication.
const LOGICAL: &str = "rds.logical_replication";

/// What RDS sets where nobody does. Source: RDS user guide, "Maximum number of database connections" and "Requiring an
/// SSL connection to a PostgreSQL DB instance" (on by default from version 15).
pub(super) fn system(family: &str) -> [(&'static str, &'static str); 3] {
    let major: u32 = family.trim_start_matches("postgres").parse().unwrap_or_default();
    [
        ("max_connections", "LEAST({DBInstanceClassMemory/9531392},5000)"),
        (FORCE_SSL, if major >= 15 { "1" } else { "0" }),
        (LOGICAL, "0"),
    ]
}

/// Settings that are the sandbox's, as RDS keeps many of these for itself: where things are, who may come in, and what
/// would let a setting run a program.
fn own(name: &str) -> bool {
    const NAMES: [&str; 21] = [
        "allow_in_place_tablespaces",
        "archive_mode",
        "archive_timeout",
        "cluster_name",
        "data_sync_retry",
        "db_user_namespace",
        "event_source",
        "fsync",
        "full_page_writes",
        "hba_file",
        "jit_provider",
        "listen_addresses",
        "log_destination",
        "log_filename",
        "log_line_prefix",
        "logging_collector",
        "password_encryption",
        "port",
        "restart_after_crash",
        "ssl",
        "wal_level",
    ];
    const ENDS: [&str; 7] =
        ["_command", "_library", "_libraries", "_library_path", "_file", "_directory", "_directories"];
    const BEGINS: [&str; 8] =
        ["bonjour", "krb_", "primary_", "recovery_", "ssl_", "syslog_", "unix_socket_", "wal_recovery"];
    let allowed = ["ssl_min_protocol_version", "ssl_max_protocol_version", "recovery_prefetch"];
    !allowed.contains(&name)
        && (NAMES.contains(&name)
            || ENDS.iter().any(|end| name.ends_with(end))
            || BEGINS.iter().any(|begin| name.starts_with(begin)))
}

/// A parameter as a group knows it.
#[derive(Debug, Clone)]
pub(super) struct Parameter {
    pub setting: Setting,
    pub modifiable: bool,
}

/// Every parameter of a version, by its name.
pub(super) async fn known(installed: &Installed) -> Result<BTreeMap<String, Parameter>, PostgresError> {
    let mut all: BTreeMap<String, Parameter> = catalogue(installed)
        .await?
        .into_iter()
        .map(|(name, setting)| {
            let modifiable = !own(&name);
            (name, Parameter { setting, modifiable })
        })
        .collect();
    for (name, fixed, description) in
        [(FORCE_SSL, false, "Force SSL connections."), (LOGICAL, true, "Enables logical decoding.")]
    {
        let description = description.to_owned();
        let setting = Setting { kind: Kind::Flag, fixed, bounds: None, description };
        all.insert(name.to_owned(), Parameter { setting, modifiable: true });
    }
    Ok(all)
}

/// What values a parameter may have, as RDS tells it.
pub(super) fn allowed(setting: &Setting) -> Option<String> {
    match setting.kind {
        Kind::Flag => Some("0,1".to_owned()),
        Kind::Integer | Kind::Real => setting.bounds.map(|(least, most)| format!("{least}-{most}")),
        Kind::Word | Kind::Text => None,
    }
}

/// Checks a value that somebody gives.
pub(super) fn check(name: &str, parameter: &Parameter, value: &str) -> Result<(), ServiceError> {
    let wrong = || invalid(format!("Invalid parameter value: {value} for: {name}"));
    if !parameter.modifiable {
        return Err(invalid(format!("The parameter {name} cannot be modified.")));
    }
    if value.chars().any(char::is_control) || value.len() > 4096 {
        return Err(wrong());
    }
    let setting = &parameter.setting;
    match setting.kind {
        Kind::Flag => match value {
            "0" | "1" => Ok(()),
            "on" | "off" | "true" | "false" if !name.starts_with("rds.") => Ok(()),
            _ => Err(wrong()),
        },
        // The smallest class shows whether it is a formula at all; the bounds are looked at for the class in use.
        Kind::Integer if formula::is_one(value) => {
            formula::evaluate(value, 1 << 30).map(|_| ()).ok_or_else(wrong)
        }
        Kind::Integer | Kind::Real => {
            let number: f64 = value.parse().map_err(|_| wrong())?;
            let whole = setting.kind == Kind::Real || number.fract() == 0.0;
            let within = setting.bounds.is_none_or(|(least, most)| (least..=most).contains(&number));
            (whole && within).then_some(()).ok_or_else(wrong)
        }
        Kind::Word | Kind::Text => Ok(()),
    }
}

/// The group of a name; those of the defaults are there whatever is kept.
pub(super) fn group(index: &Index, name: &str, families: &[String]) -> Option<ParameterGroup> {
    if let Some(found) = index.parameter_groups.get(name) {
        return Some(found.clone());
    }
    let family =
        name.strip_prefix("default.").filter(|family| families.iter().any(|known| known == family))?;
    Some(default(family))
}

/// The group that instances without one of their own have.
pub(super) fn default(family: &str) -> ParameterGroup {
    ParameterGroup {
        name: format!("default.{family}"),
        family: family.to_owned(),
        description: format!("Default parameter group for {family}"),
        ..ParameterGroup::default()
    }
}

/// The settings that a server would start with now.
pub(super) fn wanted(index: &Index, instance: &Instance) -> BTreeMap<String, String> {
    let family = format!("postgres{}", instance.major());
    let memory = names::memory(instance.text("DBInstanceClass")).unwrap_or(1 << 30);
    let given = index.parameter_groups.get(&instance.parameter_group).map(|group| &group.given);
    let mut all: BTreeMap<String, String> =
        system(&family).into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let given = given.into_iter().flatten();
    all.extend(given.map(|(name, Given { value, .. })| (name.clone(), value.clone())));
    for value in all.values_mut().filter(|value| formula::is_one(value)) {
        if let Some(number) = formula::evaluate(value, memory) {
            *value = number.to_string();
        }
    }
    all
}

/// What PostgreSQL itself is told of settings.
pub(super) fn for_server(in_force: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut settings: BTreeMap<String, String> = in_force
        .iter()
        .filter(|(name, _)| !name.starts_with("rds."))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if in_force.get(LOGICAL).is_some_and(|value| value == "1") {
        settings.insert("wal_level".to_owned(), "logical".to_owned());
    }
    settings
}

/// Whether an instance runs with what its group says.
pub(super) fn apply_status(index: &Index, instance: &Instance) -> &'static str {
    if instance.in_force.is_empty() || wanted(index, instance) == instance.in_force {
        "in-sync"
    } else {
        "pending-reboot"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(name: &str, kind: Kind, bounds: Option<(f64, f64)>) -> Parameter {
        let setting = Setting { kind, fixed: false, bounds, description: String::new() };
        Parameter { setting, modifiable: !own(name) }
    }

    #[test]
    fn values_are_checked_and_what_would_run_a_program_is_nobodys() {
        let number = parameter("work_mem", Kind::Integer, Some((64.0, 1024.0)));
        for good in ["64", "1024", "{DBInstanceClassMemory/9531392}"] {
            assert!(check("work_mem", &number, good).is_ok(), "{good}");
        }
        for wrong in ["63", "1.5", "x", "", "64\nport = 1"] {
            assert!(check("work_mem", &number, wrong).is_err(), "{wrong}");
        }
        for name in
            ["archive_command", "ssl_passphrase_command", "shared_preload_libraries", "port", "hba_file"]
        {
            assert!(check(name, &parameter(name, Kind::Text, None), "x").is_err(), "{name}");
        }
        assert!(check("log_statement", &parameter("log_statement", Kind::Word, None), "all").is_ok());
    }

    #[test]
    fn settings_follow_from_class_and_group() {
        let mut index = Index::default();
        let mut instance = Instance { version: "15.4".to_owned(), ..Instance::default() };
        instance.members.insert("DBInstanceClass".to_owned(), "db.t3.micro".into());
        instance.in_force = wanted(&index, &instance);
        assert_eq!(instance.in_force["max_connections"], "112");
        assert_eq!(instance.in_force[FORCE_SSL], "1");
        assert!(!for_server(&instance.in_force).contains_key(FORCE_SSL));
        let given = Given { value: "30".to_owned(), method: "pending-reboot".to_owned() };
        let mut group = default("postgres15");
        group.given.insert("max_connections".to_owned(), given);
        index.parameter_groups.insert("mine".to_owned(), group);
        instance.parameter_group = "mine".to_owned();
        assert_eq!(apply_status(&index, &instance), "pending-reboot");
    }
}
