//! Making secrets, giving them new values, and moving the labels of their versions.

use rand::{Rng as _, distr::Alphanumeric};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::{
    call::{Answer, ServiceError},
    hidden::Hidden,
    protocol::input::{self, length, within},
    tags::{self, Tag},
};

use super::{
    Call, find, invalid_parameter, invalid_request, not_found,
    secret::{CURRENT, Content, Secret},
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Create {
    name: String,
    client_request_token: Option<String>,
    description: Option<String>,
    kms_key_id: Option<String>,
    secret_binary: Option<Hidden>,
    secret_string: Option<Hidden>,
    tags: Option<Vec<Tag>>,
    /// Says what is to be done with replicas, of which there are none.
    #[allow(dead_code, reason = "it changes nothing here")]
    force_overwrite_replica_secret: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Put {
    secret_id: String,
    client_request_token: Option<String>,
    secret_binary: Option<Hidden>,
    secret_string: Option<Hidden>,
    version_stages: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Update {
    secret_id: String,
    client_request_token: Option<String>,
    description: Option<String>,
    kms_key_id: Option<String>,
    secret_binary: Option<Hidden>,
    secret_string: Option<Hidden>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Stage {
    secret_id: String,
    version_stage: String,
    remove_from_version_id: Option<String>,
    move_to_version_id: Option<String>,
}

/// The id of a new version. SDKs make one where their caller gives none.
fn token(given: Option<String>) -> Result<String, ServiceError> {
    let text = "You must provide a ClientRequestToken value. We recommend a UUID-type value.";
    let token = given.ok_or_else(|| invalid_request(text))?;
    if !(32..=64).contains(&token.chars().count()) {
        return Err(invalid_parameter("ClientRequestToken must be 32-64 characters long."));
    }
    Ok(token)
}

/// A secret without a value has no version that a token would name.
fn with_id(
    content: Option<Content>,
    given: Option<String>,
) -> Result<Option<(String, Content)>, ServiceError> {
    match content {
        Some(content) => Ok(Some((token(given)?, content))),
        None => Ok(None),
    }
}

fn check_key(key: Option<&str>) -> Result<(), ServiceError> {
    match key {
        None | Some("" | "alias/aws/secretsmanager") => Ok(()),
        Some(_) => {
            let text = "There is no KMS in the sandbox: alias/aws/secretsmanager is the one key there is.";
            Err(ServiceError::client("EncryptionFailure", text))
        }
    }
}

fn check_description(description: Option<&str>) -> Result<(), ServiceError> {
    length("description", description.unwrap_or_default(), 0, 2048)
}

fn exists(message: String) -> ServiceError {
    ServiceError::client("ResourceExistsException", message)
}

fn taken(token: &str, secret: &Secret) -> ServiceError {
    let arn = &secret.arn;
    exists(format!(
        "You can't use ClientRequestToken {token} because that value is already in use for a version of secret {arn}."
    ))
}

fn named(secret: &Secret, version: Option<&str>) -> Value {
    let mut answer = json!({ "ARN": secret.arn, "Name": secret.name });
    if let Some(version) = version {
        answer["VersionId"] = version.into();
    }
    answer
}

pub(super) fn create(call: &Call<'_>, value: Value) -> Answer {
    let wanted: Create = input::read(value)?;
    let (name, now) = (wanted.name, call.now);
    length("name", &name, 1, 512)?;
    find::check_name(&name)?;
    check_description(wanted.description.as_deref())?;
    check_key(wanted.kms_key_id.as_deref())?;
    let content = Content::of(wanted.secret_string, wanted.secret_binary)?;
    let version = with_id(content, wanted.client_request_token)?;
    let given = wanted.tags.unwrap_or_default();
    super::tagging::check(&given)?;
    let mut kept = Vec::new();
    tags::put(&mut kept, given);
    super::tagging::check_number(&kept)?;
    call.secrets.update(&name, |there| {
        if let Some(secret) = there.as_ref().filter(|secret| secret.is_there(now)) {
            if secret.goes.is_some() {
                return Err(invalid_request(
                    "You can't create this secret because a secret with this name is already scheduled for deletion.",
                ));
            }
            // The same call once more, by one that saw no answer, is answered as the first was.
            return match &version {
                Some((id, content)) if secret.version(id).is_some_and(|v| v.content == *content) => {
                    Ok(named(secret, Some(id)))
                }
                _ => Err(exists(format!("The operation failed because the secret {name} already exists."))),
            };
        }
        let random: String =
            rand::rng().sample_iter(&Alphanumeric).take(find::RANDOM).map(char::from).collect();
        let (region, account) = (&call.caller.region, &call.caller.account);
        let mut secret = Secret {
            arn: format!("arn:aws:secretsmanager:{region}:{account}:secret:{name}-{random}"),
            name: name.clone(),
            owner: None,
            description: wanted.description,
            tags: (!kept.is_empty()).then_some(kept),
            policy: None,
            created: now,
            changed: now,
            accessed: None,
            goes: None,
            versions: Vec::new(),
        };
        let id = version.as_ref().map(|(id, _)| id.clone());
        if let Some((id, content)) = version {
            secret.add(&id, content, &[], now)?;
        }
        let answer = named(&secret, id.as_deref());
        *there = Some(secret);
        Ok(answer)
    })
}

pub(super) fn put(call: &Call<'_>, value: Value) -> Answer {
    let wanted: Put = input::read(value)?;
    let content = Content::of(wanted.secret_string, wanted.secret_binary)?
        .ok_or_else(|| invalid_request("You must provide either SecretString or SecretBinary."))?;
    let id = token(wanted.client_request_token)?;
    let stages = wanted.version_stages.unwrap_or_else(|| vec![CURRENT.to_owned()]);
    within("versionStages", "have length", stages.len(), 1, 20)?;
    stages.iter().try_for_each(|stage| length("versionStages.member", stage, 1, 256))?;
    call.change(&wanted.secret_id, |secret| {
        secret.not_managed()?;
        match secret.version(&id) {
            Some(version) if version.content != content => return Err(taken(&id, secret)),
            Some(_) => {}
            None => secret.add(&id, content, &stages, call.now)?,
        }
        let mut answer = named(secret, Some(&id));
        if let Some(version) = secret.version(&id).filter(|version| !version.stages.is_empty()) {
            answer["VersionStages"] = json!(version.stages);
        }
        Ok(answer)
    })
}

/// Unlike PutSecretValue it refuses a token that was used, whatever the value. Source: API reference, UpdateSecret.
pub(super) fn update(call: &Call<'_>, value: Value) -> Answer {
    let wanted: Update = input::read(value)?;
    check_description(wanted.description.as_deref())?;
    check_key(wanted.kms_key_id.as_deref())?;
    let content = Content::of(wanted.secret_string, wanted.secret_binary)?;
    let version = with_id(content, wanted.client_request_token)?;
    call.change(&wanted.secret_id, |secret| {
        secret.not_managed()?;
        secret.changed = call.now;
        if let Some(description) = wanted.description {
            secret.description = Some(description);
        }
        let Some((id, content)) = version else { return Ok(named(secret, None)) };
        if secret.version(&id).is_some() {
            return Err(taken(&id, secret));
        }
        secret.add(&id, content, &[CURRENT.to_owned()], call.now)?;
        Ok(named(secret, Some(&id)))
    })
}

pub(super) fn stage(call: &Call<'_>, value: Value) -> Answer {
    let wanted: Stage = input::read(value)?;
    let stage = wanted.version_stage.as_str();
    length("versionStage", stage, 1, 256)?;
    for id in [&wanted.remove_from_version_id, &wanted.move_to_version_id].into_iter().flatten() {
        length("versionId", id, 32, 64)?;
    }
    call.change(&wanted.secret_id, |secret| {
        secret.not_managed()?;
        let holder = secret.holder(stage).map(|version| version.id.clone());
        let target = wanted.move_to_version_id.as_deref();
        if let Some(target) = target {
            if secret.version(target).is_none() {
                let text = format!("Secrets Manager can't find the specified secret value for VersionId: {target}");
                return Err(not_found(&text));
            }
            if holder.as_deref() == Some(target) {
                return Ok(named(secret, None));
            }
        }
        match (&holder, &wanted.remove_from_version_id) {
            (Some(holder), Some(from)) if holder == from => {}
            (None, None) if target.is_some() => {}
            (Some(holder), None) => {
                return Err(invalid_parameter(format!(
                    "The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached to \
                     version {holder}, so you must explicitly reference that version in RemoveFromVersionId."
                )));
            }
            (None, None) => {
                return Err(invalid_parameter("Neither RemoveFromVersionId nor MoveToVersionId is given."));
            }
            (_, Some(from)) => {
                return Err(invalid_parameter(format!(
                    "Staging label {stage} is not attached to version {from}, from which it is to be removed."
                )));
            }
        }
        match target {
            Some(target) => secret.attach(stage, target)?,
            None if stage == CURRENT => {
                return Err(invalid_parameter(
                    "You can only move staging label AWSCURRENT to a different secret version. It can't be completely \
                     removed.",
                ));
            }
            None => secret.detach(stage),
        }
        secret.changed = call.now;
        Ok(named(secret, None))
    })
}
