//! What runs instances and what builds run in: processes of this machine, or containers of its Docker engine.
//!
//! Invariants: an instance is handed out only after it was healthy; it sees only its own environment; none outlives the
//! sandbox by more than the next start. Whoever has one started does not learn what it is.

mod choice;
mod docker;
mod health;
mod instance;
mod lines;
mod output;
mod pids;
mod process;

use std::{collections::BTreeMap, ffi::OsString, fmt, io, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::Value;

use super::world::World;

pub use choice::{Chosen, Kind, RuntimeError, choose};
pub use instance::Instance;
pub use lines::Lines;
pub use pids::{MARK, Pids, end_builds};
pub use process::Processes;

/// What to run.
#[derive(Debug, Clone)]
pub struct Order {
    /// Name of the image's repository.
    pub repository: String,
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
    /// The service's id.
    pub service_id: String,
    /// Thousandths of a CPU that it is given.
    pub milli_cpus: u64,
    /// Megabytes of memory that it is given.
    pub megabytes: u64,
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

/// What a build finds around it.
#[derive(Debug, Default)]
pub struct Room {
    /// The file of the bundle that says what to do.
    pub buildspec: &'static str,
    /// Whether a project's or a build's own buildspec comes before that file.
    pub may_be_replaced: bool,
    /// Whether the built tree is packed by the bundle's recipe; else the commands push an image.
    pub packs: bool,
    /// Variables of every command.
    pub variables: BTreeMap<&'static str, OsString>,
}

/// How instances run and what builds run in.
#[async_trait]
pub trait Runtime: fmt::Debug + Send + Sync {
    /// Starts what will be an instance, once it is healthy.
    async fn begin(&self, world: &Arc<World>, order: &Order) -> Result<instance::Begun, String>;

    /// How long an instance may take to become healthy.
    fn start_window(&self) -> Duration;

    /// Looks for what an earlier life left, before anything is started.
    async fn resume(&self, world: &Arc<World>) -> io::Result<()>;

    /// Removes what of an earlier life nothing asked for again.
    async fn settle(&self, world: &Arc<World>);

    /// Readies a directory for a build's tools and says what the build finds.
    async fn room(&self, world: &Arc<World>, dir: &Path) -> Result<Room, String>;

    /// Removes what a build left outside its directory: the image of this name that it pushed.
    async fn clear_up(&self, image: &str);
}

/// Starts one instance and waits until it is healthy.
///
/// # Errors
/// In words for the service's event log, with the last lines it printed.
pub async fn start(world: &Arc<World>, order: &Order) -> Result<Instance, String> {
    let begun = world.runtime.begin(world, order).await?;
    Instance::of(world, order, begun).await
}

/// A port of this machine that nothing listens on.
fn free_port() -> Result<u16, String> {
    std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| Ok(listener.local_addr()?.port()))
        .map_err(|error| format!("there is no free port: {error}"))
}
