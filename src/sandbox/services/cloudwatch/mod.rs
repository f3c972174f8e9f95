//! CloudWatch metrics of App Runner, measured from the real traffic of the edge, second by second.
//!
//! They are kept in memory for a few hours and are lost with the process, as every other fact of a run is not.

mod series;

use std::{io, path::Path, sync::Arc};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::{
    call::{Answer, Caller, ServiceError},
    world::World,
};

use series::Series;

/// What it answers.
pub const OPERATIONS: &[&str] = &["GetMetricData"];

/// State of the service.
#[derive(Debug, Default)]
pub struct CloudWatch {
    series: Series,
}

impl CloudWatch {
    /// Starts empty.
    ///
    /// # Errors
    /// None today; it opens like every other service.
    pub fn open(_dir: &Path) -> io::Result<Self> {
        Ok(Self::default())
    }

    /// Counts one request that an App Runner service answered at a time in seconds since the epoch.
    pub fn record_request(
        &self,
        service_name: &str,
        service_id: &str,
        status: u16,
        latency_ms: f64,
        at: f64,
    ) {
        self.series.record(service_name, service_id, status, latency_ms, at);
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Query {
    id: String,
    label: Option<String>,
    metric_stat: Option<MetricStat>,
    return_data: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MetricStat {
    metric: Metric,
    period: i64,
    stat: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    namespace: String,
    metric_name: String,
    #[serde(default)]
    dimensions: Vec<Dimension>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Dimension {
    name: String,
    value: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    metric_data_queries: Vec<Query>,
    start_time: f64,
    end_time: f64,
}

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidParameterValueException", message)
}

/// Answers one operation.
///
/// # Errors
/// The service's own.
pub async fn handle(world: &Arc<World>, operation: &str, input: Value, _caller: &Caller) -> Answer {
    if operation != "GetMetricData" {
        return Err(ServiceError::not_in_sandbox("CloudWatch", operation));
    }
    let input: Input = serde_json::from_value(input).map_err(|error| invalid(error.to_string()))?;
    let results: Vec<Value> = input
        .metric_data_queries
        .iter()
        .filter(|query| query.return_data != Some(false))
        .map(|query| one(world, query, input.start_time, input.end_time))
        .collect::<Result<_, _>>()?;
    Ok(json!({ "MetricDataResults": results, "Messages": [] }))
}

fn one(world: &World, query: &Query, start: f64, end: f64) -> Answer {
    let stat = query.metric_stat.as_ref().ok_or_else(|| invalid("expressions are not in the sandbox"))?;
    if ![1, 5, 10, 20, 30].contains(&stat.period) && (stat.period < 60 || stat.period % 60 != 0) {
        return Err(invalid("Period must be 1, 5, 10, 20, 30 or a multiple of 60"));
    }
    let dimension =
        |name: &str| stat.metric.dimensions.iter().find(|d| d.name == name).map(|d| d.value.as_str());
    let values = match (stat.metric.namespace.as_str(), dimension("ServiceName"), dimension("ServiceID")) {
        ("AWS/AppRunner", Some(name), Some(id)) => world.cloudwatch.series.read(
            name,
            id,
            &stat.metric.metric_name,
            &stat.stat,
            stat.period,
            start,
            end,
        ),
        // A metric that nobody has published has no values, in CloudWatch too.
        _ => Vec::new(),
    };
    // Newest first, as the service answers by default.
    let (timestamps, values): (Vec<f64>, Vec<f64>) = values.into_iter().rev().unzip();
    Ok(json!({
        "Id": query.id,
        "Label": query.label.as_deref().unwrap_or(&stat.metric.metric_name),
        "Timestamps": timestamps,
        "Values": values,
        "StatusCode": "Complete",
    }))
}
