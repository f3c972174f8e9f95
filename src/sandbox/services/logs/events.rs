//! `GetLogEvents` and `FilterLogEvents`. Limits: CloudWatch Logs API reference, of the two.
//!
//! A token is a place between two events: the time, stream and number of the event before or behind it. So pages stay
//! whole while events are added and old ones go.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};

use crate::sandbox::call::{Answer, ServiceError};

use super::{Logs, Query, invalid, missing, pattern::Pattern, store::Event};

/// Events on a page, and bytes of their messages.
const PAGE: usize = 10_000;
const BYTES: usize = 1_048_576;

/// Where an event is in the order of its stream.
type Place = (i64, u64);

fn in_time(query: &Query, horizon: i64, at: i64, to_end: bool) -> bool {
    let end = query.end_time.is_none_or(|end| at < end || (to_end && at == end));
    at >= horizon && query.start_time.is_none_or(|start| at >= start) && end
}

fn wrong_token() -> ServiceError {
    invalid("The specified nextToken is invalid.")
}

fn place(text: &str) -> Result<Place, ServiceError> {
    let (at, line) = text.split_once('-').ok_or_else(wrong_token)?;
    Ok((at.parse().map_err(|_| wrong_token())?, line.parse().map_err(|_| wrong_token())?))
}

/// How many events fit a page; at least one, so that there is an end.
fn fitting<'a>(events: impl Iterator<Item = &'a Event>, limit: usize) -> usize {
    let mut bytes = 0;
    let sized = events.take(limit).enumerate().take_while(|(at, event)| {
        bytes += event.message.len() + 26;
        *at == 0 || bytes <= BYTES
    });
    sized.count()
}

/// Pages go in both directions. The forward token begins with what is behind the last event told, the backward one ends
/// before the first; at an end there is nothing to tell and the token is the same again.
pub(super) fn get(logs: &Logs, query: &Query) -> Answer {
    let (group, stream) = (query.group()?, query.stream()?);
    if !logs.store.has_group(group) {
        return Err(missing("log group"));
    }
    let events = logs.store.events(group, Some(stream)).ok_or_else(|| missing("log stream"))?;
    let limit = query.limit(PAGE)?;
    let horizon = logs.horizon(group);
    let events: Vec<Event> = events
        .into_iter()
        .map(|(_, event)| event)
        .filter(|event| in_time(query, horizon, event.timestamp, false))
        .collect();
    let before = |place: Place| events.partition_point(|event| (event.timestamp, event.line) < place);
    let forward = |from: usize| (from, from + fitting(events[from..].iter(), limit));
    let backward = |to: usize| (to - fitting(events[..to].iter().rev(), limit), to);
    let token = match query.next_token.as_deref() {
        None => None,
        Some(token) => match token.split_once('/') {
            Some((way @ ("f" | "b"), text)) => Some((way, place(text)?)),
            _ => return Err(wrong_token()),
        },
    };
    let (from, to) = match token {
        Some(("f", place)) => forward(before(place)),
        Some((_, place)) => backward(before(place)),
        None if query.start_from_head == Some(true) => forward(0),
        None => backward(events.len()),
    };
    let page = &events[from..to];
    let at = token.map_or((query.start_time.unwrap_or(0), 0), |(_, place)| place);
    let behind = page.last().map_or(at, |last| (last.timestamp, last.line + 1));
    let first = page.first().map_or(at, |first| (first.timestamp, first.line));
    let shown: Vec<Value> = page
        .iter()
        .map(|event| json!({ "timestamp": event.timestamp, "message": event.message, "ingestionTime": event.ingested }))
        .collect();
    Ok(json!({
        "events": shown,
        "nextForwardToken": format!("f/{}-{}", behind.0, behind.1),
        "nextBackwardToken": format!("b/{}-{}", first.0, first.1),
    }))
}

/// Matching events of all streams, or of some, in order of time.
pub(super) fn filter(logs: &Logs, query: &Query) -> Answer {
    let group = query.group()?;
    let text = query.filter_pattern.as_deref().unwrap_or_default();
    let pattern = Pattern::parse(text).map_err(|why| invalid(format!("Invalid filter pattern: {why}")))?;
    let (names, prefix) = (query.log_stream_names.as_ref(), query.log_stream_name_prefix.as_deref());
    if names.is_some() && prefix.is_some() {
        return Err(invalid("logStreamNames and logStreamNamePrefix are mutually exclusive"));
    }
    if let Some(name) = names.into_iter().flatten().find(|name| !logs.store.has_stream(group, name)) {
        return Err(missing(&format!("log stream {name}")));
    }
    let after = query.next_token.as_deref().map(read_token).transpose()?;
    let limit = query.limit(PAGE)?;
    let horizon = logs.horizon(group);
    let wanted = |stream: &str| {
        names.is_none_or(|names| names.iter().any(|name| name == stream))
            && prefix.is_none_or(|prefix| stream.starts_with(prefix))
    };
    let found: Vec<(String, Event)> = logs
        .store
        .events(group, None)
        .ok_or_else(|| missing("log group"))?
        .into_iter()
        .filter(|(stream, event)| {
            wanted(stream)
                && in_time(query, horizon, event.timestamp, true)
                && after.as_ref().is_none_or(|(at, last, line)| {
                    (event.timestamp, stream.as_str(), event.line) > (*at, last.as_str(), *line)
                })
                && pattern.matches(&event.message)
        })
        .collect();
    let count = fitting(found.iter().map(|(_, event)| event), limit);
    let page: Vec<Value> = found[..count]
        .iter()
        .map(|(stream, event)| {
            json!({
                "logStreamName": stream,
                "timestamp": event.timestamp,
                "message": event.message,
                "ingestionTime": event.ingested,
                "eventId": event_id(stream, event),
            })
        })
        .collect();
    // It was taken out of the service in 2020 and is empty since. Source: CloudWatch Logs API reference.
    let mut answer = json!({ "events": page, "searchedLogStreams": [] });
    if count < found.len()
        && let Some((stream, last)) = found[..count].last()
    {
        let stream = utf8_percent_encode(stream, NON_ALPHANUMERIC);
        answer["nextToken"] = json!(format!("{}-{}/{stream}", last.timestamp, last.line));
    }
    Ok(answer)
}

fn read_token(token: &str) -> Result<(i64, String, u64), ServiceError> {
    let (text, stream) = token.split_once('/').ok_or_else(wrong_token)?;
    let (at, line) = place(text)?;
    let stream = percent_decode_str(stream).decode_utf8().map_err(|_| wrong_token())?;
    Ok((at, stream.into_owned(), line))
}

/// The same for an event whenever it is told, and another for every other one of the group.
fn event_id(stream: &str, event: &Event) -> String {
    let name = stream.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{:015}{name:020}{:021}", event.timestamp, event.line)
}
