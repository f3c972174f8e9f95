//! `/livez`: the process lives. `/readyz`: it can do its work, and if not, why.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};

use crate::{lifecycle::Lifecycle, settings::SERVICE};

const KEPT: Duration = Duration::from_secs(2);
const CHECK: Duration = Duration::from_secs(1);

/// Something the service depends on.
pub trait Checked: Send + Sync {
    fn name(&self) -> &'static str;

    fn critical(&self) -> bool;

    /// Nothing when it works, else what is wrong.
    fn why_not_ready(&self) -> Pin<Box<dyn Future<Output = Option<String>> + Send + '_>>;
}

#[derive(Clone, Serialize)]
struct Found {
    status: &'static str,
    critical: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

type States = BTreeMap<&'static str, Found>;

/// Asks every dependency at the same time, with a short limit, and remembers the answers briefly.
pub struct Readiness {
    pub lifecycle: Arc<Lifecycle>,
    pub release: String,
    dependencies: Vec<Arc<dyn Checked>>,
    asked_at: tokio::sync::Mutex<Option<Instant>>,
    last: Mutex<States>,
}

impl Readiness {
    pub fn new(
        lifecycle: Arc<Lifecycle>,
        release: &str,
        dependencies: Vec<Arc<dyn Checked>>,
    ) -> Arc<Self> {
        let (asked_at, last) = Default::default();
        Arc::new(Self {
            lifecycle,
            release: release.to_owned(),
            dependencies,
            asked_at,
            last,
        })
    }

    fn last(&self) -> States {
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Who comes while others are asking waits for their answer.
    async fn states(&self) -> States {
        let mut asked_at = self.asked_at.lock().await;
        if asked_at.is_none_or(|at| at.elapsed() > KEPT) {
            let mut asking = JoinSet::new();
            for dependency in &self.dependencies {
                let dependency = Arc::clone(dependency);
                asking.spawn(async move { (dependency.name(), check(&*dependency).await) });
            }
            let states = asking.join_all().await.into_iter().collect();
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = states;
            *asked_at = Some(Instant::now());
        }
        self.last()
    }
}

async fn check(dependency: &dyn Checked) -> Found {
    let no_answer = || Some("no answer in time".to_owned());
    let detail = timeout(CHECK, dependency.why_not_ready())
        .await
        .unwrap_or_else(|_| no_answer());
    let status = if detail.is_none() { "ok" } else { "failing" };
    Found {
        status,
        critical: dependency.critical(),
        detail,
    }
}

/// The two routes. The balancer asks /livez; releases and alarms look at /readyz.
pub fn routes(readiness: Arc<Readiness>) -> Router {
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .with_state(readiness)
}

/// Never looks further than the process: one failing shared dependency must not empty the fleet.
async fn livez(State(readiness): State<Arc<Readiness>>) -> Json<Value> {
    Json(json!({ "status": "ok", "service": SERVICE, "release": readiness.release }))
}

async fn readyz(State(readiness): State<Arc<Readiness>>) -> (StatusCode, Json<Value>) {
    // Leaving must be told at once, so nothing is asked any more.
    let draining = readiness.lifecycle.draining();
    let dependencies = if draining {
        readiness.last()
    } else {
        readiness.states().await
    };
    let failing = dependencies
        .values()
        .any(|one| one.critical && one.status != "ok");
    let (code, status) = match (draining, failing) {
        (true, _) => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
        (false, true) => (StatusCode::SERVICE_UNAVAILABLE, "failing"),
        (false, false) => (StatusCode::OK, "ok"),
    };
    let body = json!({
        "status": status, "service": SERVICE, "release": readiness.release, "dependencies": dependencies,
    });
    (code, Json(body))
}
