//! The instances of every service, in memory.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::sandbox::runtime;

use super::Instance;

/// The instances of one service.
#[derive(Debug, Default)]
pub(super) struct Fleet(pub Vec<runtime::Instance>);

impl Fleet {
    /// Lets every instance finish its requests, then ends it.
    pub async fn end(self) {
        futures_util::future::join_all(self.0.into_iter().map(runtime::Instance::end)).await;
    }
}

#[derive(Debug, Default)]
pub(super) struct Fleets(Mutex<HashMap<String, Fleet>>);

impl Fleets {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Fleet>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Instances of a service that can take requests.
    pub fn instances(&self, id: &str) -> Vec<Instance> {
        let fleets = self.lock();
        let instances = fleets.get(id).map(|fleet| fleet.0.as_slice()).unwrap_or_default();
        instances
            .iter()
            .filter(|instance| instance.is_running())
            .map(|instance| Instance { address: instance.address, in_flight: instance.in_flight.clone() })
            .collect()
    }

    /// Name, process group and requests under way of each running instance.
    pub fn members(&self, id: &str) -> Vec<(String, Option<u32>, usize)> {
        let fleets = self.lock();
        let instances = fleets.get(id).map(|fleet| fleet.0.as_slice()).unwrap_or_default();
        let running = instances.iter().filter(|instance| instance.is_running());
        let requests =
            |instance: &runtime::Instance| instance.in_flight.load(std::sync::atomic::Ordering::Relaxed);
        running.map(|instance| (instance.id.clone(), instance.group_id(), requests(instance))).collect()
    }

    /// Puts a fleet in the place of another in one step.
    pub fn replace(&self, id: &str, fleet: Fleet) -> Fleet {
        let mut fleets = self.lock();
        let old = if fleet.0.is_empty() { fleets.remove(id) } else { fleets.insert(id.to_owned(), fleet) };
        old.unwrap_or_default()
    }

    /// Puts a new instance in the place of one that ended. Returns the new one where the service has no such instance any more.
    pub fn substitute(&self, id: &str, ended: &str, new: runtime::Instance) -> Option<runtime::Instance> {
        let mut fleets = self.lock();
        let slot =
            fleets.get_mut(id).and_then(|fleet| fleet.0.iter_mut().find(|instance| instance.id == ended));
        match slot {
            Some(slot) => {
                *slot = new;
                None
            }
            None => Some(new),
        }
    }

    /// Whether a service still counts on this instance.
    pub fn has(&self, id: &str, instance: &str) -> bool {
        self.lock().get(id).is_some_and(|fleet| fleet.0.iter().any(|p| p.id == instance))
    }

    pub fn take_all(&self) -> Vec<Fleet> {
        self.lock().drain().map(|(_, fleet)| fleet).collect()
    }
}
