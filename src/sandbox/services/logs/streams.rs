//! Log streams. Limits: CloudWatch Logs API reference, `CreateLogStream` and `DescribeLogStreams`.

use serde_json::{Value, json};

use crate::sandbox::call::{Answer, Caller};

use super::{Logs, Query, invalid, missing, page, there_already};

/// Streams on a page.
const PAGE: usize = 50;

pub(super) fn create(logs: &Logs, query: &Query) -> Answer {
    let (group, stream) = (query.group()?, query.stream()?);
    if stream.is_empty() || stream.len() > 512 || stream.contains([':', '*']) {
        return Err(invalid("logStreamName has 1 to 512 characters, none of them : or *"));
    }
    if !logs.store.has_group(group) {
        return Err(missing("log group"));
    }
    if logs.store.has_stream(group, stream) {
        return Err(there_already("log stream"));
    }
    logs.store.append(group, stream, &[])?;
    Ok(json!({}))
}

pub(super) fn delete(logs: &Logs, query: &Query) -> Answer {
    let (group, stream) = (query.group()?, query.stream()?);
    if !logs.store.has_group(group) {
        return Err(missing("log group"));
    }
    if logs.store.delete_stream(group, stream)? { Ok(json!({})) } else { Err(missing("log stream")) }
}

pub(super) fn describe(logs: &Logs, query: &Query, caller: &Caller) -> Answer {
    let group = query.group()?;
    let by_time = match query.order_by.as_deref() {
        None | Some("LogStreamName") => false,
        Some("LastEventTime") => true,
        Some(other) => return Err(invalid(format!("orderBy cannot be {other}"))),
    };
    let prefix = query.log_stream_name_prefix.as_deref();
    if by_time && prefix.is_some() {
        return Err(invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
    }
    let horizon = logs.horizon(group);
    let names = logs.store.streams(group).ok_or_else(|| missing("log group"))?.into_iter();
    let wanted = names.filter(|name| prefix.is_none_or(|prefix| name.starts_with(prefix)));
    let mut streams: Vec<_> =
        wanted.filter_map(|name| Some((logs.store.summary(group, &name, horizon)?, name))).collect();
    if by_time {
        streams.sort_by_key(|(summary, _)| summary.last.unwrap_or_default());
    }
    if query.descending == Some(true) {
        streams.reverse();
    }
    let arn = format!("arn:aws:logs:{}:{}:log-group:{group}:log-stream", caller.region, caller.account);
    let shown = streams.into_iter().map(|(summary, name)| {
        let mut shown = json!({
            "logStreamName": name,
            "creationTime": summary.created,
            "arn": format!("{arn}:{name}"),
            // Always 0 since June 2019. Source: CloudWatch Logs API reference, `LogStream`.
            "storedBytes": 0,
        });
        let times = [
            ("firstEventTimestamp", summary.first),
            ("lastEventTimestamp", summary.last),
            ("lastIngestionTime", summary.ingested),
        ];
        for (member, time) in times {
            if let Some(time) = time {
                shown[member] = Value::from(time);
            }
        }
        shown
    });
    page(shown.collect(), query, PAGE, "logStreams")
}
