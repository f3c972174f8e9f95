//! What happened to instances, snapshots and groups.

use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::sandbox::call::{Answer, ServiceError};

use super::{
    Call,
    input::{Input, combination, invalid, not_found},
    lists::{Wanted, filters},
    model::{now, written},
};

const KINDS: [&str; 3] = ["db-instance", "db-snapshot", "db-parameter-group"];

fn time(input: &mut Input, name: &str) -> Result<Option<f64>, ServiceError> {
    let wrong = |_| invalid(format!("{name} is not a time in ISO 8601."));
    let text = input.text(name)?;
    text.map(|text| OffsetDateTime::parse(&text, &Rfc3339).map(|at| at.unix_timestamp_nanos() as f64 / 1e9))
        .transpose()
        .map_err(wrong)
}

pub(super) fn describe(call: &Call<'_>, mut input: Input) -> Answer {
    let source = input.text("SourceIdentifier")?;
    let kind = input.text("SourceType")?;
    let (from, to) = (time(&mut input, "StartTime")?, time(&mut input, "EndTime")?);
    let minutes = input.number("Duration")?.unwrap_or(60);
    let categories = input.list("EventCategories")?.unwrap_or_default();
    filters(&mut input, &[])?;
    let wanted = Wanted::read(&mut input)?;
    input.done()?;
    if source.is_some() && kind.is_none() {
        return Err(combination("SourceType must be specified when SourceIdentifier is."));
    }
    if let Some(source) = &source {
        let known = call.index().read(|index| {
            index.events.iter().any(|event| event.source == *source)
                || index.instances.contains_key(source)
                || index.snapshots.contains_key(source)
                || index.parameter_groups.contains_key(source)
        });
        if !known {
            let (code, text) = match kind.as_deref() {
                Some("db-snapshot") => ("DBSnapshotNotFound", format!("DBSnapshot {source} not found.")),
                Some("db-parameter-group") => {
                    ("DBParameterGroupNotFound", format!("DBParameterGroup not found: {source}"))
                }
                _ => ("DBInstanceNotFound", format!("DBInstance {source} not found.")),
            };
            return Err(not_found(code, text));
        }
    }
    if let Some(kind) = kind.as_deref().filter(|kind| !KINDS.contains(kind)) {
        return Err(invalid(format!("Source type {kind} is not in the sandbox.")));
    }
    let to = to.unwrap_or_else(now);
    let from = from.unwrap_or(to - minutes as f64 * 60.0);
    let found: Vec<(String, Value)> = call.index().read(|index| {
        let all = index.events.iter().enumerate().filter(|(_, event)| {
            event.at >= from
                && event.at <= to
                && source.as_ref().is_none_or(|source| event.source == *source)
                && kind.as_ref().is_none_or(|kind| event.kind == *kind)
                && (categories.is_empty()
                    || event.category.as_ref().is_some_and(|of| categories.contains(of)))
        });
        let shown = all.map(|(number, event)| {
            let shown = json!({
                "SourceIdentifier": event.source,
                "SourceType": event.kind,
                "SourceArn": event.arn,
                "Message": event.message,
                "EventCategories": event.category.iter().collect::<Vec<_>>(),
                "Date": written(event.at),
            });
            (format!("{:020} {number:08}", (event.at * 1e3) as u64), shown)
        });
        shown.collect()
    });
    wanted.page("Events", found)
}
