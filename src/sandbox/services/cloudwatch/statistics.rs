//! `GetMetricStatistics` and `ListMetrics`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::sandbox::call::{Answer, Caller};

use super::{
    CloudWatch,
    input::{self, combination, invalid, missing},
    query,
    stat::{self, Metric, Stat},
    store::Window,
};

/// Most data points of one answer. Source: CloudWatch API reference, `GetMetricStatistics`.
const POINTS: f64 = 1440.0;

/// Metrics on a page of `ListMetrics`. Source: CloudWatch API reference, `ListMetrics`.
const PAGE: usize = 500;

/// Data points of each unit that the metric was published with.
pub(super) fn get(state: &CloudWatch, input: &Value) -> Answer {
    let metric = Metric::of(input::required(input, "Namespace")?, input)?;
    let start = input::time(input, "StartTime")?.ok_or_else(|| missing("StartTime"))?;
    let end = input::time(input, "EndTime")?.ok_or_else(|| missing("EndTime"))?;
    let seconds = input::integer(input, "Period")?.ok_or_else(|| missing("Period"))?;
    let period = query::period(seconds).map_err(|error| invalid(error.message))?;
    if start >= end {
        return Err(combination("The parameter StartTime must be less than the parameter EndTime."));
    }
    if (end - start) / period as f64 > POINTS {
        return Err(combination(format!(
            "You have requested up to {} datapoints, which exceeds the limit of 1,440.",
            ((end - start) / period as f64).ceil()
        )));
    }
    let (plain, extended) = (input::texts(input, "Statistics"), input::texts(input, "ExtendedStatistics"));
    if plain.is_empty() == extended.is_empty() {
        let words = "Must specify either Statistics or ExtendedStatistics, and not both.";
        return Err(if plain.is_empty() { missing("Statistics") } else { combination(words) });
    }
    let stats: Vec<(String, Stat)> = plain
        .iter()
        .chain(&extended)
        .map(|name| Ok((name.clone(), Stat::required(name)?)))
        .collect::<Result<_, crate::sandbox::call::ServiceError>>()?;
    let percentile = |stat: &Stat| matches!(stat, Stat::Percentile(_));
    if stats.iter().any(|(_, stat)| percentile(stat) == extended.is_empty()) {
        return Err(invalid(
            "Statistics are names such as Sum, ExtendedStatistics percentiles such as p99.9.",
        ));
    }
    let wanted = stat::unit(input)?;
    let store = state.store();
    let units: Vec<String> =
        store.series.get(&metric).into_iter().flat_map(BTreeMap::keys).cloned().collect();
    let mut points = Vec::new();
    for unit in units.into_iter().filter(|unit| wanted.as_ref().is_none_or(|wanted| wanted == unit)) {
        for (at, bucket) in store.buckets(&metric, Some(&unit), Window::aligned(period, start, end)) {
            let values: Vec<(&String, f64)> =
                stats.iter().filter_map(|(name, stat)| Some((name, bucket.value(*stat)?))).collect();
            if values.is_empty() {
                continue;
            }
            let values: Map<String, Value> =
                values.into_iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            let mut point = json!({ "Timestamp": at as f64, "Unit": unit });
            if extended.is_empty() {
                for (name, value) in values {
                    point[name] = value;
                }
            } else {
                point["ExtendedStatistics"] = Value::Object(values);
            }
            points.push(point);
        }
    }
    Ok(json!({ "Label": metric.name, "Datapoints": points }))
}

/// Metrics that have data of the last fifteen days.
pub(super) fn list(state: &CloudWatch, input: &Value, caller: &Caller) -> Answer {
    let filters: Vec<(String, Option<String>)> = input::list(input, "Dimensions")
        .iter()
        .map(|one| {
            Ok((input::required(one, "Name")?.to_owned(), input::text(one, "Value").map(str::to_owned)))
        })
        .collect::<Result<_, crate::sandbox::call::ServiceError>>()?;
    let recent = match input::text(input, "RecentlyActive") {
        None => None,
        Some("PT3H") => Some(input::now() as i64 - 3 * 3600),
        Some(other) => return Err(invalid(format!("RecentlyActive is PT3H, not {other}."))),
    };
    let (namespace, name) = (input::text(input, "Namespace"), input::text(input, "MetricName"));
    let store = state.store();
    let found: Vec<Value> = store
        .series
        .iter()
        .filter(|(metric, units)| {
            namespace.is_none_or(|wanted| metric.namespace == wanted)
                && name.is_none_or(|wanted| metric.name == wanted)
                && filters.iter().all(|(name, value)| {
                    let mut dimensions = metric.dimensions.iter();
                    dimensions.any(|(n, v)| n == name && value.as_ref().is_none_or(|value| value == v))
                })
                && recent.is_none_or(|since| {
                    units.values().any(|series| series.minutes.range(since - 60..).next_back().is_some())
                })
        })
        .map(|(metric, _)| metric.shown())
        .collect();
    let (metrics, next) =
        input::page(found, input::text(input, "NextToken"), PAGE).map_err(|mut error| {
            error.code = "InvalidParameterValueException";
            error
        })?;
    let mut answer = json!({ "Metrics": metrics });
    if input::boolean(input, "IncludeLinkedAccounts") == Some(true) {
        answer["OwningAccounts"] = json!(vec![&caller.account; metrics.len()]);
    }
    if let Some(next) = next {
        answer["NextToken"] = json!(next);
    }
    Ok(answer)
}
