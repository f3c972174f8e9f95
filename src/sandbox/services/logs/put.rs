//! `PutLogEvents`. Limits: CloudWatch Logs API reference, `PutLogEvents`.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::call::Answer;

use super::{Logs, groups::DAY_MS, invalid, missing, now_ms};

/// Events of one call.
const EVENTS: usize = 10_000;
/// Bytes of one call: those of the messages, and [`EACH`] for every event.
const BYTES: usize = 1_048_576;
const EACH: usize = 26;
/// Bytes of one event.
const EVENT: usize = 256 * 1024;
/// How old and how far in the future an event may be.
const OLDEST: i64 = 14 * DAY_MS;
const NEWEST: i64 = 2 * 3_600_000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    log_group_name: String,
    log_stream_name: String,
    log_events: Vec<InputEvent>,
    #[serde(default)]
    entity: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct InputEvent {
    timestamp: i64,
    message: String,
}

pub(super) fn put(logs: &Logs, input: Value) -> Answer {
    let input: Input = serde_json::from_value(input).map_err(|error| invalid(error.to_string()))?;
    let (group, stream, events) = (&input.log_group_name, &input.log_stream_name, &input.log_events);
    if !logs.store.has_group(group) {
        return Err(missing("log group"));
    }
    if !logs.store.has_stream(group, stream) {
        return Err(missing("log stream"));
    }
    if events.is_empty() || events.len() > EVENTS {
        return Err(invalid(format!("logEvents has 1 to {EVENTS} events")));
    }
    if events.iter().any(|event| event.message.is_empty() || event.timestamp < 0) {
        return Err(invalid("A log event has a message and a timestamp that is not negative"));
    }
    if let Some(event) = events.iter().find(|event| event.message.len() + EACH > EVENT) {
        return Err(invalid(format!(
            "Log event too large: {} bytes exceeds limit of {EVENT}",
            event.message.len() + EACH
        )));
    }
    let bytes: usize = events.iter().map(|event| event.message.len() + EACH).sum();
    if bytes > BYTES {
        return Err(invalid(format!("Upload too large: {bytes} bytes exceeds limit of {BYTES}")));
    }
    if events.windows(2).any(|pair| pair[0].timestamp > pair[1].timestamp) {
        return Err(invalid("Log events in a single PutLogEvents request must be in chronological order."));
    }
    let (first, last) = (events[0].timestamp, events[events.len() - 1].timestamp);
    if last - first > DAY_MS {
        return Err(invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ));
    }
    let now = now_ms();
    let horizon = logs.horizon(group);
    // Events are in order, so those that are refused are the first and the last ones.
    let before = |time: i64| events.partition_point(|event| event.timestamp < time);
    let (expired, old) = (before(horizon), before(now - OLDEST));
    let new = events.partition_point(|event| event.timestamp <= now + NEWEST);
    let from = expired.max(old).min(new);
    let taken: Vec<(i64, &str)> =
        events[from..new].iter().map(|event| (event.timestamp, event.message.as_str())).collect();
    if !taken.is_empty() {
        logs.take(group, stream, &taken)?;
    }
    let mut answer = json!({ "nextSequenceToken": "0" });
    for (refused, member, at) in [
        (expired > 0, "expiredLogEventEndIndex", expired),
        (old > 0, "tooOldLogEventEndIndex", old),
        (new < events.len(), "tooNewLogEventStartIndex", new),
    ] {
        if refused {
            answer["rejectedLogEventsInfo"][member] = json!(at);
        }
    }
    if input.entity.is_some() {
        // The events are taken, the entity is not.
        answer["rejectedEntityInfo"] = json!({ "errorType": "UnsupportedLogGroupType" });
    }
    Ok(answer)
}
