//! Queues: made, found, listed, described, changed, emptied and removed.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::sandbox::{
    call::{Answer, Caller, ServiceError},
    server::uuid,
};

use super::{
    Definition, Sqs,
    attributes::{self, Attributes, TOLD},
    input, invalid, name_in, no_queue, now, refused,
};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Create {
    queue_name: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Named {
    queue_name: String,
    #[serde(rename = "QueueOwnerAWSAccountId")]
    owner: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct List {
    queue_name_prefix: Option<String>,
    next_token: Option<String>,
    max_results: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Get {
    queue_url: String,
    #[serde(default)]
    attribute_names: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Set {
    queue_url: String,
    attributes: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Whole {
    queue_url: String,
}

fn address(host: &str, caller: &Caller, name: &str) -> String {
    format!("http://{host}/{}/{name}", caller.account)
}

fn check_name(name: &str) -> Result<(), ServiceError> {
    if name.ends_with(".fifo") {
        return Err(invalid("FIFO queues are not in the sandbox"));
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    if (1..=80).contains(&name.len()) && name.bytes().all(plain) {
        return Ok(());
    }
    Err(invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"))
}

pub(super) fn create(service: &Sqs, value: Value, caller: &Caller, host: &str) -> Answer {
    let wanted: Create = input(value)?;
    let name = wanted.queue_name;
    check_name(&name)?;
    let mut attributes = Attributes::default();
    attributes.set(&wanted.attributes)?;
    service.definitions.update(|all| {
        if let Some(there) = all.get(&name) {
            let mut same = there.attributes.clone();
            same.set(&wanted.attributes)?;
            if same != there.attributes {
                let text =
                    "A queue already exists with the same name and a different value for an attribute.";
                return Err(refused("QueueNameExists", text));
            }
            return Ok(());
        }
        let at = now() / 1000;
        let arn = format!("arn:aws:sqs:{}:{}:{name}", caller.region, caller.account);
        let queue = Definition { id: uuid(), arn, created: at, modified: at, attributes };
        all.insert(name.clone(), queue);
        Ok(())
    })?;
    Ok(json!({ "QueueUrl": address(host, caller, &name) }))
}

pub(super) fn url(service: &Sqs, value: Value, caller: &Caller, host: &str) -> Answer {
    let wanted: Named = input(value)?;
    let own = wanted.owner.is_none_or(|owner| owner == caller.account);
    if !own || !service.definitions.read(|all| all.contains_key(&wanted.queue_name)) {
        return Err(no_queue());
    }
    Ok(json!({ "QueueUrl": address(host, caller, &wanted.queue_name) }))
}

pub(super) fn list(service: &Sqs, value: Value, caller: &Caller, host: &str) -> Answer {
    let wanted: List = input(value)?;
    let limit = wanted.max_results.unwrap_or(1000);
    if !(1..=1000).contains(&limit) {
        return Err(invalid("MaxResults is from 1 to 1000"));
    }
    let prefix = wanted.queue_name_prefix.unwrap_or_default();
    let after = wanted.next_token.unwrap_or_default();
    let mut names: Vec<String> = service.definitions.read(|all| {
        let wanted = all.keys().filter(|name| name.starts_with(&prefix) && **name > after);
        wanted.take(limit + 1).cloned().collect()
    });
    let more = names.len() > limit;
    names.truncate(limit);
    let mut answer = Map::new();
    if !names.is_empty() {
        let urls = names.iter().map(|name| address(host, caller, name).into()).collect();
        answer.insert("QueueUrls".to_owned(), Value::Array(urls));
    }
    // Pages are made only for those who say how long they are.
    if let Some(last) = names.pop().filter(|_| more && wanted.max_results.is_some()) {
        answer.insert("NextToken".to_owned(), last.into());
    }
    Ok(answer.into())
}

pub(super) fn attributes(service: &Sqs, value: Value, caller: &Caller) -> Answer {
    let wanted: Get = input(value)?;
    wanted.attribute_names.iter().try_for_each(|name| attributes::check_name(name))?;
    let (queue, messages) = service.find(&wanted.queue_url, caller)?;
    let retention = queue.attributes.retention() as i64 * 1000;
    let counts = messages.counts(now(), now() - retention);
    let told = [
        counts.visible.to_string(),
        counts.delayed.to_string(),
        counts.in_flight.to_string(),
        queue.created.to_string(),
        queue.modified.to_string(),
        queue.arn,
    ];
    let told = TOLD.iter().map(|name| (*name).to_owned()).zip(told);
    let all = wanted.attribute_names.iter().any(|name| name == "All");
    let shown: Map<String, Value> = queue
        .attributes
        .shown()
        .chain(told)
        .filter(|(name, _)| all || wanted.attribute_names.contains(name))
        .map(|(name, value)| (name, value.into()))
        .collect();
    Ok(if shown.is_empty() { json!({}) } else { json!({ "Attributes": shown }) })
}

pub(super) fn set_attributes(service: &Sqs, value: Value, caller: &Caller) -> Answer {
    let wanted: Set = input(value)?;
    let name = name_in(&wanted.queue_url, caller).ok_or_else(no_queue)?;
    service.definitions.update(|all| {
        let queue = all.get_mut(&name).ok_or_else(no_queue)?;
        queue.modified = now() / 1000;
        queue.attributes.set(&wanted.attributes)
    })?;
    Ok(json!({}))
}

pub(super) fn purge(service: &Sqs, value: Value, caller: &Caller) -> Answer {
    let wanted: Whole = input(value)?;
    if !service.find(&wanted.queue_url, caller)?.1.purge()? {
        let message = "Only one PurgeQueue operation is allowed every 60 seconds.".to_owned();
        return Err(ServiceError { status: 403, code: "PurgeQueueInProgress", message });
    }
    Ok(json!({}))
}

pub(super) fn delete(service: &Sqs, value: Value, caller: &Caller) -> Answer {
    let wanted: Whole = input(value)?;
    let name = name_in(&wanted.queue_url, caller).ok_or_else(no_queue)?;
    let queue = service.definitions.update(|all| all.remove(&name).ok_or_else(no_queue))?;
    service.forget(&queue.id)?;
    Ok(json!({}))
}
