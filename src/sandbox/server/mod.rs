//! The sandbox as it runs: its listeners, and the calls that its services make of each other.
//!
//! What comes in is told apart by what it was signed for (`front.rs`) and answered by S3's library (`objects.rs`), by services
//! that read paths themselves (`rest.rs`), or as a call by name (`signed.rs`), for which `dispatch.rs` knows the service.

mod dispatch;
mod front;
mod objects;
mod refusal;
mod rest;
mod signed;
mod strike;

use std::{io, net::SocketAddr, path::Path, sync::Arc};

use serde_json::json;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use super::{
    call::Answer,
    edge,
    runtime::Runtime,
    services::{apprunner, cloudformation, cloudwatch, codebuild, rds},
    world::{Addresses, Identity, World},
};

pub(super) use dispatch::call;
pub(super) use front::is_local_host;
use front::serve;

/// A sandbox that runs in this process.
pub struct Running {
    /// What it holds.
    pub world: Arc<World>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// Opens the sandbox in `dir` and serves it on two listeners.
    ///
    /// # Errors
    /// When its state cannot be read.
    pub async fn start(
        dir: &Path,
        identity: Identity,
        api: TcpListener,
        edge: TcpListener,
        runtime: Box<dyn Runtime>,
    ) -> io::Result<Self> {
        let addresses = Addresses { api: api.local_addr()?, edge: edge.local_addr()? };
        let world = Arc::new(World { runtime, ..World::open(dir.to_owned(), identity, addresses)? });
        codebuild::resume(&world)?;
        rds::resume(&world).await?;
        apprunner::resume(&world).await?;
        cloudformation::resume(&world);
        let (stop, stopped) = watch::channel(false);
        let tasks = vec![
            tokio::spawn(serve(Arc::clone(&world), api, stopped.clone())),
            tokio::spawn(cloudwatch::watch(Arc::clone(&world), stopped.clone())),
            tokio::spawn(edge::serve(Arc::clone(&world), edge, stopped)),
        ];
        Ok(Self { world, stop, tasks })
    }

    /// A call by the sandbox's own account, past the wire: for whoever runs it in process and needs a table or a queue.
    /// Beside the JSON services it knows `s3` `CreateBucket`.
    ///
    /// # Errors
    /// The service's own.
    pub async fn call(&self, service: &str, operation: &str, input: serde_json::Value) -> Answer {
        if (service, operation) == ("s3", "CreateBucket") {
            let name = input["Bucket"].as_str().unwrap_or_default();
            return Ok(json!({ "Made": self.world.s3.make_bucket(name)? }));
        }
        call(&self.world, service, operation, input, &self.world.own_caller()).await
    }

    /// Stops serving and ends every instance it runs.
    pub async fn stop(self) {
        cloudformation::shutdown(&self.world).await;
        let _ = self.stop.send(true);
        for task in self.tasks {
            let _ = task.await;
        }
        codebuild::shutdown(&self.world);
        apprunner::shutdown(&self.world).await;
        rds::shutdown(&self.world).await;
    }
}

/// A random UUID, version 4.
pub(super) fn uuid() -> String {
    let mut bytes: [u8; 16] = rand::random();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex::encode(bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Binds a loopback port: the wanted one, or any free one.
///
/// # Errors
/// When the wanted port is taken.
pub async fn bind(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await
}
