//! Deleting parameters, with all their versions.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::{
    call::{Answer, ServiceError},
    protocol::input::{self, within},
};

use super::{Call, name, no_parameter};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct One {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Several {
    names: Vec<String>,
}

fn delete(call: &Call<'_>, name: &str) -> Result<(), ServiceError> {
    let name = name.trim();
    name::check(name)?;
    call.parameters.update(name, |there| match there.take() {
        Some(_) => Ok(()),
        None => Err(no_parameter(name)),
    })
}

pub(super) fn one(call: &Call<'_>, value: Value) -> Answer {
    let wanted: One = input::read(value)?;
    delete(call, &wanted.name)?;
    Ok(json!({}))
}

pub(super) fn several(call: &Call<'_>, value: Value) -> Answer {
    let wanted: Several = input::read(value)?;
    within("names", "have length", wanted.names.len(), 1, 10)?;
    let (mut deleted, mut invalid) = (Vec::new(), Vec::new());
    for name in wanted.names {
        match delete(call, &name) {
            Ok(()) => deleted.push(name),
            Err(error @ ServiceError { status: 500, .. }) => return Err(error),
            Err(_) => invalid.push(name),
        }
    }
    Ok(json!({ "DeletedParameters": deleted, "InvalidParameters": invalid }))
}
