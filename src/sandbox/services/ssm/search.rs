//! Looking for parameters: below a path, with their values, or by what they are.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::{call::Answer, page::page, protocol::input};

use super::{
    Call,
    filter::{self, Filter},
    name, no_page,
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ByPath {
    path: String,
    recursive: Option<bool>,
    parameter_filters: Option<Vec<Filter>>,
    with_decryption: Option<bool>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Describe {
    parameter_filters: Option<Vec<Filter>>,
    max_results: Option<i64>,
    next_token: Option<String>,
    shared: Option<bool>,
}

fn answer(found: Vec<(String, Value)>, limit: usize, token: Option<&str>) -> Answer {
    let (shown, next) = page(found, false, limit, token).ok_or_else(no_page)?;
    let mut answer = json!({ "Parameters": shown });
    if let Some(next) = next {
        answer["NextToken"] = next.into();
    }
    Ok(answer)
}

pub(super) fn by_path(call: &Call<'_>, value: Value) -> Answer {
    let wanted: ByPath = input::read(value)?;
    let limit = input::limit(wanted.max_results, 10, 10)?;
    name::check_path(&wanted.path)?;
    let filters = wanted.parameter_filters.unwrap_or_default();
    filter::check(&filters, &["Type", "KeyId", "Label"])?;
    let (recursive, decrypt) = (wanted.recursive == Some(true), wanted.with_decryption == Some(true));
    let label = filters.iter().find(|filter| filter.key == "Label");
    let found = call.parameters.read(|all| {
        all.values()
            .filter(|parameter| name::is_below(&parameter.name, &wanted.path, recursive))
            .filter(|parameter| filters.iter().all(|filter| filter.takes(parameter)))
            .map(|parameter| {
                // Who asks for a label is told of the version that has it.
                let labelled = label.and_then(|filter| {
                    let has = |label: &String| filter.values().contains(label);
                    parameter.versions.iter().rev().find(|version| version.labels.iter().any(has))
                });
                let version = labelled.unwrap_or_else(|| parameter.latest());
                (parameter.name.clone(), parameter.shown(version, decrypt))
            })
            .collect()
    });
    answer(found, limit, wanted.next_token.as_deref())
}

pub(super) fn describe(call: &Call<'_>, value: Value) -> Answer {
    let wanted: Describe = input::read(value)?;
    // How many there are where nobody says is not documented; an account gives ten.
    let limit = input::limit(wanted.max_results, 10, 50)?;
    let filters = wanted.parameter_filters.unwrap_or_default();
    filter::check(&filters, &["Path", "Name", "Type", "KeyId", "Tier", "DataType", "tag:"])?;
    // There is no other account that could share any.
    let others_only = wanted.shared == Some(true);
    let found = call.parameters.read(|all| {
        all.values()
            .filter(|parameter| !others_only && filters.iter().all(|filter| filter.takes(parameter)))
            .map(|parameter| {
                let mut shown = parameter.described(parameter.latest());
                shown["ARN"] = parameter.arn.as_str().into();
                (parameter.name.clone(), shown)
            })
            .collect()
    });
    answer(found, limit, wanted.next_token.as_deref())
}
