//! A sandbox in this process.

use std::{
    fs,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::{
    fs::FlockOperation,
    process::{Resource, Rlimit, getrlimit, setrlimit},
};

use crate::sandbox::{
    call::Answer,
    door::Limits,
    runtime::Kind,
    server::{self, Running},
};

use super::{
    DaemonError, LOCK, PATIENCE, blame,
    keys::{Keys, runtime},
    private_dir,
    record::{RECORD, Record, find, start_time},
    save,
};

/// Ports to serve on; `None` is any free one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ports {
    /// For AWS calls.
    pub api: Option<u16>,
    /// For the edge.
    pub edge: Option<u16>,
}

async fn listen(wanted: Option<u16>, last: u16) -> Result<tokio::net::TcpListener, DaemonError> {
    match wanted {
        Some(port) => server::bind(port).await.map_err(|_| DaemonError::PortTaken { port }),
        None => match server::bind(last).await {
            Ok(listener) => Ok(listener),
            Err(_) => server::bind(0).await.map_err(|_| DaemonError::PortTaken { port: 0 }),
        },
    }
}

/// Asks for as many descriptors as all connections may take. Where there are fewer, whoever comes later waits.
fn ask_for_descriptors() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.map_or(Limits::DESCRIPTORS, |maximum| maximum.min(Limits::DESCRIPTORS));
    if current.is_some_and(|current| current < wanted) {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum });
    }
}

/// A sandbox in this process, with its record written.
pub struct Daemon {
    running: Running,
    /// How it is reached.
    pub record: Record,
    dir: PathBuf,
    _lock: fs::File,
}

impl Daemon {
    /// Starts the sandbox of `dir`.
    ///
    /// # Errors
    /// [`DaemonError`].
    pub async fn start(dir: &Path, ports: Ports, wanted: Option<Kind>) -> Result<Self, DaemonError> {
        private_dir(dir)?;
        ask_for_descriptors();
        let path = dir.join(LOCK);
        let lock = fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(blame(&path))?;
        let began = Instant::now();
        while rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            // Without a record it is either one that is starting, or a killed one whose last threads are still ending.
            if find(dir).is_some() || began.elapsed() > PATIENCE / 3 {
                return Err(DaemonError::AlreadyRuns(dir.to_owned()));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let mut keys = Keys::of(dir, runtime(dir, wanted).await?)?;
        let runtime = keys.runtime.open(dir, &keys.identity.account).await?;
        let api = listen(ports.api, keys.ports.0).await?;
        let edge = listen(ports.edge, keys.ports.1).await?;
        let port =
            |listener: &tokio::net::TcpListener| listener.local_addr().map(|a| a.port()).map_err(blame(dir));
        keys.ports = (port(&api)?, port(&edge)?);
        keys.save(dir)?;
        let running =
            Running::start(dir, keys.identity.clone(), api, edge, runtime).await.map_err(blame(dir))?;
        let pid = std::process::id();
        let record = Record {
            schema: 1,
            pid,
            start_time: start_time(pid).unwrap_or_default(),
            api: keys.ports.0,
            edge: keys.ports.1,
            identity: keys.identity,
            runtime: keys.runtime,
        };
        save(&dir.join(RECORD), &record)?;
        Ok(Self { running, record, dir: dir.to_owned(), _lock: lock })
    }

    /// A call by its own account, past the wire: see [`Running::call`].
    ///
    /// # Errors
    /// The service's own.
    pub async fn call(&self, service: &str, operation: &str, input: serde_json::Value) -> Answer {
        self.running.call(service, operation, input).await
    }

    /// Stops it and removes the record.
    pub async fn stop(self) {
        let _ = fs::remove_file(self.dir.join(RECORD));
        self.running.stop().await;
    }
}
