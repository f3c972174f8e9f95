//! Tags of secrets.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::{
    call::{Answer, ServiceError},
    protocol::input,
    tags::{self, Tag},
};

use super::{Call, invalid_parameter};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Give {
    secret_id: String,
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Take {
    secret_id: String,
    tag_keys: Vec<String>,
}

/// What is wrong with a tag is, here, an invalid parameter.
pub(super) fn check(given: &[Tag]) -> Result<(), ServiceError> {
    tags::check(given).map_err(|error| invalid_parameter(error.message))
}

pub(super) fn check_number(kept: &[Tag]) -> Result<(), ServiceError> {
    if kept.len() <= tags::MOST {
        return Ok(());
    }
    Err(invalid_parameter(format!("A secret has at most {} tags.", tags::MOST)))
}

pub(super) fn tag(call: &Call<'_>, value: Value) -> Answer {
    let wanted: Give = input::read(value)?;
    check(&wanted.tags)?;
    call.change(&wanted.secret_id, |secret| {
        let kept = secret.tags.get_or_insert_default();
        tags::put(kept, wanted.tags);
        check_number(kept)?;
        secret.changed = call.now;
        Ok(json!({}))
    })
}

pub(super) fn untag(call: &Call<'_>, value: Value) -> Answer {
    let wanted: Take = input::read(value)?;
    call.change(&wanted.secret_id, |secret| {
        if let Some(kept) = &mut secret.tags {
            kept.retain(|tag| !wanted.tag_keys.contains(&tag.key));
        }
        secret.changed = call.now;
        Ok(json!({}))
    })
}
