//! Tags of parameters.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::{
    call::{Answer, ServiceError},
    protocol::input,
    tags::{self, Tag},
};

use super::{Call, parameter::Parameter, refused};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Add {
    resource_type: String,
    resource_id: String,
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Remove {
    resource_type: String,
    resource_id: String,
    tag_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct List {
    resource_type: String,
    resource_id: String,
}

fn check_type(kind: &str) -> Result<(), ServiceError> {
    if kind == "Parameter" {
        return Ok(());
    }
    let text = "The resource type isn't valid: the sandbox has none but Parameter.";
    Err(refused("InvalidResourceType", text))
}

fn missing() -> ServiceError {
    refused(
        "InvalidResourceId",
        "The resource ID isn't valid. Verify that you entered the correct ID and try again.",
    )
}

fn change(
    call: &Call<'_>,
    name: &str,
    change: impl FnOnce(&mut Parameter) -> Result<(), ServiceError>,
) -> Answer {
    call.parameters.update(name, |there| change(there.as_mut().ok_or_else(missing)?))?;
    Ok(json!({}))
}

pub(super) fn add(call: &Call<'_>, value: Value) -> Answer {
    let wanted: Add = input::read(value)?;
    check_type(&wanted.resource_type)?;
    tags::check(&wanted.tags)?;
    change(call, &wanted.resource_id, |parameter| {
        tags::put(&mut parameter.tags, wanted.tags);
        if parameter.tags.len() > tags::MOST {
            return Err(refused("TooManyTagsError", format!("A parameter has at most {} tags.", tags::MOST)));
        }
        Ok(())
    })
}

pub(super) fn remove(call: &Call<'_>, value: Value) -> Answer {
    let wanted: Remove = input::read(value)?;
    check_type(&wanted.resource_type)?;
    change(call, &wanted.resource_id, |parameter| {
        parameter.tags.retain(|tag| !wanted.tag_keys.contains(&tag.key));
        Ok(())
    })
}

pub(super) fn list(call: &Call<'_>, value: Value) -> Answer {
    let wanted: List = input::read(value)?;
    check_type(&wanted.resource_type)?;
    let tags = call.parameters.read(|all| all.get(&wanted.resource_id).map(|it| json!(it.tags)));
    Ok(json!({ "TagList": tags.ok_or_else(missing)? }))
}
