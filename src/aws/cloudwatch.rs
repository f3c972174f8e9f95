//! What users got, from the metrics App Runner publishes.
//!
//! Source: App Runner developer guide, "Viewing App Runner service metrics reported to CloudWatch": `Requests` and
//! `5xxStatusResponses` are sums, `RequestLatency` is in milliseconds; dimensions are ServiceName and ServiceID.

use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_cloudwatch::{
    Client,
    primitives::DateTime,
    types::{Dimension, Metric, MetricDataQuery, MetricStat},
};

use time::OffsetDateTime;

use crate::{
    engine::ports::{Metrics, PortResult, Requests},
    rollout::SlotState,
};

use super::error::port_error;

pub(super) struct CloudWatch {
    client: Client,
    resolution: Duration,
}

impl CloudWatch {
    pub fn new(config: &SdkConfig, resolution: Duration) -> Self {
        Self { client: Client::new(config), resolution }
    }

    fn query(&self, slot: &SlotState, id: &str, metric: &str, stat: &str) -> MetricDataQuery {
        let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
        let service_id = slot.arn.rsplit('/').next().unwrap_or_default();
        let metric = Metric::builder()
            .namespace("AWS/AppRunner")
            .metric_name(metric)
            .dimensions(dimension("ServiceName", &slot.name))
            .dimensions(dimension("ServiceID", service_id))
            .build();
        let period = i32::try_from(self.resolution.as_secs().max(1)).unwrap_or(60);
        let stat = MetricStat::builder().metric(metric).period(period).stat(stat).build();
        MetricDataQuery::builder().id(id).metric_stat(stat).build()
    }
}

#[async_trait]
impl Metrics for CloudWatch {
    fn resolution(&self) -> Duration {
        self.resolution
    }

    async fn requests(&self, slot: &SlotState, since: f64) -> PortResult<Requests> {
        let mut sums = Requests::default();
        let until = OffsetDateTime::now_utc().unix_timestamp_nanos() as f64 / 1e9;
        // CloudWatch refuses a range that is empty in its seconds, as one is whose first period has not begun.
        if until < since + 1.0 {
            return Ok(sums);
        }
        let mut token = None;
        loop {
            let page = self
                .client
                .get_metric_data()
                .metric_data_queries(self.query(slot, "requests", "Requests", "Sum"))
                .metric_data_queries(self.query(slot, "errors", "5xxStatusResponses", "Sum"))
                .metric_data_queries(self.query(slot, "latency", "RequestLatency", "p99"))
                .start_time(DateTime::from_secs_f64(since))
                .end_time(DateTime::from_secs_f64(until))
                .set_next_token(token)
                .send()
                .await
                .map_err(port_error("CloudWatch", "GetMetricData"))?;
            for result in page.metric_data_results() {
                let total = result.values().iter().sum::<f64>().round() as u64;
                match result.id() {
                    Some("requests") => sums.total += total,
                    Some("errors") => sums.errors += total,
                    Some("latency") => {
                        // Percentiles do not add; the worst period is told.
                        let worst = result.values().iter().copied().fold(f64::NAN, f64::max);
                        sums.p99_ms = if worst.is_nan() { sums.p99_ms } else { Some(worst) };
                    }
                    _ => {}
                }
            }
            token = page.next_token;
            if token.is_none() {
                return Ok(sums);
            }
        }
    }
}
