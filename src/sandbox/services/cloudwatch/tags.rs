//! Tags of alarms and dashboards.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sandbox::call::{Answer, ServiceError};

use super::{
    CloudWatch,
    input::{self, invalid},
};

/// Most tags of one resource. Source: CloudWatch API reference, `TagResource`.
const TAGS: usize = 50;

pub(super) type Tags = BTreeMap<String, String>;

/// Reads a list of tags.
///
/// # Errors
/// When one has no name, or is too long.
pub(super) fn read(list: &[Value]) -> Result<Tags, ServiceError> {
    let tags: Tags = list
        .iter()
        .map(|one| {
            let (key, value) = (input::required(one, "Key")?, one["Value"].as_str().unwrap_or_default());
            if key.chars().count() > 128 || value.chars().count() > 256 || key.starts_with("aws:") {
                return Err(invalid(format!("The tag {key} is too long, or begins with aws:.")));
            }
            Ok((key.to_owned(), value.to_owned()))
        })
        .collect::<Result<_, _>>()?;
    within(&tags).map(|()| tags)
}

fn within(tags: &Tags) -> Result<(), ServiceError> {
    if tags.len() > TAGS { Err(invalid(format!("A resource has at most {TAGS} tags."))) } else { Ok(()) }
}

fn not_there(arn: &str) -> ServiceError {
    let message = format!("There is no resource {arn}.");
    ServiceError { status: 404, code: "ResourceNotFoundException", message }
}

/// Changes, or looks at, the tags of what an ARN names.
fn of(
    state: &CloudWatch,
    arn: &str,
    change: impl FnOnce(&mut Tags) -> Result<Value, ServiceError>,
) -> Answer {
    if let Some((_, name)) = arn.split_once(":alarm:") {
        return state.alarms.tags(name, change).unwrap_or_else(|| Err(not_there(arn)));
    }
    let name = arn.split_once(":dashboard/").map(|(_, name)| name).ok_or_else(|| not_there(arn))?;
    state.dashboards.update(|all| change(&mut all.get_mut(name).ok_or_else(|| not_there(arn))?.tags))
}

/// Answers one operation.
pub(super) fn handle(state: &CloudWatch, operation: &str, input: &Value) -> Answer {
    let arn = input::required(input, "ResourceARN")?;
    match operation {
        "TagResource" => {
            let new = read(input::list(input, "Tags"))?;
            of(state, arn, |tags| {
                tags.extend(new);
                within(tags).map(|()| json!({}))
            })
        }
        "UntagResource" => {
            let keys = input::texts(input, "TagKeys");
            of(state, arn, |tags| {
                tags.retain(|key, _| !keys.contains(key));
                Ok(json!({}))
            })
        }
        _ => of(state, arn, |tags| {
            let list: Vec<Value> =
                tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
            Ok(json!({ "Tags": list }))
        }),
    }
}
