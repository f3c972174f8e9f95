//! CodeBuild: projects and builds. A build runs the commands of a buildspec in a clean directory, in what the sandbox's runtime
//! offers: natively, and the result is packed as a real OCI image; or with a Docker engine, which makes and pushes one.
//!
//! Invariants: a build has an end, whatever happens to it; its processes end with it; what it printed is in its log
//! before it is said to have ended.

mod api;
mod buildspec;
mod commands;
mod image;
mod run;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap},
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::sandbox::{
    call::{Answer, Caller, ServiceError},
    oci::Layer,
    persisted::Persisted,
    runtime,
    world::World,
};

/// What it answers.
pub const OPERATIONS: &[&str] = &[
    "BatchGetBuilds",
    "BatchGetProjects",
    "CreateProject",
    "DeleteProject",
    "ListBuilds",
    "ListBuildsForProject",
    "ListProjects",
    "StartBuild",
    "StopBuild",
    "UpdateProject",
];

/// State of the service.
#[derive(Debug)]
pub struct CodeBuild {
    index: Persisted<Index>,
    /// Builds under way, and how to stop them.
    running: Mutex<HashMap<String, watch::Sender<bool>>>,
    /// Shells that run commands.
    pids: runtime::Pids,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Index {
    /// Projects in the service's own shape.
    projects: BTreeMap<String, Value>,
    /// Builds in the service's own shape.
    builds: BTreeMap<String, Value>,
    /// Idempotency tokens: the request they came with, and its build.
    tokens: BTreeMap<String, (String, String)>,
    /// Dependency layers by the digest of what they were made from.
    layers: BTreeMap<String, Layer>,
    /// Number of the last build of each project.
    numbers: BTreeMap<String, u64>,
}

impl CodeBuild {
    /// Opens the state kept in `dir`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(dir: &Path) -> io::Result<Self> {
        Ok(Self {
            index: Persisted::open(dir.join("index.json"))?,
            running: Mutex::default(),
            pids: runtime::Pids::open(dir.join("builds.json"))?,
        })
    }

    /// Names of the projects that are kept in `dir`, which another process may be using.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn names(dir: &Path) -> io::Result<Vec<String>> {
        let index: Persisted<Index> = Persisted::open(dir.join("index.json"))?;
        Ok(index.read(|index| index.projects.keys().cloned().collect()))
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<String, watch::Sender<bool>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes one build.
    fn change(&self, id: &str, change: impl FnOnce(&mut Value)) -> io::Result<()> {
        self.index.update(|index| {
            if let Some(build) = index.builds.get_mut(id) {
                change(build);
            }
            Ok(())
        })
    }
}

/// Seconds since the epoch, with a fraction.
fn now() -> f64 {
    time::OffsetDateTime::now_utc().unix_timestamp_nanos() as f64 / 1e9
}

/// Ends builds that an earlier life of the sandbox left under way, and removes what they left.
///
/// # Errors
/// When the disk refuses.
pub fn resume(world: &Arc<World>) -> io::Result<()> {
    world.codebuild.pids.end_strangers()?;
    runtime::end_builds(&world.dir.join(runtime::Pids::BUILDS));
    let _ = std::fs::remove_dir_all(world.dir.join(runtime::Pids::BUILDS));
    world.codebuild.index.update(|index| {
        for build in index.builds.values_mut().filter(|build| build["buildStatus"] == "IN_PROGRESS") {
            build["buildStatus"] = json!("FAULT");
            build["buildComplete"] = json!(true);
            build["endTime"] = json!(now());
            build["currentPhase"] = json!("COMPLETED");
            if let Some(phases) = build["phases"].as_array_mut() {
                phases.push(json!({
                    "phaseType": "COMPLETED",
                    "startTime": now(),
                    "contexts": [{ "statusCode": "INTERNAL_ERROR", "message": "the sandbox was stopped during the build" }],
                }));
            }
        }
        Ok(())
    })
}

/// Stops every build under way.
pub fn shutdown(world: &Arc<World>) {
    for (_, stop) in world.codebuild.running().drain() {
        let _ = stop.send(true);
    }
    // The builds themselves may have no time left for it.
    runtime::end_builds(&world.dir.join(runtime::Pids::BUILDS));
}

/// Answers one operation.
///
/// # Errors
/// The service's own.
pub async fn handle(world: &Arc<World>, operation: &str, input: Value, caller: &Caller) -> Answer {
    let invalid = |error: serde_json::Error| ServiceError::client("InvalidInputException", error.to_string());
    let input = serde_json::from_value(input).map_err(invalid)?;
    api::handle(world, operation, input, caller)
}
