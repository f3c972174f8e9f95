//! Making instances, and telling of them.

use rand::Rng as _;
use serde_json::{Value, json};

use crate::sandbox::{
    call::{Answer, ServiceError},
    hidden::Hidden,
    postgres::{Installed, verifier},
};

use super::{
    Call, groups,
    input::{Input, combination, invalid, not_found},
    lists::{Wanted, filters, name_of},
    members,
    model::{Index, Instance},
    names, secret, show, subnets, work,
};

/// Most instances. Source: RDS user guide, "Quotas and constraints".
const MOST: usize = 40;

/// Ports that can be asked for. Source: API reference, CreateDBInstance.
const PORTS: std::ops::RangeInclusive<i64> = 1150..=65535;

pub(super) fn missing(id: &str) -> ServiceError {
    not_found("DBInstanceNotFound", format!("DBInstance {id} not found."))
}

pub(super) fn wrong_state(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidDBInstanceState", message)
}

/// The version that is meant by one that is asked for, or by none.
pub(super) fn version<'a>(
    installed: &'a [Installed],
    asked: Option<&str>,
) -> Result<&'a Installed, ServiceError> {
    if installed.is_empty() {
        let text = "PostgreSQL is not installed on this machine, and RDS of the sandbox needs it: install the package \
                    `postgresql` (Debian, Ubuntu), `postgresql-server` (Fedora) or `postgresql@17` (Homebrew).";
        return Err(ServiceError::client("InsufficientDBInstanceCapacity", text));
    }
    let meant = |one: &&Installed| asked.is_none_or(|asked| one.version == asked || one.major() == asked);
    installed.iter().find(meant).ok_or_else(|| {
        let there: Vec<&str> = installed.iter().map(|one| one.version.as_str()).collect();
        let asked = asked.unwrap_or_default();
        combination(format!(
            "Cannot find version {asked} for postgres. This machine has {}.",
            there.join(", ")
        ))
    })
}

/// What is asked of logs that go to CloudWatch.
pub(super) fn exports(asked: Option<Vec<String>>) -> Result<Vec<String>, ServiceError> {
    let asked = asked.unwrap_or_default();
    match asked.iter().find(|kind| *kind != "postgresql") {
        Some(kind) => Err(combination(format!(
            "You cannot use the log types '{kind}' with engine version postgres. Supported in the sandbox: postgresql."
        ))),
        None => Ok(asked),
    }
}

pub(super) fn port(input: &mut Input, name: &str) -> Result<Option<u16>, ServiceError> {
    let asked = input.number(name)?;
    match asked {
        Some(port) if !PORTS.contains(&port) => Err(invalid(format!("Invalid value {port} for {name}."))),
        other => Ok(other.and_then(|port| u16::try_from(port).ok())),
    }
}

/// A resource id: `db-` and 26 letters and digits.
pub(super) fn fresh_resource() -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut dice = rand::rng();
    let tail: String = (0..26).map(|_| char::from(LETTERS[dice.random_range(0..LETTERS.len())])).collect();
    format!("db-{tail}")
}

pub(super) fn random_password() -> Hidden {
    Hidden(hex::encode(rand::random::<[u8; 20]>()))
}

/// What every new instance has to keep to.
pub(super) fn check_new(call: &Call<'_>, index: &Index, instance: &Instance) -> Result<(), ServiceError> {
    if index.instances.contains_key(&instance.id) {
        return Err(ServiceError::client("DBInstanceAlreadyExists", "DB instance already exists"));
    }
    if index.instances.len() >= MOST {
        let text = "The request would result in exceeding the allowed number of DB instances.";
        return Err(ServiceError::client("InstanceQuotaExceeded", text));
    }
    if let Some(group) = &instance.subnet_group {
        subnets::known(index, group)?;
    }
    groups::usable(index, &instance.parameter_group, instance.major(), call.installed)?;
    members::check(&instance.members)
}

/// Members that a new instance has, however it is made.
pub(super) fn read_new(input: &mut Input) -> Result<Instance, ServiceError> {
    let mut instance = Instance {
        id: names::identifier("DBInstanceIdentifier", &input.needed("DBInstanceIdentifier")?, 63)?,
        resource: fresh_resource(),
        status: "creating".to_owned(),
        subnet_group: input.text("DBSubnetGroupName")?.map(|name| name.to_lowercase()),
        security_groups: input.list("VpcSecurityGroupIds")?.unwrap_or_default(),
        exports: exports(input.list("EnableCloudwatchLogsExports")?)?,
        tags: input.tags()?,
        port: port(input, "Port")?.unwrap_or_default(),
        parameter_group: input.text("DBParameterGroupName")?.unwrap_or_default(),
        ..Instance::default()
    };
    if let Some(wrong) = instance.security_groups.iter().find(|id| !id.starts_with("sg-")) {
        return Err(invalid(format!("Invalid security group, groupId= {wrong}, groupName=.")));
    }
    if input.list("DBSecurityGroups")?.is_some_and(|groups| !groups.is_empty()) {
        return Err(invalid("VPC DB Security Groups are not available."));
    }
    if let Some(engine) = input.text("Engine")?
        && engine != "postgres"
    {
        return Err(invalid(format!("Invalid DB engine: {engine}. The sandbox has postgres.")));
    }
    instance.members = members::read(input, true)?;
    Ok(instance)
}

pub(super) fn create(call: &Call<'_>, mut input: Input) -> Answer {
    let engine = input.needed("Engine")?;
    let class = input.needed("DBInstanceClass")?;
    let mut instance = read_new(&mut input)?;
    if engine != "postgres" {
        return Err(invalid(format!("Invalid DB engine: {engine}. The sandbox has postgres.")));
    }
    instance.members.insert("DBInstanceClass".to_owned(), class.into());
    instance.user = input.needed("MasterUsername")?;
    names::user(&instance.user)?;
    instance.database = input.text("DBName")?.filter(|name| !name.is_empty());
    if let Some(name) = &instance.database {
        names::database(name)?;
    }
    let asked = input.text("EngineVersion")?;
    let (password, managed) = (input.text("MasterUserPassword")?, input.flag("ManageMasterUserPassword")?);
    match (password, managed == Some(true)) {
        (Some(_), true) => {
            return Err(combination(
                "You can't specify MasterUserPassword when ManageMasterUserPassword is enabled.",
            ));
        }
        (Some(password), false) => {
            names::password(&password)?;
            instance.verifier = Some(verifier(&password));
        }
        (None, true) => instance.managed = Some(secret::fresh()),
        (None, false) => {
            let text = "The request must contain the parameter MasterUserPassword.";
            return Err(ServiceError::client("MissingParameter", text));
        }
    }
    input.done()?;
    let version = version(call.installed, asked.as_deref())?;
    instance.version = version.version.clone();
    if instance.parameter_group.is_empty() {
        instance.parameter_group = format!("default.postgres{}", version.major());
    }
    members::complete(&mut instance.members, &call.caller.region, instance.subnet_group.is_some());
    instance.admin = random_password();
    begin(call, instance)
}

/// Keeps a new instance and begins to make it.
pub(super) fn begin(call: &Call<'_>, mut instance: Instance) -> Answer {
    let resource = instance.resource.clone();
    let shown = call.index().update(|index| {
        check_new(call, index, &instance)?;
        instance.port = work::free_port(index, instance.port)?;
        index.instances.insert(instance.id.clone(), instance.clone());
        Ok::<_, ServiceError>(show::instance(index, &instance, call.place()))
    })?;
    work::start(call.world, &resource);
    Ok(json!({ "DBInstance": shown }))
}

pub(super) fn describe(call: &Call<'_>, mut input: Input) -> Answer {
    let id = input.text("DBInstanceIdentifier")?.filter(|id| !id.is_empty());
    let id = id.map(|id| name_of(&id, "db").to_lowercase());
    let known = ["db-cluster-id", "db-instance-id", "dbi-resource-id", "domain", "engine"];
    let chosen = filters(&mut input, &known)?;
    let wanted = Wanted::read(&mut input)?;
    input.done()?;
    let takes = |one: &Instance| {
        chosen.iter().all(|(name, values)| {
            values.iter().any(|value| match *name {
                "db-instance-id" => name_of(value, "db").eq_ignore_ascii_case(&one.id),
                "dbi-resource-id" => *value == one.resource,
                "engine" => value == "postgres",
                _ => false,
            })
        })
    };
    let found: Vec<(String, Value)> = call.index().read(|index| {
        let all = index.instances.values().filter(|one| id.as_ref().is_none_or(|id| one.id == *id));
        let all = all.filter(|one| takes(one));
        all.map(|one| (one.id.clone(), show::instance(index, one, call.place()))).collect()
    });
    match id {
        Some(id) if found.is_empty() => Err(missing(&id)),
        _ => wanted.page("DBInstances", found),
    }
}

/// Changes an instance, and begins what is then under way.
pub(super) fn change(
    call: &Call<'_>,
    id: &str,
    change: impl FnOnce(&mut Index, &mut Instance) -> Result<(), ServiceError>,
) -> Answer {
    let id = name_of(id, "db").to_lowercase();
    let (resource, shown) = call.index().update(|index| {
        let mut instance = index.instances.remove(&id).ok_or_else(|| missing(&id))?;
        change(index, &mut instance)?;
        let resource = instance.resource.clone();
        index.instances.insert(instance.id.clone(), instance.clone());
        Ok::<_, ServiceError>((resource, show::instance(index, &instance, call.place())))
    })?;
    work::start(call.world, &resource);
    Ok(json!({ "DBInstance": shown }))
}
