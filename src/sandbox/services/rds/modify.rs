//! Changing instances: what is done at once, what waits for the maintenance window, and what takes a while.
//!
//! Source: RDS user guide, "Modifying an Amazon RDS DB instance" and "Password management with AWS Secrets Manager".

use crate::sandbox::{
    call::{Answer, ServiceError},
    postgres::verifier,
};

use super::{
    Call, groups,
    input::{Input, combination},
    instances::{change, exports, version, wrong_state},
    members::{self, WAITING},
    model::{Index, Instance},
    names, secret, subnets,
};

/// What is asked of the master user's password.
#[derive(Debug)]
struct Password {
    given: Option<String>,
    managed: Option<bool>,
    rotate: bool,
}

impl Password {
    fn read(input: &mut Input) -> Result<Self, ServiceError> {
        let given = input.text("MasterUserPassword")?.filter(|password| !password.is_empty());
        given.as_deref().map_or(Ok(()), names::password)?;
        let managed = input.flag("ManageMasterUserPassword")?;
        let rotate = input.flag("RotateMasterUserPassword")? == Some(true);
        if given.is_some() && managed == Some(true) {
            return Err(combination(
                "You can't specify MasterUserPassword when ManageMasterUserPassword is enabled.",
            ));
        }
        Ok(Self { given, managed, rotate })
    }

    /// Notes what is to be done, and says whether anything is.
    fn note(self, instance: &mut Instance, now: bool) -> Result<bool, ServiceError> {
        match (self.managed, instance.managed.is_some()) {
            (Some(false), true) if self.given.is_none() => {
                return Err(combination(
                    "You must specify MasterUserPassword when you turn off ManageMasterUserPassword.",
                ));
            }
            (Some(false), true) => {
                instance.former_secret = instance.managed.take().map(|managed| managed.name);
            }
            (Some(true), false) => instance.managed = Some(secret::fresh()),
            (None, true) if self.given.is_some() => {
                return Err(combination(
                    "You can't specify MasterUserPassword for an instance whose password is managed in Secrets Manager.",
                ));
            }
            _ => {}
        }
        let made = instance.managed.as_ref().is_some_and(|managed| managed.arn.is_none());
        if self.rotate {
            if !now {
                return Err(combination(
                    "You must specify ApplyImmediately when you specify RotateMasterUserPassword.",
                ));
            }
            let Some(managed) = instance.managed.as_mut().filter(|managed| managed.arn.is_some()) else {
                return Err(combination(
                    "You can't specify RotateMasterUserPassword for an instance whose password is not managed in \
                     Secrets Manager.",
                ));
            };
            managed.version = crate::sandbox::server::uuid();
            managed.status = "rotating".to_owned();
        }
        instance.verifier = self.given.as_deref().map(verifier);
        Ok(instance.verifier.is_some() || made || self.rotate)
    }
}

fn read_exports(input: &mut Input, instance: &Instance) -> Result<Vec<String>, ServiceError> {
    let mut wanted = input.structure("CloudwatchLogsExportConfiguration");
    let (on, off) = (wanted.list("EnableLogTypes")?, wanted.list("DisableLogTypes")?);
    wanted.done()?;
    let (on, off) = (exports(on)?, exports(off)?);
    let mut kept = instance.exports.clone();
    kept.retain(|kind| !off.contains(kind));
    kept.extend(on.into_iter().filter(|kind| !instance.exports.contains(kind)));
    Ok(kept)
}

/// Takes one instance's changes. What is not said stays.
fn apply(
    call: &Call<'_>,
    mut input: Input,
    index: &Index,
    instance: &mut Instance,
) -> Result<(), ServiceError> {
    if instance.status != "available" {
        let text = format!(
            "Database instance is not in available state. Instance {} has status {}.",
            instance.id, instance.status
        );
        return Err(wrong_state(text));
    }
    let now = input.flag("ApplyImmediately")? == Some(true);
    let renamed = input.text("NewDBInstanceIdentifier")?;
    let password = Password::read(&mut input)?;
    instance.exports = read_exports(&mut input, instance)?;
    let mut changed = members::read(&mut input, false)?;
    if let Some(name) = input.text("DBParameterGroupName")? {
        groups::usable(index, &name, instance.major(), call.installed)?;
        instance.parameter_group = name;
    }
    if let Some(name) = input.text("DBSubnetGroupName")? {
        subnets::known(index, &name.to_lowercase())?;
        instance.subnet_group = Some(name.to_lowercase());
    }
    if let Some(groups) = input.list("VpcSecurityGroupIds")? {
        instance.security_groups = groups;
    }
    if let Some(asked) = input.text("EngineVersion")? {
        let found = version(call.installed, Some(&asked))?;
        if found.major() != instance.major() {
            return Err(combination(format!(
                "Cannot upgrade postgres from {} to {}: a new major version is not in the sandbox.",
                instance.version, found.version
            )));
        }
        instance.version = found.version.clone();
    }
    if input.number("DBPortNumber")?.is_some() {
        return Err(combination("DBPortNumber is not in the sandbox: its Endpoint tells the port."));
    }
    for ignored in ["AllowMajorVersionUpgrade", "CertificateRotationRestart"] {
        input.flag(ignored)?;
    }
    input.done()?;
    let mut all = instance.members.clone();
    all.extend(changed.clone());
    if all["AllocatedStorage"].as_i64() < instance.members["AllocatedStorage"].as_i64() {
        return Err(combination("Invalid storage size for engine name postgres: storage can only grow."));
    }
    members::check(&all)?;
    changed.retain(|name, value| instance.members.get(name) != Some(value));
    let waiting: Vec<String> =
        changed.keys().filter(|name| WAITING.contains(&name.as_str())).cloned().collect();
    for name in &waiting {
        if let Some(value) = changed.remove(name) {
            instance.pending.insert(name.clone(), value);
        }
    }
    instance.members.extend(changed);
    let resets = password.note(instance, now)?;
    if now && !instance.pending.is_empty() {
        instance.status = "modifying".to_owned();
    } else if resets {
        instance.status = "resetting-master-credentials".to_owned();
    }
    if let Some(name) = renamed {
        let name = names::identifier("NewDBInstanceIdentifier", &name, 63)?;
        if !now {
            return Err(combination("NewDBInstanceIdentifier needs ApplyImmediately in the sandbox."));
        }
        if name != instance.id && index.instances.contains_key(&name) {
            return Err(ServiceError::client("DBInstanceAlreadyExists", "DB instance already exists"));
        }
        instance.id = name;
    }
    Ok(())
}

pub(super) fn modify(call: &Call<'_>, mut input: Input) -> Answer {
    let id = input.needed("DBInstanceIdentifier")?;
    change(call, &id, |index, instance| apply(call, input, index, instance))
}
