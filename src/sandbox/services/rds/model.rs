//! Instances, snapshots, groups and events, as they are kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::sandbox::{hidden::Hidden, tags::Tag};

/// How long events are told, in seconds. Source: API reference, DescribeEvents (14 days).
const EVENTS_KEPT: f64 = 14.0 * 24.0 * 3600.0;

/// Seconds since the epoch.
pub(super) fn now() -> f64 {
    (time::OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000) as f64 / 1e3
}

/// A time as the protocol writes it.
pub(super) fn written(seconds: f64) -> String {
    let form = time::macros::format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
    );
    let at = time::OffsetDateTime::from_unix_timestamp_nanos((seconds * 1e3).round() as i128 * 1_000_000);
    at.ok().and_then(|at| at.format(&form).ok()).unwrap_or_default()
}

/// A password that RDS keeps in Secrets Manager.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Managed {
    pub name: String,
    pub arn: Option<String>,
    /// The version that is being made, or was made last.
    pub version: String,
    /// `creating`, `active`, `rotating` or `impaired`.
    pub status: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Instance {
    pub id: String,
    /// What never changes of it, `db-` and 26 letters; its files are found by it.
    pub resource: String,
    pub status: String,
    pub created: Option<f64>,
    pub version: String,
    pub user: String,
    pub database: Option<String>,
    /// The password of the server's superuser, which is the sandbox's own.
    pub admin: Hidden,
    /// What the master user's password is to be; none when it is that.
    pub verifier: Option<Hidden>,
    pub managed: Option<Managed>,
    /// A secret that is not needed any more.
    pub former_secret: Option<String>,
    pub port: u16,
    /// Members that are told as they were asked for.
    pub members: Map<String, Value>,
    /// Members that are to change, in the next maintenance window.
    pub pending: Map<String, Value>,
    pub parameter_group: String,
    /// Settings that the server runs with.
    pub in_force: BTreeMap<String, String>,
    pub subnet_group: Option<String>,
    pub security_groups: Vec<String>,
    pub exports: Vec<String>,
    pub tags: Vec<Tag>,
    /// File of the snapshot that it is made of.
    pub source: Option<String>,
    /// Whether it goes back to being stopped.
    pub rests: bool,
    pub certificate_until: Option<f64>,
    /// When a stopped instance starts by itself.
    pub starts: Option<f64>,
}

impl Instance {
    pub fn text(&self, member: &str) -> &str {
        self.members.get(member).and_then(Value::as_str).unwrap_or_default()
    }

    pub fn number(&self, member: &str) -> i64 {
        self.members.get(member).and_then(Value::as_i64).unwrap_or_default()
    }

    pub fn flag(&self, member: &str) -> bool {
        self.members.get(member).and_then(Value::as_bool).unwrap_or_default()
    }

    pub fn major(&self) -> &str {
        self.version.split('.').next().unwrap_or_default()
    }

    /// Whether something is under way that the sandbox has to do.
    pub fn is_busy(&self) -> bool {
        !["available", "stopped", "failed", "incompatible-parameters"].contains(&self.status.as_str())
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Snapshot {
    pub id: String,
    /// Identifier of the instance it is of.
    pub instance: String,
    pub resource: String,
    /// `manual` or `automated`.
    pub kind: String,
    pub status: String,
    pub created: f64,
    /// When the data were as they are in it; a copy keeps the time of what it is a copy of.
    pub taken: f64,
    pub instance_created: Option<f64>,
    pub version: String,
    pub user: String,
    pub database: Option<String>,
    pub admin: Hidden,
    pub port: u16,
    pub members: Map<String, Value>,
    pub source: Option<String>,
    pub tags: Vec<Tag>,
    /// Name of its file.
    pub file: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct SubnetGroup {
    pub name: String,
    pub description: String,
    pub subnets: Vec<String>,
    pub tags: Vec<Tag>,
}

/// A value that somebody gave a parameter.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Given {
    pub value: String,
    /// `immediate` or `pending-reboot`.
    pub method: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ParameterGroup {
    pub name: String,
    pub family: String,
    pub description: String,
    pub given: BTreeMap<String, Given>,
    pub tags: Vec<Tag>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Event {
    pub at: f64,
    /// `db-instance`, `db-snapshot` or `db-parameter-group`.
    pub kind: String,
    pub source: String,
    pub arn: String,
    pub category: Option<String>,
    pub message: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Index {
    /// By identifier, as what follows.
    pub instances: BTreeMap<String, Instance>,
    pub snapshots: BTreeMap<String, Snapshot>,
    pub subnet_groups: BTreeMap<String, SubnetGroup>,
    pub parameter_groups: BTreeMap<String, ParameterGroup>,
    /// Oldest first.
    pub events: Vec<Event>,
}

impl Index {
    pub fn by_resource(&self, resource: &str) -> Option<&Instance> {
        self.instances.values().find(|instance| instance.resource == resource)
    }

    pub fn by_resource_mut(&mut self, resource: &str) -> Option<&mut Instance> {
        self.instances.values_mut().find(|instance| instance.resource == resource)
    }

    /// Tells of something that happened; what is too old is forgotten.
    pub fn tell(&mut self, kind: &str, source: &str, arn: String, category: &str, message: &str) {
        let at = now();
        self.events.retain(|event| event.at > at - EVENTS_KEPT);
        let category = (!category.is_empty()).then(|| category.to_owned());
        let (kind, source, message) = (kind.to_owned(), source.to_owned(), message.to_owned());
        self.events.push(Event { at, kind, source, arn, category, message });
    }
}
