//! Which secret is meant: by its name, its ARN, or its ARN without the six random characters.
//!
//! Source: Secrets Manager user guide, "Find a secret from a partial ARN".

use std::collections::BTreeMap;

use crate::sandbox::{
    call::ServiceError,
    protocol::input::{invalid, length},
};

use super::{Call, invalid_request, not_found, secret::Secret};

/// How many random characters end an ARN.
pub(super) const RANDOM: usize = 6;

/// Checks a name. The exclamation mark is what AWS's own services name theirs with.
pub(super) fn check_name(name: &str) -> Result<(), ServiceError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-/_+=.@!".contains(c);
    if name.chars().all(allowed) {
        return Ok(());
    }
    Err(invalid(
        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
    ))
}

fn is_arn(id: &str) -> bool {
    id.starts_with("arn:")
}

/// Whether an ARN ends as a complete one does, so that it is not looked at as the beginning of one. A name that ends so
/// itself is then not found by its partial ARN, as documented.
fn is_complete(arn: &str) -> bool {
    arn.rsplit_once('-')
        .is_some_and(|(_, end)| end.len() == RANDOM && end.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// The name in an ARN, for a secret that is not there.
pub(super) fn name_in(id: &str) -> &str {
    if !is_arn(id) {
        return id;
    }
    let name = id.rsplit(':').next().unwrap_or_default();
    if is_complete(name) { &name[..name.len() - RANDOM - 1] } else { name }
}

pub(super) fn find<'a>(all: &'a BTreeMap<String, Secret>, id: &str, now: i64) -> Option<&'a Secret> {
    let there = |secret: &&Secret| secret.is_there(now);
    if !is_arn(id) {
        return all.get(id).filter(there);
    }
    if is_complete(id) {
        return all.values().filter(there).find(|secret| secret.arn == id);
    }
    all.values().filter(there).find(|secret| secret.arn[..secret.arn.len() - RANDOM - 1] == *id)
}

impl Secret {
    /// Whether it was not yet deleted for good.
    pub fn is_there(&self, now: i64) -> bool {
        self.goes.is_none_or(|goes| now < goes)
    }

    /// Refuses what cannot be done to a secret that is to be deleted.
    pub fn not_deleted(&self) -> Result<&Self, ServiceError> {
        if self.goes.is_some() {
            let text = "You can't perform this operation on the secret because it was marked for deletion.";
            return Err(invalid_request(text));
        }
        Ok(self)
    }
}

impl Call<'_> {
    /// Checks an id that a caller gives.
    pub fn check_id(id: &str) -> Result<(), ServiceError> {
        length("secretId", id, 1, 2048)?;
        if is_arn(id) { Ok(()) } else { check_name(id) }
    }

    /// Looks at a secret, which may be one that is to be deleted.
    pub fn look<R>(
        &self,
        id: &str,
        look: impl FnOnce(&Secret) -> Result<R, ServiceError>,
    ) -> Result<R, ServiceError> {
        Self::check_id(id)?;
        self.secrets.read(|all| look(find(all, id, self.now).ok_or_else(missing)?))
    }

    /// Changes a secret that is not to be deleted.
    pub fn change<R>(
        &self,
        id: &str,
        change: impl FnOnce(&mut Secret) -> Result<R, ServiceError>,
    ) -> Result<R, ServiceError> {
        let arn = self.look(id, |secret| Ok(secret.not_deleted()?.arn.clone()))?;
        self.secrets.update(name_in(&arn), |secret| {
            // Between the look and the lock another call may have deleted it, or made another of its name.
            let secret = secret.as_mut().filter(|secret| secret.arn == arn).ok_or_else(missing)?;
            secret.not_deleted()?;
            change(secret)
        })
    }
}

pub(super) fn missing() -> ServiceError {
    not_found("Secrets Manager can't find the specified secret.")
}
