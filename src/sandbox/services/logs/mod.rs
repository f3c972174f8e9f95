//! CloudWatch Logs: groups, streams and their events, filter patterns, and metrics of what is logged.
//!
//! Invariants: an event is in its file before it is acknowledged; what the retention of a group does not cover is never
//! told, and goes from the disk within a minute. Queries of Logs Insights are not here.

mod events;
mod groups;
mod metrics;
mod pattern;
mod put;
mod store;
mod streams;

use std::{collections::BTreeMap, io, path::Path, sync::Arc, sync::Mutex};

use serde::Deserialize;
use serde_json::Value;

use crate::sandbox::{
    call::{Answer, Caller, ServiceError},
    persisted::Persisted,
    world::World,
};

use super::cloudwatch::Observation;
use groups::Group;
use metrics::Feed;
use store::Store;

/// What it answers.
pub const OPERATIONS: &[&str] = &[
    "CreateLogGroup",
    "CreateLogStream",
    "DeleteLogGroup",
    "DeleteLogStream",
    "DeleteMetricFilter",
    "DeleteRetentionPolicy",
    "DescribeLogGroups",
    "DescribeLogStreams",
    "DescribeMetricFilters",
    "FilterLogEvents",
    "GetLogEvents",
    "ListTagsForResource",
    "PutLogEvents",
    "PutMetricFilter",
    "PutRetentionPolicy",
    "TagResource",
    "TestMetricFilter",
    "UntagResource",
];

/// State of the service.
#[derive(Debug)]
pub struct Logs {
    store: Store,
    /// What is known of groups beside their events. A group that a service of the sandbox made may be missing.
    groups: Persisted<BTreeMap<String, Group>>,
    feed: Mutex<Feed>,
}

impl Logs {
    /// Opens the state kept in `dir`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let groups = Persisted::open(dir.join("groups.json"))?;
        Ok(Self { store: Store::open(dir)?, groups, feed: Mutex::default() })
    }

    /// Appends lines to a stream, which is made with its group where there is none.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn append(&self, group: &str, stream: &str, at_ms: i64, lines: &[String]) -> io::Result<()> {
        let events: Vec<(i64, &str)> = lines.iter().map(|line| (at_ms, line.as_str())).collect();
        self.take(group, stream, &events)
    }

    fn take(&self, group: &str, stream: &str, events: &[(i64, &str)]) -> io::Result<()> {
        self.store.append(group, stream, events)?;
        self.groups.read(|groups| {
            let filters = groups.get(group).map(|group| &group.filters).filter(|filters| !filters.is_empty());
            if let Some(filters) = filters {
                metrics::lock(&self.feed).take(group, filters, events, now_ms());
            }
        });
        Ok(())
    }

    /// The time of a stream's last event.
    pub fn last(&self, group: &str, stream: &str) -> Option<i64> {
        self.store.summary(group, stream, i64::MIN)?.last
    }

    /// The last lines of a group, oldest first, whatever their stream.
    pub fn tail(&self, group: &str, limit: usize) -> Vec<String> {
        let events = self.store.events(group, None).unwrap_or_default();
        let skip = events.len().saturating_sub(limit);
        events.into_iter().skip(skip).map(|(_, event)| event.message).collect()
    }

    /// What metric filters found since they were last asked.
    pub fn observations(&self, now: f64) -> Vec<Observation> {
        metrics::lock(&self.feed).drain(now)
    }

    /// Removes events that retention no longer covers.
    pub fn sweep(&self, now: f64) {
        let limited: Vec<(String, i64)> = self.groups.read(|groups| {
            let days = groups.iter().filter_map(|(name, group)| Some((name.clone(), group.retention?)));
            days.collect()
        });
        for (name, days) in limited {
            // A file that cannot be written anew keeps what nobody is told of.
            let _ = self.store.drop_before(&name, (now * 1000.0) as i64 - days * groups::DAY_MS);
        }
    }

    /// The earliest time that a group tells events of.
    fn horizon(&self, group: &str) -> i64 {
        let days = self.groups.read(|groups| groups.get(group)?.retention);
        days.map_or(i64::MIN, |days| now_ms() - days * groups::DAY_MS)
    }
}

/// Milliseconds since the epoch, now.
fn now_ms() -> i64 {
    (time::OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000) as i64
}

/// Members of the inputs of all operations that have no structures of their own.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Query {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_group_name_prefix: Option<String>,
    log_group_name_pattern: Option<String>,
    log_group_identifiers: Option<Vec<String>>,
    log_group_class: Option<String>,
    log_stream_name: Option<String>,
    log_stream_name_prefix: Option<String>,
    log_stream_names: Option<Vec<String>>,
    order_by: Option<String>,
    descending: Option<bool>,
    start_time: Option<i64>,
    end_time: Option<i64>,
    filter_pattern: Option<String>,
    next_token: Option<String>,
    limit: Option<i64>,
    start_from_head: Option<bool>,
}

impl Query {
    /// The group, by its name or its ARN.
    fn group(&self) -> Result<&str, ServiceError> {
        let named = self.log_group_name.as_deref();
        match (named, self.log_group_identifier.as_deref()) {
            (Some(_), Some(_)) => Err(invalid("logGroupName and logGroupIdentifier are mutually exclusive")),
            (Some(name), None) => Ok(name),
            (None, Some(identifier)) => Ok(of_arn(identifier).unwrap_or(identifier)),
            (None, None) => Err(invalid("logGroupName is required")),
        }
    }

    fn stream(&self) -> Result<&str, ServiceError> {
        self.log_stream_name.as_deref().ok_or_else(|| invalid("logStreamName is required"))
    }

    /// `limit`, from 1 to the most of an operation, which is also what it is unless it is said.
    fn limit(&self, most: usize) -> Result<usize, ServiceError> {
        match self.limit {
            None => Ok(most),
            Some(limit) if limit >= 1 && limit <= most as i64 => Ok(limit as usize),
            Some(limit) => Err(invalid(format!(
                "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must be from 1 to {most}"
            ))),
        }
    }
}

/// The name of a group in its ARN.
fn of_arn(arn: &str) -> Option<&str> {
    let (_, name) = arn.split_once(":log-group:")?;
    Some(name.strip_suffix(":*").unwrap_or(name))
}

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidParameterException", message)
}

fn missing(what: &str) -> ServiceError {
    ServiceError::client("ResourceNotFoundException", format!("The specified {what} does not exist."))
}

fn there_already(what: &str) -> ServiceError {
    ServiceError::client("ResourceAlreadyExistsException", format!("The specified {what} already exists"))
}

/// A page of what there is: a token is the number of those before it.
fn page(all: Vec<Value>, query: &Query, most: usize, member: &str) -> Answer {
    let limit = query.limit(most)?;
    let from = match query.next_token.as_deref() {
        None => 0,
        Some(token) => token.parse::<usize>().map_err(|_| invalid("The specified nextToken is invalid."))?,
    };
    let more = all.len() > from.saturating_add(limit);
    let items: Vec<Value> = all.into_iter().skip(from).take(limit).collect();
    let mut answer = serde_json::Map::from_iter([(member.to_owned(), Value::Array(items))]);
    if more {
        answer.insert("nextToken".to_owned(), (from + limit).to_string().into());
    }
    Ok(Value::Object(answer))
}

/// Answers one operation.
///
/// # Errors
/// The service's own.
pub async fn handle(world: &Arc<World>, operation: &str, input: Value, caller: &Caller) -> Answer {
    let logs = &world.logs;
    match operation {
        "PutLogEvents" => return put::put(logs, input),
        "PutMetricFilter" | "DescribeMetricFilters" | "DeleteMetricFilter" | "TestMetricFilter" => {
            return metrics::handle(logs, operation, &input);
        }
        "CreateLogGroup" => return groups::create(logs, &input),
        "TagResource" | "UntagResource" | "ListTagsForResource" => {
            return groups::tags(logs, operation, &input);
        }
        "PutRetentionPolicy" | "DeleteRetentionPolicy" => return groups::retention(logs, operation, &input),
        _ => {}
    }
    let query: Query = serde_json::from_value(input).map_err(|error| invalid(error.to_string()))?;
    match operation {
        "DeleteLogGroup" => groups::delete(logs, &query),
        "DescribeLogGroups" => groups::describe(logs, &query, caller),
        "CreateLogStream" => streams::create(logs, &query),
        "DeleteLogStream" => streams::delete(logs, &query),
        "DescribeLogStreams" => streams::describe(logs, &query, caller),
        "GetLogEvents" => events::get(logs, &query),
        "FilterLogEvents" => events::filter(logs, &query),
        _ => Err(ServiceError::not_in_sandbox("CloudWatch Logs", operation)),
    }
}
