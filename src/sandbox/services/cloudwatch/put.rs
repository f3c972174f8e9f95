//! `PutMetricData`. Limits: CloudWatch API reference, `PutMetricData` and `MetricDatum`.

use serde_json::{Value, json};

use crate::sandbox::call::{Answer, ServiceError};

use super::{
    CloudWatch,
    bucket::Bucket,
    input::{self, combination, invalid, missing},
    stat::{self, Metric},
};

/// Metrics in one call.
const METRICS: usize = 1000;
/// Values of one metric in one call.
const VALUES: usize = 150;
/// Metrics that the sandbox keeps at all; what CloudWatch has no limit for, memory has.
pub(super) const KEPT: usize = 20_000;

struct Datum {
    metric: Metric,
    unit: String,
    at: i64,
    high: bool,
    buckets: Vec<Bucket>,
}

/// Values are between -2^360 and 2^360.
fn bounded(value: f64) -> Result<f64, ServiceError> {
    if value.is_finite() && value.abs() <= 2_f64.powi(360) {
        Ok(value)
    } else {
        Err(invalid(format!("The value {value} is out of range: it is from -2^360 to 2^360.")))
    }
}

fn buckets(one: &Value) -> Result<Vec<Bucket>, ServiceError> {
    let value = input::number(one, "Value")?;
    let values = input::numbers(one, "Values")?;
    let counts = input::numbers(one, "Counts")?;
    let set = &one["StatisticValues"];
    let ways = usize::from(value.is_some()) + usize::from(!values.is_empty()) + usize::from(set.is_object());
    if ways > 1 {
        return Err(combination("The parameters Value, Values and StatisticValues are mutually exclusive."));
    }
    if let Some(value) = value {
        return Ok(vec![Bucket::of(bounded(value)?, 1.0)]);
    }
    if set.is_object() {
        let of = |name: &str| input::number(set, name)?.ok_or_else(|| missing(name)).and_then(bounded);
        let (count, sum, min, max) = (of("SampleCount")?, of("Sum")?, of("Minimum")?, of("Maximum")?);
        if count <= 0.0 || min > max {
            return Err(invalid(
                "StatisticValues have a positive SampleCount, and a Minimum that is not above the Maximum.",
            ));
        }
        return Ok(vec![Bucket::set(count, sum, min, max)]);
    }
    if values.is_empty() {
        return Err(missing("Value"));
    }
    if values.len() > VALUES {
        return Err(invalid(format!("The collection Values must not have a size greater than {VALUES}.")));
    }
    if !counts.is_empty() && counts.len() != values.len() {
        return Err(invalid("The parameters Values and Counts must have the same size."));
    }
    if counts.iter().any(|count| *count <= 0.0) {
        return Err(invalid("A count is positive."));
    }
    let pairs = values.iter().enumerate();
    pairs
        .map(|(at, value)| Ok(Bucket::of(bounded(*value)?, counts.get(at).copied().unwrap_or(1.0))))
        .collect()
}

fn datum(namespace: &str, one: &Value, now: f64) -> Result<Datum, ServiceError> {
    let at = input::time(one, "Timestamp")?.unwrap_or(now);
    if at < now - 14.0 * 86_400.0 || at > now + 2.0 * 3_600.0 {
        return Err(invalid(
            "Timestamp must be within the last two weeks, or at most two hours in the future.",
        ));
    }
    let high = match input::integer(one, "StorageResolution")? {
        None | Some(60) => false,
        Some(1) => true,
        Some(other) => return Err(invalid(format!("StorageResolution is 1 or 60, not {other}."))),
    };
    Ok(Datum {
        metric: Metric::of(namespace, one)?,
        unit: stat::unit(one)?.unwrap_or_else(|| "None".to_owned()),
        at: at.floor() as i64,
        high,
        buckets: buckets(one)?,
    })
}

/// All values of a call are taken, or none.
pub(super) fn put(state: &CloudWatch, input: &Value) -> Answer {
    let namespace = input::required(input, "Namespace")?;
    if namespace.starts_with("AWS/") {
        return Err(invalid("The value AWS/ for parameter Namespace is invalid."));
    }
    if !input::list(input, "EntityMetricData").is_empty() {
        return Err(invalid("EntityMetricData is not in the sandbox."));
    }
    let list = input::list(input, "MetricData");
    if list.is_empty() {
        return Err(missing("MetricData"));
    }
    if list.len() > METRICS {
        return Err(invalid(format!(
            "The collection MetricData must not have a size greater than {METRICS}."
        )));
    }
    let now = input::now();
    let data: Vec<Datum> = list.iter().map(|one| datum(namespace, one, now)).collect::<Result<_, _>>()?;
    let mut store = state.store();
    if store.series.len() + data.len() > KEPT
        && data.iter().any(|one| !store.series.contains_key(&one.metric))
    {
        return Err(invalid(format!(
            "The sandbox keeps {KEPT} metrics; those of the last 15 days are as many."
        )));
    }
    for one in data {
        for bucket in &one.buckets {
            store.put(&one.metric, &one.unit, one.at, one.high, bucket);
        }
    }
    Ok(json!({}))
}
