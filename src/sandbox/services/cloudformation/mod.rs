//! CloudFormation: stacks of resources that are made, changed and removed as one.
//!
//! Invariants: a template is whole before anything of it is done; what was acknowledged is done or undone to its end,
//! also by the next life of the sandbox; of a stack's exports none goes that another stack reads.
//!
//! Left out, and refused: nested stacks, stack sets, transforms, custom resources, imports of resources.

mod api;
mod change_set;
pub mod diff;
mod dynamic;
mod engine;
mod model;
mod resources;
mod store;
pub mod template;

use std::{
    collections::HashMap,
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;
use tokio::task::JoinHandle;

use crate::sandbox::{
    call::{Answer, Caller},
    protocol::Dialect,
    world::World,
};

pub use api::OPERATIONS;
use store::Store;

/// How CloudFormation writes.
pub const DIALECT: Dialect = Dialect::plain("http://cloudformation.amazonaws.com/doc/2010-05-15/");

/// State of the service.
#[derive(Debug)]
pub struct CloudFormation {
    store: Store,
    tasks: Mutex<Tasks>,
}

/// The tasks of stacks that something is under way with.
#[derive(Debug, Default)]
struct Tasks {
    by_stack: HashMap<String, JoinHandle<()>>,
    /// Whether the sandbox stops, and no task begins any more.
    closed: bool,
}

impl CloudFormation {
    /// Opens the state kept in `dir`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(dir: &Path) -> io::Result<Self> {
        Ok(Self { store: Store::open(dir)?, tasks: Mutex::default() })
    }

    fn tasks(&self) -> MutexGuard<'_, Tasks> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Goes on with what an earlier life left under way.
pub fn resume(world: &Arc<World>) {
    let busy = |stack: &&model::Stack| stack.is_busy();
    let left: Vec<String> = world
        .cloudformation
        .store
        .read(|view| view.stacks().filter(busy).map(|stack| stack.id.clone()).collect());
    left.iter().for_each(|id| engine::start(world, id));
}

/// Ends every task where it waits. A service that is stopped under it would look like one that refuses, and so begin a
/// rollback; the next life goes on instead.
pub async fn shutdown(world: &Arc<World>) {
    let tasks: Vec<JoinHandle<()>> = {
        let mut tasks = world.cloudformation.tasks();
        tasks.closed = true;
        tasks.by_stack.drain().map(|(_, task)| task).collect()
    };
    for task in tasks {
        task.abort();
        // It was ended, which is what it says.
        let _ = task.await;
    }
}

/// Answers one operation.
///
/// # Errors
/// The service's own.
pub async fn handle(world: &Arc<World>, operation: &str, input: &Value, caller: &Caller) -> Answer {
    api::handle(world, operation, input, caller).await
}
