//! Messages are received, held for a while, and deleted.

use std::{io, sync::Arc, time::Duration};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::sandbox::call::{Answer, Caller, ServiceError};

use super::{
    Sqs,
    attributes::Attributes,
    input, invalid,
    message::{self, Message},
    no_queue, now,
    queue::{Queue, ReceiptError},
    refused,
    send::{ids, outcome},
};

/// Longest time that a message is hidden. Source: Amazon SQS developer guide, message quotas.
const LONGEST_VISIBILITY: u64 = 43_200;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Receive {
    queue_url: String,
    max_number_of_messages: Option<i64>,
    visibility_timeout: Option<u64>,
    wait_time_seconds: Option<u64>,
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
    #[serde(default)]
    message_attribute_names: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Delete {
    queue_url: String,
    receipt_handle: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DeleteBatch {
    queue_url: String,
    entries: Vec<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DeleteEntry {
    #[serde(rename = "Id")]
    _id: String,
    receipt_handle: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Hide {
    queue_url: String,
    receipt_handle: String,
    visibility_timeout: u64,
}

fn out_of_range(name: &str, value: impl std::fmt::Display, least: u64, most: u64) -> ServiceError {
    invalid(format!(
        "Value {value} for parameter {name} is invalid. Reason: Must be between {least} and {most}, if provided."
    ))
}

impl Receive {
    fn wants_system(&self, name: &str) -> bool {
        let mut names = self.attribute_names.iter().chain(&self.message_system_attribute_names);
        names.any(|wanted| wanted == "All" || wanted == name)
    }

    fn wants(&self, name: &str) -> bool {
        self.message_attribute_names.iter().any(|wanted| match wanted.strip_suffix(".*") {
            Some(prefix) => name.starts_with(prefix),
            None => wanted == "All" || wanted == name,
        })
    }

    fn shown(&self, message: &Message) -> Value {
        let system = [
            ("ApproximateFirstReceiveTimestamp", message.first_received.map(|at| at.to_string())),
            ("ApproximateReceiveCount", Some(message.received.to_string())),
            ("AWSTraceHeader", message.trace.as_ref().and_then(|trace| trace.string_value.clone())),
            ("MessageGroupId", message.group.clone()),
            ("SenderId", Some(message.sender.clone())),
            ("SentTimestamp", Some(message.sent.to_string())),
        ];
        let system: Map<String, Value> = system
            .into_iter()
            .filter(|(name, _)| self.wants_system(name))
            .filter_map(|(name, value)| Some((name.to_owned(), value?.into())))
            .collect();
        let attributes = || {
            let all = message.attributes.iter().map(|(name, value)| (name.as_str(), value));
            all.filter(|(name, _)| self.wants(name))
        };
        let mut shown = json!({
            "MessageId": message.id,
            "ReceiptHandle": message.receipt,
            "MD5OfBody": message::digest(&message.body),
            "Body": message.body,
        });
        if !system.is_empty() {
            shown["Attributes"] = system.into();
        }
        if let Some(digest) = message::digest_of_attributes(attributes()) {
            shown["MessageAttributes"] =
                attributes().map(|(name, value)| (name.to_owned(), json!(value))).collect();
            shown["MD5OfMessageAttributes"] = digest.into();
        }
        shown
    }
}

pub(super) async fn receive(service: &Sqs, value: Value, caller: &Caller) -> Answer {
    let wanted: Receive = input(value)?;
    let (queue, messages) = service.find(&wanted.queue_url, caller)?;
    let most = wanted.max_number_of_messages.unwrap_or(1);
    let most = usize::try_from(most).ok().filter(|most| (1..=10).contains(most));
    let most = most.ok_or_else(|| {
        out_of_range("MaxNumberOfMessages", wanted.max_number_of_messages.unwrap_or_default(), 1, 10)
    })?;
    let visibility = wanted.visibility_timeout.unwrap_or_else(|| queue.attributes.visibility());
    if visibility > LONGEST_VISIBILITY {
        return Err(out_of_range("VisibilityTimeout", visibility, 0, LONGEST_VISIBILITY));
    }
    let wait = wanted.wait_time_seconds.unwrap_or_else(|| queue.attributes.wait());
    if wait > 20 {
        return Err(out_of_range("WaitTimeSeconds", wait, 0, 20));
    }
    let received = wait_for(&messages, &queue.attributes, most, visibility, wait).await?;
    if received.is_empty() {
        return Ok(json!({}));
    }
    Ok(json!({ "Messages": received.iter().map(|message| wanted.shown(message)).collect::<Vec<_>>() }))
}

/// Looks for messages until there are some or the time is up. Between looks it waits for a change, or until a message
/// that is hidden now comes back.
async fn wait_for(
    queue: &Arc<Queue>,
    attributes: &Attributes,
    most: usize,
    visibility: u64,
    wait: u64,
) -> Result<Vec<Message>, ServiceError> {
    let deadline = now() + wait as i64 * 1000;
    loop {
        let change = queue.change();
        if queue.is_closed() {
            return Err(no_queue());
        }
        let at = now();
        let (until, oldest) = (at + visibility as i64 * 1000, at - attributes.retention() as i64 * 1000);
        let look = Arc::clone(queue);
        let look = move || look.receive(most, at, until, oldest);
        let received = tokio::task::spawn_blocking(look).await.map_err(io::Error::from)??;
        if !received.is_empty() || at >= deadline {
            return Ok(received);
        }
        let next = queue.next_visible(at).map_or(deadline, |next| next.min(deadline));
        let pause = Duration::from_millis(u64::try_from(next - at).unwrap_or_default());
        let _ = tokio::time::timeout(pause, change).await;
    }
}

fn refusal(error: &ReceiptError) -> ServiceError {
    let code = match error {
        ReceiptError::Invalid => "ReceiptHandleIsInvalid",
        ReceiptError::Gone => "MessageNotInflight",
    };
    refused(code, error.to_string())
}

pub(super) fn delete(service: &Sqs, value: Value, caller: &Caller) -> Answer {
    let wanted: Delete = input(value)?;
    let (_, messages) = service.find(&wanted.queue_url, caller)?;
    messages.delete(&wanted.receipt_handle)?.map_err(|error| refusal(&error))?;
    Ok(json!({}))
}

pub(super) fn delete_batch(service: &Sqs, value: Value, caller: &Caller) -> Answer {
    let DeleteBatch { queue_url, entries } = input(value)?;
    let (_, messages) = service.find(&queue_url, caller)?;
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for (id, entry) in ids(&entries)?.into_iter().zip(entries) {
        let deleted = input::<DeleteEntry>(entry)
            .and_then(|entry| messages.delete(&entry.receipt_handle)?.map_err(|error| refusal(&error)));
        match deleted {
            Ok(()) => done.push(json!({ "Id": id })),
            Err(error) => failed.push((id, error)),
        }
    }
    Ok(outcome(done, failed))
}

pub(super) fn change_visibility(service: &Sqs, value: Value, caller: &Caller) -> Answer {
    let wanted: Hide = input(value)?;
    let timeout = wanted.visibility_timeout;
    if timeout > LONGEST_VISIBILITY {
        return Err(out_of_range("VisibilityTimeout", timeout, 0, LONGEST_VISIBILITY));
    }
    let (_, messages) = service.find(&wanted.queue_url, caller)?;
    let at = now();
    messages
        .hide(&wanted.receipt_handle, at, at + timeout as i64 * 1000)?
        .map_err(|error| refusal(&error))?;
    Ok(json!({}))
}
