//! Reading parameters that are named.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::{
    call::Answer,
    protocol::input::{self, within},
};

use super::{Call, name::Wanted};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct One {
    name: String,
    with_decryption: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Several {
    names: Vec<String>,
    with_decryption: Option<bool>,
}

fn get(call: &Call<'_>, name: &str, decrypt: bool) -> Answer {
    if let Some(secret) = call.secrets.get(name) {
        return secret.clone();
    }
    let wanted = Wanted::read(name, call.caller)?;
    call.look(&wanted, |parameter, version| {
        let mut shown = parameter.shown(version, decrypt);
        if let Some(selector) = &wanted.selector {
            shown["Selector"] = format!(":{selector}").into();
        }
        Ok(shown)
    })
}

pub(super) fn one(call: &Call<'_>, value: Value) -> Answer {
    let wanted: One = input::read(value)?;
    let shown = get(call, &wanted.name, wanted.with_decryption == Some(true))?;
    Ok(json!({ "Parameter": shown }))
}

pub(super) fn several(call: &Call<'_>, value: Value) -> Answer {
    let wanted: Several = input::read(value)?;
    within("names", "have length", wanted.names.len(), 1, 10)?;
    // In alphabetical order, as documented, and each once.
    let (mut found, mut invalid) = (BTreeMap::new(), Vec::new());
    for name in wanted.names {
        match get(call, &name, wanted.with_decryption == Some(true)) {
            Ok(shown) => {
                found.insert(name, shown);
            }
            Err(_) => invalid.push(name),
        }
    }
    let found: Vec<Value> = found.into_values().collect();
    Ok(json!({ "Parameters": found, "InvalidParameters": invalid }))
}
