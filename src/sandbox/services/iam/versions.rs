//! Versions of a managed policy, of which one is in force.

use serde_json::{Value, json};

use crate::sandbox::call::{Answer, ServiceError};

use super::{
    Call, done, managed,
    model::{Version, date, encoded, now},
    policies::{arn, document, own},
    refuse,
};

/// Versions that a policy may have. Source: IAM user guide, "IAM and AWS STS quotas".
const MOST: usize = 5;

fn missing(arn: &str, id: &str) -> ServiceError {
    refuse::missing(format!("Policy {arn} version {id} does not exist or is not attachable."))
}

/// The number of a version's id.
fn number(id: &str) -> Option<u64> {
    id.strip_prefix('v')?.parse().ok()
}

/// An id that is given.
fn asked<'a>(call: &'a Call<'_>) -> Result<&'a str, ServiceError> {
    let id = call.input.need("VersionId")?;
    if number(id).is_none() {
        let rule = "satisfy regular expression pattern: v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?";
        return Err(refuse::broken("versionId", id, rule));
    }
    Ok(id)
}

fn show(number: u64, default: u64, created: i64) -> Value {
    json!({
        "VersionId": format!("v{number}"),
        "IsDefaultVersion": number == default,
        "CreateDate": date(created),
    })
}

pub(super) fn create(call: &Call<'_>) -> Answer {
    call.input.only(&["PolicyArn", "PolicyDocument", "SetAsDefault"])?;
    let arn = arn(call)?.to_owned();
    let (document, in_force) = (document(call)?, call.input.flag("SetAsDefault"));
    call.update(|account| {
        let policy = own(account, &arn)?;
        if policy.versions.len() >= MOST {
            return Err(refuse::limit(format!(
                "A managed policy can have up to {MOST} versions. Before you create a new version, you must delete an existing version."
            )));
        }
        let (number, created) = (policy.next, now());
        policy.next += 1;
        policy.updated = created;
        if in_force {
            policy.default = number;
        }
        policy.versions.insert(number, Version { document, created });
        Ok(json!({ "PolicyVersion": show(number, policy.default, created) }))
    })
}

pub(super) fn get(call: &Call<'_>) -> Answer {
    call.input.only(&["PolicyArn", "VersionId"])?;
    let (arn, id) = (arn(call)?, asked(call)?);
    call.read(|account| {
        let (document, mut shown) = match (account.policies.get(arn), managed::find(arn)) {
            (Some(policy), _) => {
                let number = number(id).unwrap_or_default();
                let version = policy.versions.get(&number).ok_or_else(|| missing(arn, id))?;
                (version.document.clone(), show(number, policy.default, version.created))
            }
            (None, Some(policy)) if number(id) == Some(policy.version) => {
                (policy.document.to_owned(), show(policy.version, policy.version, policy.updated))
            }
            (None, Some(_)) => return Err(missing(arn, id)),
            (None, None) => return Err(refuse::no_policy(arn)),
        };
        shown["Document"] = encoded(&document).into();
        Ok(json!({ "PolicyVersion": shown }))
    })
}

pub(super) fn list(call: &Call<'_>) -> Answer {
    call.input.only(&["PolicyArn", "Marker", "MaxItems"])?;
    let arn = arn(call)?;
    let entries = call.read(|account| {
        // The newest is first.
        let key = |number: u64| format!("{:020}", u64::MAX - number);
        if let Some(policy) = account.policies.get(arn) {
            let one = |(number, version): (&u64, &Version)| {
                (key(*number), show(*number, policy.default, version.created))
            };
            return Ok::<_, ServiceError>(policy.versions.iter().map(one).collect::<Vec<_>>());
        }
        let policy = managed::find(arn).ok_or_else(|| refuse::no_policy(arn))?;
        Ok(vec![(key(policy.version), show(policy.version, policy.version, policy.updated))])
    })?;
    call.input.page("Versions", entries)
}

pub(super) fn set_default(call: &Call<'_>) -> Answer {
    call.input.only(&["PolicyArn", "VersionId"])?;
    let (arn, id) = (arn(call)?.to_owned(), asked(call)?.to_owned());
    done(call.update(|account| {
        let policy = own(account, &arn)?;
        let number = number(&id).filter(|number| policy.versions.contains_key(number));
        policy.default = number.ok_or_else(|| missing(&arn, &id))?;
        policy.updated = now();
        Ok(())
    }))
}

pub(super) fn delete(call: &Call<'_>) -> Answer {
    call.input.only(&["PolicyArn", "VersionId"])?;
    let (arn, id) = (arn(call)?.to_owned(), asked(call)?.to_owned());
    done(call.update(|account| {
        let policy = own(account, &arn)?;
        let number = number(&id).unwrap_or_default();
        if number == policy.default {
            return Err(refuse::conflict("Cannot delete the default version of a policy."));
        }
        policy.versions.remove(&number).ok_or_else(|| missing(&arn, &id))
    }))
}
