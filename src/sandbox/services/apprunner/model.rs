//! A service and its operations, as they are kept.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub(super) const RUNNING: &str = "RUNNING";
pub(super) const PAUSED: &str = "PAUSED";
pub(super) const BUSY: &str = "OPERATION_IN_PROGRESS";
pub(super) const CREATE_FAILED: &str = "CREATE_FAILED";
pub(super) const DELETED: &str = "DELETED";

/// Seconds since the epoch, with a fraction.
pub(super) fn now() -> f64 {
    time::OffsetDateTime::now_utc().unix_timestamp_nanos() as f64 / 1e9
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Service {
    pub name: String,
    pub id: String,
    /// First label of its own host name.
    pub host_id: String,
    pub arn: String,
    pub url: String,
    pub created: f64,
    pub updated: f64,
    pub status: String,
    /// What was asked for, in the wire's shape.
    pub config: Map<String, Value>,
    /// What it went back to, or would go back to, where an update fails.
    pub before: Option<Map<String, Value>>,
    pub operations: Vec<Operation>,
    #[serde(default)]
    pub tags: Vec<Value>,
    /// Custom domains, in the wire's shape.
    #[serde(default)]
    pub domains: Vec<Value>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Operation {
    pub id: String,
    pub kind: String,
    pub status: String,
    pub started: f64,
    pub updated: f64,
    pub ended: Option<f64>,
}

impl Operation {
    pub fn shown(&self, arn: &str) -> Value {
        let mut shown = json!({
            "Id": self.id,
            "Type": self.kind,
            "Status": self.status,
            "TargetArn": arn,
            "StartedAt": self.started,
            "UpdatedAt": self.updated,
        });
        if let Some(ended) = self.ended {
            shown["EndedAt"] = json!(ended);
        }
        shown
    }
}

impl Service {
    /// The service in the wire's shape; `autoscaling` is its configuration's summary.
    pub fn shown(&self, autoscaling: Value) -> Value {
        let mut shown = self.summary();
        shown["AutoScalingConfigurationSummary"] = autoscaling;
        for (key, value) in &self.config {
            if key != "AutoScalingConfigurationArn" {
                shown[key] = value.clone();
            }
        }
        shown
    }

    /// ARNs of the configurations that it was made with.
    pub fn uses(&self) -> [&str; 3] {
        fn text(value: Option<&Value>) -> &str {
            value.and_then(Value::as_str).unwrap_or_default()
        }
        let inner = |key: &str, path: &str| text(self.config.get(key).and_then(|value| value.pointer(path)));
        [
            text(self.config.get("AutoScalingConfigurationArn")),
            inner("ObservabilityConfiguration", "/ObservabilityConfigurationArn"),
            inner("NetworkConfiguration", "/EgressConfiguration/VpcConnectorArn"),
        ]
    }

    pub fn summary(&self) -> Value {
        json!({
            "ServiceName": self.name,
            "ServiceId": self.id,
            "ServiceArn": self.arn,
            "ServiceUrl": self.url,
            "CreatedAt": self.created,
            "UpdatedAt": self.updated,
            "Status": self.status,
        })
    }

    /// Log group of the application's own output.
    pub fn application_log(&self) -> String {
        format!("/aws/apprunner/{}/{}/application", self.name, self.id)
    }

    /// Log group of what happens to the service.
    pub fn service_log(&self) -> String {
        format!("/aws/apprunner/{}/{}/service", self.name, self.id)
    }
}
