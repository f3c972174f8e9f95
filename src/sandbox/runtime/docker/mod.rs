//! Instances as containers of this machine's Docker engine, and builds that build with it.
//!
//! A container is in the network of the machine, where it reaches the sandbox on loopback and is told by `HOST` and `PORT` to
//! listen there; a program that does not heed `HOST` is reachable from outside as any program of the machine would be.
//! Every container carries the account of its sandbox: by it a sandbox that was killed finds its own, and no other's.

mod container;
mod engine;
mod leftovers;
mod logs;
mod room;

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bollard::Docker;

use crate::sandbox::{persisted::Persisted, world::World};

use super::{Order, Room, Runtime, instance::Begun};

use leftovers::Left;

pub(super) use engine::{EngineError, SOCKET, usual_socket};
pub(super) use leftovers::sweep;

/// A container has the CPU of its service, which may be a quarter, and not that of the machine.
const START_WINDOW: Duration = Duration::from_secs(60);

/// Where it is kept which images were pulled.
const IMAGES: &str = "docker/images.json";

/// Whether an engine can be used.
pub(super) async fn usable(socket: &Path) -> Result<(), EngineError> {
    engine::fit(socket).await.map(|_| ())
}

/// Runs everything in containers.
#[derive(Debug)]
pub(super) struct Containers {
    docker: Docker,
    socket: PathBuf,
    /// The client that builds.
    client: PathBuf,
    account: String,
    /// Containers of an earlier life that run and were not asked for again.
    left: Mutex<Vec<Left>>,
    /// Images that this sandbox had pulled.
    images: Persisted<BTreeSet<String>>,
}

impl Containers {
    /// Connects to the engine for the sandbox of an account.
    pub async fn open(socket: &Path, dir: &Path, account: &str) -> Result<Self, EngineError> {
        let (docker, client) = engine::fit(socket).await?;
        let images =
            Persisted::open(dir.join(IMAGES)).map_err(|error| EngineError::Refused(error.to_string()))?;
        let (socket, account, left) = (socket.to_owned(), account.to_owned(), Mutex::default());
        Ok(Self { docker, socket, client, account, left, images })
    }

    fn left(&self) -> std::sync::MutexGuard<'_, Vec<Left>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Runtime for Containers {
    async fn begin(&self, world: &Arc<World>, order: &Order) -> Result<Begun, String> {
        let wanted = container::fingerprint(order);
        let found = {
            let mut left = self.left();
            let place = left.iter().position(|one| one.service == order.service_id && one.order == wanted);
            place.map(|place| left.swap_remove(place))
        };
        match found {
            Some(left) => container::adopt(self, world, order, left).await,
            None => container::create(self, world, order, &wanted).await,
        }
    }

    fn start_window(&self) -> Duration {
        START_WINDOW
    }

    async fn resume(&self, world: &Arc<World>) -> io::Result<()> {
        let running = leftovers::find(&self.docker, &self.account).await.map_err(io::Error::other)?;
        *self.left() = running;
        // No build is under way yet.
        let ours = format!("{}/", world.addresses.api);
        leftovers::untag(&self.docker, |tag| tag.starts_with(&ours)).await;
        Ok(())
    }

    async fn settle(&self, _: &Arc<World>) {
        let left = std::mem::take(&mut *self.left());
        for one in left {
            leftovers::remove(&self.docker, &one.container).await;
        }
    }

    async fn room(&self, world: &Arc<World>, dir: &Path) -> Result<Room, String> {
        room::furnish(self, world, dir)
            .map_err(|error| format!("the build's tools cannot be laid out: {error}"))
    }

    async fn clear_up(&self, image: &str) {
        leftovers::untag(&self.docker, |tag| tag == image).await;
    }
}
