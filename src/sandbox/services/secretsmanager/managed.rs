//! Secrets that another service keeps for a resource of its own: only that one changes and removes them.
//!
//! Source: Secrets Manager user guide, "AWS Secrets Manager secrets managed by other AWS services".

use rand::{Rng as _, distr::Alphanumeric};

use crate::sandbox::{
    call::{Caller, ServiceError},
    hidden::Hidden,
    tags::Tag,
    world::World,
};

use super::{
    Call,
    find::{RANDOM, missing},
    invalid_request, now,
    secret::{CURRENT, Content, PENDING, Secret},
};

/// Such a secret, before it is there.
#[derive(Debug)]
pub struct Managed {
    /// The service, as `rds`.
    pub owner: &'static str,
    /// Its name.
    pub name: String,
    /// For people.
    pub description: String,
    /// What it is for.
    pub tags: Vec<Tag>,
}

fn call<'a>(world: &'a World, caller: &'a Caller) -> Call<'a> {
    Call { secrets: &world.secretsmanager.secrets, caller, now: now(), may_read: &|_| Ok(()) }
}

fn text(secret: &Secret, version: &str) -> Option<Hidden> {
    match &secret.version(version)?.content {
        Content::Text(text) => Some(text.clone()),
        Content::Binary(_) => None,
    }
}

/// Makes a secret with a first version, unless it is there. Returns its ARN and that version's value.
///
/// # Errors
/// When the disk refuses.
pub fn make(
    world: &World,
    caller: &Caller,
    wanted: Managed,
    version: &str,
    value: Hidden,
) -> Result<(String, Hidden), ServiceError> {
    let call = call(world, caller);
    call.secrets.update(&wanted.name.clone(), |there| {
        if let Some(secret) = there.as_ref()
            && let Some(value) = text(secret, version)
        {
            return Ok((secret.arn.clone(), value));
        }
        let random: String = rand::rng().sample_iter(&Alphanumeric).take(RANDOM).map(char::from).collect();
        let (region, account) = (&caller.region, &caller.account);
        let mut secret = Secret {
            arn: format!("arn:aws:secretsmanager:{region}:{account}:secret:{}-{random}", wanted.name),
            name: wanted.name,
            owner: Some(wanted.owner.to_owned()),
            description: Some(wanted.description),
            tags: Some(wanted.tags),
            policy: None,
            created: call.now,
            changed: call.now,
            accessed: None,
            goes: None,
            versions: Vec::new(),
        };
        secret.add(version, Content::Text(value.clone()), &[], call.now)?;
        let arn = secret.arn.clone();
        *there = Some(secret);
        Ok((arn, value))
    })
}

/// Adds a version that is `AWSPENDING`, unless it is there. Returns its value.
///
/// # Errors
/// When the secret is not there, or the disk refuses.
pub fn propose(
    world: &World,
    caller: &Caller,
    name: &str,
    version: &str,
    value: Hidden,
) -> Result<Hidden, ServiceError> {
    let call = call(world, caller);
    call.secrets.update(name, |there| {
        let secret = there.as_mut().ok_or_else(missing)?;
        if let Some(value) = text(secret, version) {
            return Ok(value);
        }
        secret.add(version, Content::Text(value.clone()), &[PENDING.to_owned()], call.now)?;
        Ok(value)
    })
}

/// Makes a version the one that is `AWSCURRENT`.
///
/// # Errors
/// When the secret is not there, or the disk refuses.
pub fn promote(world: &World, caller: &Caller, name: &str, version: &str) -> Result<(), ServiceError> {
    let call = call(world, caller);
    call.secrets.update(name, |there| {
        let secret = there.as_mut().ok_or_else(missing)?;
        secret.attach(CURRENT, version)?;
        secret.detach(PENDING);
        secret.changed = call.now;
        Ok(())
    })
}

/// Removes a secret for good. That it is not there is what was wanted.
///
/// # Errors
/// When the disk refuses.
pub fn remove(world: &World, name: &str) -> Result<(), ServiceError> {
    world.secretsmanager.secrets.update(name, |there| {
        *there = None;
        Ok(())
    })
}

impl Secret {
    /// Refuses what only the service may do that keeps the secret.
    pub(super) fn not_managed(&self) -> Result<(), ServiceError> {
        match &self.owner {
            None => Ok(()),
            Some(owner) => {
                let text = format!(
                    "You can't perform this operation on the secret because it is managed by {owner}."
                );
                Err(invalid_request(text))
            }
        }
    }
}
