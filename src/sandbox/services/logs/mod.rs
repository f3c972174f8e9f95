//! CloudWatch Logs: one append-only file per stream, one JSON line per event.

mod store;

use std::{io, path::Path, sync::Arc};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::{
    call::{Answer, Caller, ServiceError},
    world::World,
};

use store::Store;

/// What it answers.
pub const OPERATIONS: &[&str] = &[
    "CreateLogGroup",
    "CreateLogStream",
    "DeleteLogGroup",
    "DescribeLogGroups",
    "DescribeLogStreams",
    "FilterLogEvents",
    "GetLogEvents",
    "PutLogEvents",
];

/// State of the service.
#[derive(Debug)]
pub struct Logs {
    store: Store,
}

impl Logs {
    /// Opens the state kept in `dir`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(dir: &Path) -> io::Result<Self> {
        Ok(Self { store: Store::open(dir)? })
    }

    /// Appends lines to a stream, which is made with its group where there is none.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn append(&self, group: &str, stream: &str, at_ms: i64, lines: &[String]) -> io::Result<()> {
        self.store.append(group, stream, lines.iter().map(|line| (at_ms, line.as_str())))
    }

    /// The last lines of a group, oldest first, whatever their stream.
    pub fn tail(&self, group: &str, limit: usize) -> Vec<String> {
        let events = self.store.events(group, None).unwrap_or_default();
        let skip = events.len().saturating_sub(limit);
        events.into_iter().skip(skip).map(|(_, event)| event.message).collect()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Query {
    log_group_name: Option<String>,
    log_group_name_prefix: Option<String>,
    log_stream_name: Option<String>,
    log_stream_name_prefix: Option<String>,
    log_stream_names: Option<Vec<String>>,
    start_time: Option<i64>,
    end_time: Option<i64>,
    filter_pattern: Option<String>,
    next_token: Option<String>,
    limit: Option<usize>,
    start_from_head: Option<bool>,
    log_events: Vec<InputEvent>,
}

#[derive(Debug, Deserialize)]
struct InputEvent {
    timestamp: i64,
    message: String,
}

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidParameterException", message)
}

fn missing(what: &str) -> ServiceError {
    ServiceError::client("ResourceNotFoundException", format!("The specified {what} does not exist."))
}

/// Answers one operation.
///
/// # Errors
/// The service's own.
pub async fn handle(world: &Arc<World>, operation: &str, input: Value, caller: &Caller) -> Answer {
    let query: Query = serde_json::from_value(input).map_err(|error| invalid(error.to_string()))?;
    let store = &world.logs.store;
    let group = || query.log_group_name.as_deref().ok_or_else(|| invalid("logGroupName is required"));
    let stream = || query.log_stream_name.as_deref().ok_or_else(|| invalid("logStreamName is required"));
    let arn = |name: &str| format!("arn:aws:logs:{}:{}:log-group:{name}", caller.region, caller.account);
    match operation {
        "CreateLogGroup" => {
            if !store.create_group(group()?)? {
                let text = "The specified log group already exists";
                return Err(ServiceError::client("ResourceAlreadyExistsException", text));
            }
            Ok(json!({}))
        }
        "CreateLogStream" => {
            if !store.has_group(group()?) {
                return Err(missing("log group"));
            }
            store.append(group()?, stream()?, std::iter::empty())?;
            Ok(json!({}))
        }
        "PutLogEvents" => {
            if !store
                .streams(group()?)
                .is_some_and(|s| s.iter().any(|name| Some(name) == query.log_stream_name.as_ref()))
            {
                return Err(missing("log stream"));
            }
            let events = query.log_events.iter().map(|event| (event.timestamp, event.message.as_str()));
            store.append(group()?, stream()?, events)?;
            Ok(json!({ "nextSequenceToken": "0" }))
        }
        "DeleteLogGroup" => {
            if store.delete_group(group()?)? {
                Ok(json!({}))
            } else {
                Err(missing("log group"))
            }
        }
        "DescribeLogGroups" => {
            let prefix = query.log_group_name_prefix.as_deref().unwrap_or_default();
            let groups: Vec<Value> = store
                .groups()
                .into_iter()
                .filter(|name| name.starts_with(prefix))
                .map(|name| json!({ "logGroupName": name, "arn": format!("{}:*", arn(&name)), "logGroupArn": arn(&name) }))
                .collect();
            Ok(json!({ "logGroups": groups }))
        }
        "DescribeLogStreams" => {
            let prefix = query.log_stream_name_prefix.as_deref().unwrap_or_default();
            let streams: Vec<Value> = store
                .streams(group()?)
                .ok_or_else(|| missing("log group"))?
                .into_iter()
                .filter(|name| name.starts_with(prefix))
                .map(|name| json!({ "logStreamName": name }))
                .collect();
            Ok(json!({ "logStreams": streams }))
        }
        "GetLogEvents" => get(store, group()?, stream()?, &query),
        "FilterLogEvents" => filter(store, group()?, &query),
        _ => Err(ServiceError::not_in_sandbox("CloudWatch Logs", operation)),
    }
}

fn in_time(query: &Query, at: i64) -> bool {
    query.start_time.is_none_or(|start| at >= start) && query.end_time.is_none_or(|end| at < end)
}

/// Tokens of GetLogEvents are a direction and the index of an event in its stream.
fn get(store: &Store, group: &str, stream: &str, query: &Query) -> Answer {
    let events = store.events(group, Some(stream)).ok_or_else(|| missing("log stream"))?;
    let limit = query.limit.unwrap_or(10_000).clamp(1, 10_000);
    let index = |token: &str| token.get(2..).and_then(|n| n.parse::<usize>().ok());
    let (from, to) = match query.next_token.as_deref() {
        Some(token) => {
            let at =
                index(token).ok_or_else(|| invalid("The specified nextToken is invalid."))?.min(events.len());
            if token.starts_with("b/") {
                (at.saturating_sub(limit), at)
            } else {
                (at, (at + limit).min(events.len()))
            }
        }
        None if query.start_from_head == Some(true) => (0, limit.min(events.len())),
        None => (events.len().saturating_sub(limit), events.len()),
    };
    let page: Vec<Value> = events[from..to]
        .iter()
        .filter(|(_, event)| in_time(query, event.timestamp))
        .map(|(_, event)| json!({ "timestamp": event.timestamp, "message": event.message, "ingestionTime": event.ingested }))
        .collect();
    Ok(
        json!({ "events": page, "nextForwardToken": format!("f/{to}"), "nextBackwardToken": format!("b/{from}") }),
    )
}

fn filter(store: &Store, group: &str, query: &Query) -> Answer {
    let pattern = query.filter_pattern.as_deref().unwrap_or_default();
    if pattern.starts_with(['{', '[', '%', '?']) || pattern.contains([' ', '"']) {
        return Err(invalid("only a single plain word is understood as a filter pattern in the sandbox"));
    }
    let events = store.events(group, None).ok_or_else(|| missing("log group"))?;
    let wanted = |stream: &str| {
        query.log_stream_names.as_ref().is_none_or(|names| names.iter().any(|name| name == stream))
            && query.log_stream_name_prefix.as_deref().is_none_or(|prefix| stream.starts_with(prefix))
    };
    let skip = match query.next_token.as_deref() {
        Some(token) => token.parse::<usize>().map_err(|_| invalid("The specified nextToken is invalid."))?,
        None => 0,
    };
    let limit = query.limit.unwrap_or(10_000).clamp(1, 10_000);
    let mut matching = events
        .into_iter()
        .enumerate()
        .filter(|(_, (stream, event))| {
            wanted(stream) && in_time(query, event.timestamp) && event.message.contains(pattern)
        })
        .skip(skip);
    let page: Vec<Value> = matching
        .by_ref()
        .take(limit)
        .map(|(index, (stream, event))| {
            json!({
                "logStreamName": stream,
                "timestamp": event.timestamp,
                "message": event.message,
                "ingestionTime": event.ingested,
                "eventId": index.to_string(),
            })
        })
        .collect();
    let more = matching.next().is_some();
    let mut answer = json!({ "events": page, "searchedLogStreams": [] });
    if more {
        answer["nextToken"] = (skip + limit).to_string().into();
    }
    Ok(answer)
}
