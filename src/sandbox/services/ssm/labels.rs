//! Labels of versions. Source of the rules: API reference, LabelParameterVersion.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::{
    call::{Answer, ServiceError},
    protocol::input::{self, length, within},
};

use super::{Call, no_version, parameter::Parameter, refused};

/// Most labels of a version.
const LABELS: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Label {
    name: String,
    parameter_version: Option<i64>,
    labels: Vec<String>,
}

fn check(labels: &[String]) -> Result<(), ServiceError> {
    within("labels", "have length", labels.len(), 1, LABELS)?;
    labels.iter().try_for_each(|label| length("labels.member", label, 1, 100))
}

fn is_label(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && !lower.starts_with("aws")
        && !lower.starts_with("ssm")
}

fn there(parameter: &Parameter, number: i64) -> Result<(), ServiceError> {
    let missing = || no_version(&parameter.name, &number.to_string());
    parameter.version(number).map(|_| ()).ok_or_else(missing)
}

pub(super) fn label(call: &Call<'_>, value: Value) -> Answer {
    let wanted: Label = input::read(value)?;
    check(&wanted.labels)?;
    call.change(&wanted.name, |parameter| {
        let number = wanted.parameter_version.unwrap_or_else(|| parameter.latest().number);
        there(parameter, number)?;
        let (valid, invalid): (Vec<String>, Vec<String>) =
            wanted.labels.into_iter().partition(|label| is_label(label));
        for version in &mut parameter.versions {
            if version.number == number {
                version.labels.extend(valid.iter().cloned());
            } else {
                // A label that is on another version moves.
                version.labels.retain(|label| !valid.contains(label));
            }
            if version.labels.len() > LABELS {
                let text = format!(
                    "A parameter version can have maximum {LABELS} labels. Move one or more labels to another version \
                     and try again."
                );
                return Err(refused("ParameterVersionLabelLimitExceeded", text));
            }
        }
        Ok(json!({ "InvalidLabels": invalid, "ParameterVersion": number }))
    })
}

pub(super) fn unlabel(call: &Call<'_>, value: Value) -> Answer {
    let wanted: Label = input::read(value)?;
    check(&wanted.labels)?;
    let number = wanted.parameter_version.ok_or_else(|| input::broken("parameterVersion", "not be null"))?;
    call.change(&wanted.name, |parameter| {
        there(parameter, number)?;
        let (mut removed, mut invalid) = (Vec::new(), Vec::new());
        for version in parameter.versions.iter_mut().filter(|version| version.number == number) {
            for label in &wanted.labels {
                if version.labels.remove(label) { &mut removed } else { &mut invalid }.push(label.clone());
            }
        }
        Ok(json!({ "RemovedLabels": removed, "InvalidLabels": invalid }))
    })
}
