//! A sandbox that lives on in a process of its own: keys, record, start, find, stop.
//!
//! Invariants: one daemon per directory, held by a file lock that dies with it; the record tells only of a daemon that
//! serves; keys and record can be read by their owner alone.

use std::{
    fs, io,
    os::unix::{fs::OpenOptionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    fs::FlockOperation,
    process::{Pid, Signal},
};
use serde::{Deserialize, Serialize};

use super::{
    call::Answer,
    persisted::write_atomically,
    runtime::{Chosen, Kind, RuntimeError, choose},
    server::{self, Running},
    world::Identity,
};

/// Why the daemon cannot be started, found or stopped.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The directory cannot be used.
    #[error("{} cannot be used: {source}", path.display())]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another daemon has this directory.
    #[error("a sandbox already runs in {}", .0.display())]
    AlreadyRuns(PathBuf),
    /// A wanted port is taken.
    #[error("port {port} is taken")]
    PortTaken {
        /// The port.
        port: u16,
    },
    /// It did not come up.
    #[error("the sandbox did not start within {seconds} s")]
    NoStart {
        /// How long it was waited for.
        seconds: u64,
        /// The last lines of its log.
        log: Vec<String>,
    },
    /// It did not go down.
    #[error("the sandbox (process {pid}) does not stop")]
    NoStop {
        /// Its process.
        pid: u32,
    },
    /// The directory holds something else.
    #[error("{} is not a sandbox and is left alone", .0.display())]
    NotASandbox(PathBuf),
    /// What it is to run instances in cannot be had.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// It was made for another one.
    #[error("the sandbox in {} was made with the runtime `{has}`, and what it holds cannot be run by `{wanted}`", dir.display())]
    OtherRuntime {
        /// Where it is.
        dir: PathBuf,
        /// What it has.
        has: Kind,
        /// What was asked for.
        wanted: Kind,
    },
    /// Nothing tells where to keep it.
    #[error("there is no place to keep the sandbox: neither PAVE_SANDBOX_DIR, XDG_DATA_HOME nor HOME is set")]
    NoPlace,
}

/// How a running sandbox is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Version of this record's shape.
    pub schema: u32,
    /// Its process.
    pub pid: u32,
    /// When that process started, in clock ticks after boot: tells it from a later process with the same id.
    pub start_time: u64,
    /// Port of AWS calls.
    pub api: u16,
    /// Port of the edge.
    pub edge: u16,
    /// Account.
    pub account: String,
    /// Region.
    pub region: String,
    /// Access key id.
    pub access_key_id: String,
    /// Secret access key.
    pub secret_access_key: String,
    /// What builds and instances run in.
    #[serde(default)]
    pub runtime: Chosen,
}

impl Record {
    /// Where AWS calls go.
    pub fn endpoint_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.api)
    }

    /// The environment that points any AWS tool at this sandbox.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        let identity = Identity {
            account: self.account.clone(),
            region: self.region.clone(),
            access_key_id: self.access_key_id.clone(),
            secret_access_key: self.secret_access_key.clone(),
        };
        identity.env(self.api)
    }
}

/// Keys and account of a sandbox: made once, kept for its life.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Keys {
    account: String,
    region: String,
    access_key_id: String,
    secret_access_key: String,
    /// Ports of its last life, taken again if they are free.
    #[serde(default)]
    ports: (u16, u16),
    /// One of before there was a choice has processes.
    #[serde(default)]
    runtime: Chosen,
}

/// Ports to serve on; `None` is any free one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ports {
    /// For AWS calls.
    pub api: Option<u16>,
    /// For the edge.
    pub edge: Option<u16>,
}

const RECORD: &str = "sandbox.json";
const KEYS: &str = "keys.json";
const LOG: &str = "sandbox.log";
const LOCK: &str = "lock";

/// How long a start or stop is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// Where the sandbox lives: `PAVE_SANDBOX_DIR`, else the XDG data home.
///
/// # Errors
/// [`DaemonError::NoPlace`].
pub fn directory() -> Result<PathBuf, DaemonError> {
    let var = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    var("PAVE_SANDBOX_DIR")
        .or_else(|| var("XDG_DATA_HOME").map(|home| home.join("pave/sandbox")))
        .or_else(|| var("HOME").map(|home| home.join(".local/share/pave/sandbox")))
        .ok_or(DaemonError::NoPlace)
}

fn blame(path: &Path) -> impl FnOnce(io::Error) -> DaemonError {
    let path = path.to_owned();
    move |source| DaemonError::Io { path, source }
}

fn private_dir(dir: &Path) -> Result<(), DaemonError> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(blame(dir))?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(blame(dir))
}

/// The start time of a process, or `None` where there is no such process.
pub(super) fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything; the fields after it do not. Field 22 is the start time (proc(5)).
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    if fields.first() == Some(&"Z") {
        return None;
    }
    fields.get(19)?.parse().ok()
}

/// The sandbox that runs in `dir`, if one does.
pub fn find(dir: &Path) -> Option<Record> {
    let record: Record = serde_json::from_slice(&fs::read(dir.join(RECORD)).ok()?).ok()?;
    (start_time(record.pid) == Some(record.start_time)).then_some(record)
}

/// The keys of a sandbox that was started before.
fn known(dir: &Path) -> Result<Option<Keys>, DaemonError> {
    let path = dir.join(KEYS);
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| blame(&path)(io::Error::other(error))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(blame(&path)(error)),
    }
}

/// The runtime of the sandbox in `dir`: what it has, else what is wanted, else what there is.
///
/// # Errors
/// [`DaemonError::OtherRuntime`], and [`DaemonError::Runtime`] where what is wanted cannot be had.
pub async fn runtime(dir: &Path, wanted: Option<Kind>) -> Result<Chosen, DaemonError> {
    match (known(dir)?.map(|keys| keys.runtime), wanted) {
        (Some(Chosen { kind: has, .. }), Some(wanted)) if has != wanted => {
            Err(DaemonError::OtherRuntime { dir: dir.to_owned(), has, wanted })
        }
        (Some(has), _) => Ok(has),
        (None, wanted) => Ok(choose(wanted).await?),
    }
}

fn keys(dir: &Path, runtime: Chosen) -> Result<Keys, DaemonError> {
    match known(dir)? {
        Some(keys) => Ok(keys),
        None => {
            let digits = rand::random_range(100_000_000_000u64..999_999_999_999);
            let keys = Keys {
                account: digits.to_string(),
                region: "us-east-1".to_owned(),
                access_key_id: format!("AKIAPAVE{}", hex::encode_upper(rand::random::<[u8; 6]>())),
                secret_access_key: hex::encode(rand::random::<[u8; 20]>()),
                ports: (0, 0),
                runtime,
            };
            save(&dir.join(KEYS), &keys)?;
            Ok(keys)
        }
    }
}

fn save(path: &Path, value: &impl Serialize) -> Result<(), DaemonError> {
    // Temporary files are made for their owner alone, and renaming keeps that.
    let bytes = serde_json::to_vec_pretty(value).expect("strings and numbers always serialise");
    write_atomically(path, &bytes).map_err(blame(path))
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
        let mut keys = keys(dir, runtime(dir, wanted).await?)?;
        let runtime = keys.runtime.open(dir, &keys.account).await?;
        let api = listen(ports.api, keys.ports.0).await?;
        let edge = listen(ports.edge, keys.ports.1).await?;
        let port =
            |listener: &tokio::net::TcpListener| listener.local_addr().map(|a| a.port()).map_err(blame(dir));
        keys.ports = (port(&api)?, port(&edge)?);
        save(&dir.join(KEYS), &keys)?;
        let identity = Identity {
            account: keys.account.clone(),
            region: keys.region.clone(),
            access_key_id: keys.access_key_id.clone(),
            secret_access_key: keys.secret_access_key.clone(),
        };
        let running = Running::start(dir, identity, api, edge, runtime).await.map_err(blame(dir))?;
        let pid = std::process::id();
        let record = Record {
            schema: 1,
            pid,
            start_time: start_time(pid).unwrap_or_default(),
            api: keys.ports.0,
            edge: keys.ports.1,
            account: keys.account,
            region: keys.region,
            access_key_id: keys.access_key_id,
            secret_access_key: keys.secret_access_key,
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

/// Finds the sandbox of `dir`, or starts `program` with `arguments` as its daemon and waits until it serves.
/// Returns whether it was started. A runtime that is wanted is one that it has to have.
///
/// # Errors
/// [`DaemonError`].
pub fn up(
    dir: &Path,
    program: &Path,
    arguments: &[String],
    wanted: Option<Kind>,
) -> Result<(Record, bool), DaemonError> {
    // Looked into here already, where whoever started it is told what is wrong.
    let chosen = waited_for(runtime(dir, wanted))?;
    if let Some(record) = find(dir) {
        return Ok((record, false));
    }
    private_dir(dir)?;
    let log_path = dir.join(LOG);
    let log = fs::File::create(&log_path).map_err(blame(&log_path))?;
    let errors = log.try_clone().map_err(blame(&log_path))?;
    let mut command = Command::new(program);
    command.args(arguments);
    if wanted.is_some() || chosen.kind == Kind::Docker {
        command.args(["--runtime", &chosen.kind.to_string()]);
    }
    command.env("PAVE_SANDBOX_DIR", dir).current_dir("/");
    command.stdin(Stdio::null()).stdout(log).stderr(errors).process_group(0);
    let mut child = command.spawn().map_err(blame(program))?;
    let started = Instant::now();
    loop {
        if let Some(record) = find(dir) {
            let address = std::net::SocketAddr::from(([127, 0, 0, 1], record.api));
            if std::net::TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok() {
                return Ok((record, true));
            }
        }
        let ended = child.try_wait().map_err(blame(program))?.is_some();
        // Two starts at once: the loser ends, the winner's record appears.
        let hopeless = ended && find(dir).is_none() && !is_locked(dir);
        if hopeless || started.elapsed() > PATIENCE {
            let text = fs::read_to_string(&log_path).unwrap_or_default();
            let mut log: Vec<String> = text.lines().rev().take(10).map(str::to_owned).collect();
            log.reverse();
            return Err(DaemonError::NoStart { seconds: started.elapsed().as_secs(), log });
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What a future comes to, for a caller who may or may not be in a runtime of Tokio's.
fn waited_for<T: Send>(
    future: impl Future<Output = Result<T, DaemonError>> + Send,
) -> Result<T, DaemonError> {
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map_err(RuntimeError::from)?.block_on(future)
        });
        waiting.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn is_locked(dir: &Path) -> bool {
    let Ok(lock) = fs::File::open(dir.join(LOCK)) else { return false };
    rustix::fs::flock(&lock, FlockOperation::NonBlockingLockShared).is_err()
}

/// Stops the sandbox of `dir`. Returns whether one ran.
///
/// # Errors
/// [`DaemonError::NoStop`].
pub fn down(dir: &Path) -> Result<bool, DaemonError> {
    let Some(record) = find(dir) else { return Ok(false) };
    let pid = i32::try_from(record.pid).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or(DaemonError::NoStop { pid: record.pid })?;
    for (signal, patience) in [(Signal::TERM, PATIENCE), (Signal::KILL, Duration::from_secs(5))] {
        let _ = rustix::process::kill_process(pid, signal);
        let started = Instant::now();
        while started.elapsed() < patience {
            if start_time(record.pid) != Some(record.start_time) {
                return Ok(true);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    Err(DaemonError::NoStop { pid: record.pid })
}

/// Stops the sandbox of `dir` and removes all it holds.
///
/// # Errors
/// [`DaemonError::NotASandbox`] where the directory holds something else.
pub fn reset(dir: &Path) -> Result<(), DaemonError> {
    match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(blame(dir)(error)),
        Ok(mut entries) => {
            if entries.next().is_some() && !dir.join(KEYS).is_file() {
                return Err(DaemonError::NotASandbox(dir.to_owned()));
            }
        }
    }
    down(dir)?;
    if let Some(keys) = known(dir)? {
        waited_for(async { Ok(keys.runtime.sweep(dir, &keys.account).await?) })?;
    }
    fs::remove_dir_all(dir).map_err(blame(dir))
}
