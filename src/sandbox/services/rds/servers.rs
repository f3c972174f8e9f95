//! The servers that run, and the tasks of instances that something is under way with, in memory.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::task::JoinHandle;

use crate::sandbox::postgres::Server;

/// A server with what tells it from a later one of the same instance.
#[derive(Debug)]
struct Running {
    server: Server,
    number: u64,
}

#[derive(Debug, Default)]
pub(super) struct Servers {
    running: Mutex<(u64, HashMap<String, Running>)>,
    tasks: Mutex<Tasks>,
}

/// The tasks of instances.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    pub by_resource: HashMap<String, JoinHandle<()>>,
    /// Whether the sandbox stops, and no task begins any more.
    pub closed: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Servers {
    pub fn tasks(&self) -> MutexGuard<'_, Tasks> {
        lock(&self.tasks)
    }

    /// Keeps a server and returns its number.
    pub fn put(&self, resource: &str, server: Server) -> u64 {
        let mut running = lock(&self.running);
        running.0 += 1;
        let number = running.0;
        running.1.insert(resource.to_owned(), Running { server, number });
        number
    }

    pub fn is_running(&self, resource: &str) -> bool {
        lock(&self.running).1.get(resource).is_some_and(|one| one.server.is_running())
    }

    pub fn reload(&self, resource: &str) {
        if let Some(one) = lock(&self.running).1.get(resource) {
            one.server.reload();
        }
    }

    pub fn take(&self, resource: &str) -> Option<Server> {
        lock(&self.running).1.remove(resource).map(|one| one.server)
    }

    /// Takes a server where it is still the one of this number.
    pub fn take_numbered(&self, resource: &str, number: u64) -> Option<Server> {
        let mut running = lock(&self.running);
        running.1.get(resource).filter(|one| one.number == number)?;
        running.1.remove(resource).map(|one| one.server)
    }

    pub fn take_all(&self) -> Vec<Server> {
        lock(&self.running).1.drain().map(|(_, one)| one.server).collect()
    }
}
