//! Log groups: made, told, tagged, kept for a while.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::sandbox::call::{Answer, Caller, ServiceError};

use super::{Logs, Query, invalid, metrics::Filter, missing, of_arn, page, there_already};

pub(super) const DAY_MS: i64 = 86_400_000;

/// Days that events may be kept. Source: CloudWatch Logs API reference, `PutRetentionPolicy`.
const DAYS: &[i64] = &[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/// Most tags of a group. Source: CloudWatch Logs API reference, `TagResource`.
const TAGS: usize = 50;

/// Groups on a page. Source: CloudWatch Logs API reference, `DescribeLogGroups`.
const PAGE: usize = 50;

/// What is known of a group beside its events.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Group {
    /// Days; for ever where there are none.
    pub retention: Option<i64>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    #[serde(default)]
    pub filters: BTreeMap<String, Filter>,
}

fn texts(of: &Value) -> BTreeMap<String, String> {
    let pairs = of.as_object().into_iter().flatten();
    pairs.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

fn within(tags: &BTreeMap<String, String>) -> Result<(), ServiceError> {
    if tags.len() > TAGS {
        let message = format!("A log group has at most {TAGS} tags");
        return Err(ServiceError::client("TooManyTagsException", message));
    }
    let wrong = |(key, value): &(&String, &String)| {
        key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 || key.starts_with("aws:")
    };
    match tags.iter().find(wrong) {
        Some((key, _)) => Err(invalid(format!("The tag {key} is too long, or begins with aws:"))),
        None => Ok(()),
    }
}

pub(super) fn create(logs: &Logs, input: &Value) -> Answer {
    let name = input["logGroupName"].as_str().ok_or_else(|| invalid("logGroupName is required"))?;
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_/#".contains(&b));
    if name.is_empty() || name.len() > 512 || !plain {
        return Err(invalid("logGroupName has 1 to 512 of a-z, A-Z, 0-9, _, -, /, . and #"));
    }
    if input["kmsKeyId"].is_string() {
        return Err(invalid("kmsKeyId is not in the sandbox, which encrypts no events"));
    }
    if input["logGroupClass"].as_str().is_some_and(|class| class != "STANDARD") {
        return Err(invalid("logGroupClass can only be STANDARD in the sandbox"));
    }
    if input["deletionProtectionEnabled"] == json!(true) {
        return Err(invalid("deletionProtectionEnabled is not in the sandbox"));
    }
    let tags = texts(&input["tags"]);
    within(&tags)?;
    if !logs.store.create_group(name)? {
        return Err(there_already("log group"));
    }
    logs.groups.update(|groups| {
        groups.insert(name.to_owned(), Group { tags, ..Group::default() });
        Ok::<_, ServiceError>(json!({}))
    })
}

pub(super) fn delete(logs: &Logs, query: &Query) -> Answer {
    let name = query.group()?;
    if !logs.store.delete_group(name)? {
        return Err(missing("log group"));
    }
    logs.groups.update(|groups| {
        groups.remove(name);
        Ok(json!({}))
    })
}

pub(super) fn describe(logs: &Logs, query: &Query, caller: &Caller) -> Answer {
    let (prefix, part) = (query.log_group_name_prefix.as_deref(), query.log_group_name_pattern.as_deref());
    if prefix.is_some() && part.is_some() {
        return Err(invalid("logGroupNamePrefix and logGroupNamePattern are mutually exclusive"));
    }
    let part = part.map(str::to_lowercase);
    let one_of = query.log_group_identifiers.as_ref();
    let class = query.log_group_class.as_deref().is_none_or(|class| class == "STANDARD");
    let wanted = logs.store.groups().into_iter().filter(|name| {
        class
            && prefix.is_none_or(|prefix| name.starts_with(prefix))
            && part.as_ref().is_none_or(|part| name.to_lowercase().contains(part.as_str()))
            && one_of.is_none_or(|all| all.iter().any(|one| of_arn(one).unwrap_or(one) == name))
    });
    let groups = wanted.map(|name| {
        let arn = format!("arn:aws:logs:{}:{}:log-group:{name}", caller.region, caller.account);
        let (created, bytes) = logs.store.group(&name);
        let known = logs.groups.read(|groups| groups.get(&name).cloned()).unwrap_or_default();
        let mut shown = json!({
            "logGroupName": name,
            "creationTime": created,
            "metricFilterCount": known.filters.len(),
            "arn": format!("{arn}:*"),
            "storedBytes": bytes,
            "logGroupClass": "STANDARD",
            "logGroupArn": arn,
        });
        if let Some(days) = known.retention {
            shown["retentionInDays"] = json!(days);
        }
        shown
    });
    page(groups.collect(), query, PAGE, "logGroups")
}

/// Changes what is known of a group.
///
/// # Errors
/// When there is no such group, or `change` refuses.
pub(super) fn change(
    logs: &Logs,
    name: &str,
    change: impl FnOnce(&mut Group) -> Result<Value, ServiceError>,
) -> Answer {
    if !logs.store.has_group(name) {
        return Err(missing("log group"));
    }
    logs.groups.update(|groups| change(groups.entry(name.to_owned()).or_default()))
}

pub(super) fn retention(logs: &Logs, operation: &str, input: &Value) -> Answer {
    let name = input["logGroupName"].as_str().ok_or_else(|| invalid("logGroupName is required"))?;
    let days = match operation {
        "DeleteRetentionPolicy" => None,
        _ => Some(input["retentionInDays"].as_i64().filter(|days| DAYS.contains(days)).ok_or_else(|| {
            let all: Vec<String> = DAYS.iter().map(i64::to_string).collect();
            invalid(format!("retentionInDays is one of {}", all.join(", ")))
        })?),
    };
    change(logs, name, |group| {
        group.retention = days;
        Ok(json!({}))
    })
}

pub(super) fn tags(logs: &Logs, operation: &str, input: &Value) -> Answer {
    let arn = input["resourceArn"].as_str().ok_or_else(|| invalid("resourceArn is required"))?;
    let name = of_arn(arn).ok_or_else(|| missing("resource"))?;
    match operation {
        "TagResource" => change(logs, name, |group| {
            group.tags.extend(texts(&input["tags"]));
            within(&group.tags).map(|()| json!({}))
        }),
        "UntagResource" => change(logs, name, |group| {
            let keys: Vec<&str> =
                input["tagKeys"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            group.tags.retain(|key, _| !keys.contains(&key.as_str()));
            Ok(json!({}))
        }),
        _ if !logs.store.has_group(name) => Err(missing("resource")),
        _ => {
            let tags = logs.groups.read(|groups| groups.get(name).map(|group| group.tags.clone()));
            Ok(json!({ "tags": tags.unwrap_or_default() }))
        }
    }
}
