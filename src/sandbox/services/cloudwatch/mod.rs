//! CloudWatch: metrics of the sandbox's own services and of callers, alarms and dashboards.
//!
//! Invariants: alarms, their history, dashboards and tags are on disk before they are acknowledged; values of metrics are
//! within two seconds (`keep.rs`). Alarms are evaluated every second; their actions are written down and not sent.

mod alarm;
mod apprunner;
mod bucket;
mod dashboard;
mod data;
mod input;
mod keep;
mod math;
mod put;
mod query;
mod stat;
mod statistics;
mod store;
mod tags;

use std::{
    collections::BTreeMap,
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::sync::watch;

use crate::sandbox::{
    call::{Answer, Caller, ServiceError},
    persisted::Persisted,
    protocol::Dialect,
    world::World,
};

use alarm::Alarms;
use bucket::Bucket;
use dashboard::Dashboard;
use keep::Keep;
use stat::Metric;
use store::Store;

/// How CloudWatch writes Query; `ExtendedStatistics` is its one map.
pub const DIALECT: Dialect = Dialect {
    namespace: "http://monitoring.amazonaws.com/doc/2010-08-01/",
    item: |list| if list == "ExtendedStatistics" { "entry" } else { "member" },
};

/// What it answers.
pub const OPERATIONS: &[&str] = &[
    "DeleteAlarms",
    "DeleteDashboards",
    "DescribeAlarmHistory",
    "DescribeAlarms",
    "DescribeAlarmsForMetric",
    "DisableAlarmActions",
    "EnableAlarmActions",
    "GetDashboard",
    "GetMetricData",
    "GetMetricStatistics",
    "ListDashboards",
    "ListMetrics",
    "ListTagsForResource",
    "PutCompositeAlarm",
    "PutDashboard",
    "PutMetricAlarm",
    "PutMetricData",
    "SetAlarmState",
    "TagResource",
    "UntagResource",
];

/// Between two looks at alarms and processes.
const BEAT: Duration = Duration::from_secs(1);

/// A value that another service of the sandbox publishes, as a metric filter does.
#[derive(Debug, Clone)]
pub struct Observation {
    /// Namespace of the metric.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its dimensions.
    pub dimensions: Vec<(String, String)>,
    /// Its unit.
    pub unit: String,
    /// The value.
    pub value: f64,
    /// When, in seconds since the epoch.
    pub at: f64,
}

/// State of the service.
#[derive(Debug)]
pub struct CloudWatch {
    store: Mutex<Store>,
    keep: Mutex<Keep>,
    /// Requests that are not counted yet: whoever serves one only puts it here.
    requests: Mutex<Vec<apprunner::Request>>,
    gauges: Mutex<apprunner::Gauges>,
    alarms: Alarms,
    dashboards: Persisted<BTreeMap<String, Dashboard>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic in between leaves a value out, at worst.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl CloudWatch {
    /// Opens the state kept in `dir`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let (keep, store) = Keep::open(dir, input::now() as i64)?;
        Ok(Self {
            store: Mutex::new(store),
            keep: Mutex::new(keep),
            requests: Mutex::default(),
            gauges: Mutex::default(),
            alarms: Alarms::open(dir)?,
            dashboards: Persisted::open(dir.join("dashboards.json"))?,
        })
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
        lock(&self.requests).push(apprunner::Request {
            service: (service_name.to_owned(), service_id.to_owned()),
            status,
            latency_ms,
            at: at.floor() as i64,
        });
    }

    /// The store, with every value that has come until now.
    fn store(&self) -> MutexGuard<'_, Store> {
        let requests = std::mem::take(&mut *lock(&self.requests));
        let mut store = lock(&self.store);
        apprunner::count(&mut store, requests);
        store
    }

    /// Takes values that another service of the sandbox publishes.
    pub fn observe(&self, all: Vec<Observation>) {
        if all.is_empty() {
            return;
        }
        let mut store = lock(&self.store);
        for one in all {
            let mut dimensions = one.dimensions;
            dimensions.sort();
            let metric = Metric { namespace: one.namespace, name: one.name, dimensions };
            if store.series.len() >= put::KEPT && !store.series.contains_key(&metric) {
                continue;
            }
            store.put(&metric, &one.unit, one.at.floor() as i64, false, &Bucket::of(one.value, 1.0));
        }
    }

    /// Writes values that are not on disk yet.
    fn save(&self) -> io::Result<()> {
        let mut store = self.store();
        lock(&self.keep).save(&mut store)
    }
}

/// Looks after metrics and alarms until the sandbox stops.
pub async fn watch(world: Arc<World>, mut stopped: watch::Receiver<bool>) {
    let mut beats = tokio::time::interval(BEAT);
    beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut beat: u64 = 0;
    loop {
        tokio::select! {
            _ = beats.tick() => {}
            _ = stopped.changed() => break,
        }
        beat += 1;
        let world = Arc::clone(&world);
        // Files are read and written.
        let _ = tokio::task::spawn_blocking(move || look(&world, beat)).await;
    }
    let _ = world.cloudwatch.save();
}

fn look(world: &World, beat: u64) {
    let now = input::now();
    let state = &world.cloudwatch;
    state.observe(world.logs.observations(now));
    apprunner::sample(world, now);
    state.alarms.evaluate(state, now);
    if beat.is_multiple_of(2) {
        // A disk that refuses loses values of metrics and nothing else; the next beat tries the next ones.
        let _ = state.save();
    }
    if beat.is_multiple_of(60) {
        state.store().expire(now as i64);
        state.alarms.forget(now);
        world.logs.sweep(now);
    }
}

/// The error in Query: the code is not the name of its shape there.
pub fn in_query(error: ServiceError) -> ServiceError {
    ServiceError { code: query_code(error.code), ..error }
}

/// The header by which CBOR and JSON tell the code of Query.
pub fn query_error(error: &ServiceError) -> String {
    let fault = if error.status < 500 { "Sender" } else { "Receiver" };
    format!("{};{fault}", query_code(error.code))
}

fn query_code(code: &'static str) -> &'static str {
    match code {
        "InvalidParameterValueException" => "InvalidParameterValue",
        "InvalidParameterCombinationException" => "InvalidParameterCombination",
        "MissingRequiredParameterException" => "MissingParameter",
        "LimitExceededFault" => "LimitExceeded",
        "InvalidFormatFault" => "InvalidFormat",
        "DashboardNotFoundError" => "ResourceNotFound",
        "DashboardInvalidInputError" => "InvalidParameterInput",
        "InternalServerError" => "InternalServiceError",
        other => other,
    }
}

/// Answers one operation.
///
/// # Errors
/// The service's own.
pub async fn handle(world: &Arc<World>, operation: &str, input: Value, caller: &Caller) -> Answer {
    let state = &world.cloudwatch;
    state.observe(world.logs.observations(input::now()));
    match operation {
        "PutMetricData" => put::put(state, &input),
        "GetMetricData" => data::get(state, &input),
        "GetMetricStatistics" => statistics::get(state, &input),
        "ListMetrics" => statistics::list(state, &input, caller),
        "PutMetricAlarm"
        | "PutCompositeAlarm"
        | "DescribeAlarms"
        | "DescribeAlarmsForMetric"
        | "DescribeAlarmHistory"
        | "SetAlarmState"
        | "EnableAlarmActions"
        | "DisableAlarmActions"
        | "DeleteAlarms" => alarm::handle(state, operation, &input, caller),
        "PutDashboard" | "GetDashboard" | "ListDashboards" | "DeleteDashboards" => {
            dashboard::handle(state, operation, &input, caller)
        }
        "TagResource" | "UntagResource" | "ListTagsForResource" => tags::handle(state, operation, &input),
        _ => Err(ServiceError::not_in_sandbox("CloudWatch", operation)),
    }
}
