//! Reading secrets: their values, and what is known of them.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::sandbox::{
    call::{Answer, ServiceError},
    page::page,
    protocol::input::{self, length, within},
};

use super::{
    Call, invalid_parameter,
    list::{Filter, check_filters, no_page},
    secret::{Content, Secret, Version},
};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Get {
    secret_id: String,
    version_id: Option<String>,
    version_stage: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Describe {
    secret_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Batch {
    secret_id_list: Option<Vec<String>>,
    filters: Option<Vec<Filter>>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

/// A time as the protocol writes it.
pub(super) fn seconds(ms: i64) -> Value {
    json!(ms as f64 / 1000.0)
}

fn shown(secret: &Secret, version: &Version) -> Value {
    let mut answer = json!({
        "ARN": secret.arn,
        "Name": secret.name,
        "VersionId": version.id,
        "CreatedDate": seconds(version.created),
    });
    match &version.content {
        Content::Text(text) => answer["SecretString"] = text.0.as_str().into(),
        Content::Binary(base64) => answer["SecretBinary"] = base64.0.as_str().into(),
    }
    if !version.stages.is_empty() {
        answer["VersionStages"] = json!(version.stages);
    }
    answer
}

/// Reads a value, and notes the day, which is as much as is told of a read.
fn read(call: &Call<'_>, wanted: &Get) -> Answer {
    let (id, stage) = (wanted.version_id.as_deref(), wanted.version_stage.as_deref());
    let today = call.now - call.now % DAY_MS;
    let (answer, noted) = call.look(&wanted.secret_id, |secret| {
        let version = secret.not_deleted()?.wanted(id, stage)?;
        Ok((shown(secret, version), version.accessed == Some(today) && secret.accessed == Some(today)))
    })?;
    if noted {
        return Ok(answer);
    }
    call.change(&wanted.secret_id, |secret| {
        // As it is now: another call may have moved labels since the look.
        let wanted = secret.wanted(id, stage)?.id.clone();
        secret.accessed = Some(today);
        for version in secret.versions.iter_mut().filter(|version| version.id == wanted) {
            version.accessed = Some(today);
        }
        Ok(shown(secret, secret.wanted(id, stage)?))
    })
}

pub(super) fn value(call: &Call<'_>, value: Value) -> Answer {
    let wanted: Get = input::read(value)?;
    if let Some(id) = &wanted.version_id {
        length("versionId", id, 32, 64)?;
    }
    if let Some(stage) = &wanted.version_stage {
        length("versionStage", stage, 1, 256)?;
    }
    read(call, &wanted)
}

/// What is known of a secret. The two operations that tell it name the labels differently.
pub(super) fn described(secret: &Secret, versions: &str) -> Value {
    let labelled: Map<String, Value> = secret
        .versions
        .iter()
        .filter(|version| !version.stages.is_empty())
        .map(|version| (version.id.clone(), json!(version.stages)))
        .collect();
    let mut answer = json!({
        "ARN": secret.arn,
        "Name": secret.name,
        "CreatedDate": seconds(secret.created),
        "LastChangedDate": seconds(secret.changed),
    });
    let more = [
        ("Description", secret.description.as_ref().filter(|text| !text.is_empty()).map(|text| json!(text))),
        ("OwningService", secret.owner.as_ref().map(|owner| json!(owner))),
        ("Tags", secret.tags.as_ref().map(|tags| json!(tags))),
        ("LastAccessedDate", secret.accessed.map(seconds)),
        ("DeletedDate", secret.goes.map(seconds)),
        (versions, (!labelled.is_empty()).then(|| labelled.into())),
    ];
    for (member, value) in more {
        if let Some(value) = value {
            answer[member] = value;
        }
    }
    answer
}

pub(super) fn describe(call: &Call<'_>, value: Value) -> Answer {
    let wanted: Describe = input::read(value)?;
    call.look(&wanted.secret_id, |secret| Ok(described(secret, "VersionIdsToStages")))
}

pub(super) fn batch(call: &Call<'_>, value: Value) -> Answer {
    let wanted: Batch = input::read(value)?;
    let (ids, next) = match (wanted.secret_id_list, wanted.filters) {
        (Some(ids), None) => {
            within("secretIdList", "have length", ids.len(), 1, 20)?;
            if wanted.max_results.is_some() {
                return Err(invalid_parameter("MaxResults is for a request with Filters."));
            }
            ids.iter().try_for_each(|id| Call::check_id(id))?;
            (ids, None)
        }
        (None, Some(filters)) => {
            check_filters(&filters)?;
            let limit = input::limit(wanted.max_results, 20, 20)?;
            let found = call.secrets.read(|all| {
                let all = all.values().filter(|secret| secret.goes.is_none());
                let all = all.filter(|secret| filters.iter().all(|filter| filter.takes(secret)));
                all.map(|secret| (secret.name.clone(), secret.name.clone())).collect()
            });
            page(found, false, limit, wanted.next_token.as_deref()).ok_or_else(no_page)?
        }
        _ => {
            let text = "Either 'SecretIdList' or 'Filters' must be provided, but not both.";
            return Err(invalid_parameter(text));
        }
    };
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    for id in ids {
        let wanted = Get { secret_id: id.clone(), version_id: None, version_stage: None };
        match (call.may_read)(&id).and_then(|()| read(call, &wanted)) {
            Ok(value) => values.push(value),
            // A fault of the sandbox is one of the whole call.
            Err(error @ ServiceError { status: 500, .. }) => return Err(error),
            Err(error) => {
                errors.push(json!({ "SecretId": id, "ErrorCode": error.code, "Message": error.message }))
            }
        }
    }
    let mut answer = json!({ "SecretValues": values, "Errors": errors });
    if let Some(next) = next {
        answer["NextToken"] = next.into();
    }
    Ok(answer)
}
