//! Messages are sent, one or several at once.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::sandbox::{
    call::{Answer, Caller, ServiceError},
    server::uuid,
};

use super::{
    Sqs,
    attributes::Attributes,
    input, invalid,
    message::{self, Message, MessageAttributes},
    now, refused,
};

/// Most messages, and bytes of them, that are sent at once. Source: Amazon SQS developer guide, message quotas.
const BATCH: usize = 10;
const BATCH_BYTES: usize = 1_048_576;

/// What is sent, in a batch or alone.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Entry {
    /// Only in a batch, where it is read before.
    #[serde(rename = "Id")]
    _id: Option<String>,
    /// Only alone.
    queue_url: Option<String>,
    message_body: String,
    delay_seconds: Option<u64>,
    #[serde(default)]
    message_attributes: MessageAttributes,
    #[serde(default)]
    message_system_attributes: MessageAttributes,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Batch {
    queue_url: String,
    entries: Vec<Value>,
}

impl Entry {
    /// The message, and its size in bytes.
    fn message(self, queue: &Attributes, caller: &Caller) -> Result<(Message, usize), ServiceError> {
        let size = message::check(&self.message_body, &self.message_attributes)?;
        if size > queue.largest() {
            let text = format!(
                "One or more parameters are invalid. Reason: Message must be shorter than {} bytes.",
                queue.largest()
            );
            return Err(invalid(text));
        }
        if self.message_deduplication_id.is_some() {
            return Err(invalid(
                "The request includes a parameter that is not valid for this queue type: MessageDeduplicationId",
            ));
        }
        let delay = self.delay_seconds.unwrap_or_else(|| queue.delay());
        if delay > 900 {
            return Err(invalid(format!(
                "Value {delay} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."
            )));
        }
        let sent = now();
        let message = Message {
            id: uuid(),
            body: self.message_body,
            attributes: self.message_attributes,
            trace: message::trace(self.message_system_attributes)?,
            group: self.message_group_id,
            // Of a user, its id; of a role, its id and the session. Source: API reference, ReceiveMessage, SenderId.
            sender: caller.user_id.clone(),
            sent,
            visible: sent + delay as i64 * 1000,
            receipt: None,
            received: 0,
            first_received: None,
        };
        Ok((message, size))
    }
}

fn accepted(message: &Message) -> Map<String, Value> {
    let all = message.attributes.iter().map(|(name, value)| (name.as_str(), value));
    let mut shown = Map::new();
    shown.insert("MessageId".to_owned(), message.id.clone().into());
    shown.insert("MD5OfMessageBody".to_owned(), message::digest(&message.body).into());
    shown.extend(
        message::digest_of_attributes(all).map(|md5| ("MD5OfMessageAttributes".to_owned(), md5.into())),
    );
    let trace = message.trace.iter().map(|value| ("AWSTraceHeader", value));
    shown.extend(
        message::digest_of_attributes(trace)
            .map(|md5| ("MD5OfMessageSystemAttributes".to_owned(), md5.into())),
    );
    shown
}

pub(super) fn one(service: &Sqs, value: Value, caller: &Caller) -> Answer {
    let entry: Entry = input(value)?;
    let url = entry.queue_url.clone().unwrap_or_default();
    let (queue, messages) = service.find(&url, caller)?;
    let (message, _) = entry.message(&queue.attributes, caller)?;
    let answer = accepted(&message);
    messages.send(vec![message])?;
    Ok(answer.into())
}

/// The ids of a batch, refused where they are not distinct or not ids.
pub(super) fn ids(entries: &[Value]) -> Result<Vec<String>, ServiceError> {
    if entries.is_empty() {
        return Err(refused("EmptyBatchRequest", "There should be at least one entry in the request."));
    }
    if entries.len() > BATCH {
        let text =
            format!("Maximum number of entries per request are {BATCH}. You have sent {}.", entries.len());
        return Err(refused("TooManyEntriesInBatchRequest", text));
    }
    let ids: Vec<String> =
        entries.iter().map(|entry| entry["Id"].as_str().unwrap_or_default().to_owned()).collect();
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    if ids.iter().any(|id| !(1..=80).contains(&id.len()) || !id.bytes().all(plain)) {
        let text = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.";
        return Err(refused("InvalidBatchEntryId", text));
    }
    let mut seen = BTreeSet::new();
    match ids.iter().find(|id| !seen.insert(id.as_str())) {
        Some(id) => Err(refused("BatchEntryIdsNotDistinct", format!("Id {id} repeated."))),
        None => Ok(ids),
    }
}

/// The answer to a batch: what was done, and what was refused.
pub(super) fn outcome(done: Vec<Value>, failed: Vec<(String, ServiceError)>) -> Value {
    let failed: Vec<Value> = failed
        .into_iter()
        .map(|(id, error)| {
            json!({
                "Id": id,
                "Code": super::query_error(&error).split(';').next(),
                "Message": error.message,
                "SenderFault": error.status < 500,
            })
        })
        .collect();
    json!({ "Successful": done, "Failed": failed })
}

pub(super) fn batch(service: &Sqs, value: Value, caller: &Caller) -> Answer {
    let Batch { queue_url, entries } = input(value)?;
    let (queue, messages) = service.find(&queue_url, caller)?;
    let ids = ids(&entries)?;
    let (mut sent, mut done, mut failed, mut bytes) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for (id, entry) in ids.into_iter().zip(entries) {
        match input::<Entry>(entry).and_then(|entry| entry.message(&queue.attributes, caller)) {
            Ok((message, size)) => {
                bytes += size;
                let mut shown = accepted(&message);
                shown.insert("Id".to_owned(), id.into());
                done.push(shown.into());
                sent.push(message);
            }
            Err(error) => failed.push((id, error)),
        }
    }
    if bytes > BATCH_BYTES {
        let text =
            format!("Batch requests cannot be longer than {BATCH_BYTES} bytes. You have sent {bytes} bytes.");
        return Err(refused("BatchRequestTooLong", text));
    }
    messages.send(sent)?;
    Ok(outcome(done, failed))
}
