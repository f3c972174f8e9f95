//! Instances as processes of this machine: an image's files in a directory, its entry point as a process of its own group.
//!
//! Invariants: a process is handed out only after it was healthy; it sees only its own environment; none outlives
//! the sandbox by more than the next start.

mod files;
mod health;
mod pids;
mod process;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::Value;

use super::world::World;

pub use pids::Pids;
pub use process::Process;

/// What to run.
#[derive(Debug, Clone)]
pub struct Order {
    /// Digest of the image's manifest.
    pub digest: String,
    /// The manifest.
    pub manifest: Value,
    /// Environment variables of the service.
    pub env: BTreeMap<String, String>,
    /// How to tell that it is well.
    pub health: Health,
    /// Name of the service that it is an instance of.
    pub service: String,
    /// Where its output goes.
    pub log_group: String,
}

/// How to tell that an instance is well.
#[derive(Debug, Clone)]
pub struct Health {
    /// HTTP path; `None` checks only that the port accepts a connection.
    pub path: Option<String>,
    /// Time between two checks.
    pub interval: Duration,
    /// Longest wait for an answer.
    pub timeout: Duration,
    /// Good answers in a row that make it healthy.
    pub healthy: u64,
    /// Bad answers in a row that make it unhealthy.
    pub unhealthy: u64,
}

/// Starts one instance and waits until it is healthy.
///
/// # Errors
/// In words for the service's event log, with the last lines the process printed.
pub async fn start(world: &Arc<World>, order: &Order) -> Result<Process, String> {
    let root = files::unpacked(world, order).await?;
    process::start(world, order, &root).await
}
