//! Real servers behind a service under experiment: PostgreSQL and Redis from this machine's own packages.

use std::{
    collections::BTreeSet,
    fs, io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    ops::Range,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
};

/// Longest wait for a server to answer.
const START: Duration = Duration::from_secs(30);

/// Why a server is not there.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// This machine does not have it.
    #[error(
        "{program} is not installed on this machine; install it, or give {variable} the address of one that runs"
    )]
    Absent {
        /// The program that was looked for.
        program: &'static str,
        /// The variable that names another one.
        variable: String,
    },
    /// It did not start.
    #[error("{program} did not start: {reason}")]
    NotStarted {
        /// The program.
        program: &'static str,
        /// Its own words.
        reason: String,
    },
    /// The machine refused something.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A server that ends, with its data, when dropped.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    process: Child,
    _data: TempDir,
}

/// Longest wait for a server that was asked to end.
const END: Duration = Duration::from_secs(3);

impl Drop for Server {
    /// Asks before it is killed: PostgreSQL gives its shared memory back only when it ends by itself.
    fn drop(&mut self) {
        let pid = self.process.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let Some(pid) = pid else { return };
        let asked = kill_process(pid, Signal::INT);
        let began = Instant::now();
        while asked.is_ok() && matches!(self.process.try_wait(), Ok(None)) && began.elapsed() < END {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Looks for a program on the path, then where Debian keeps PostgreSQL's.
pub fn server_program(name: &str) -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&on_path).collect();
    if let Ok(versions) = fs::read_dir("/usr/lib/postgresql") {
        let mut versions: Vec<PathBuf> = versions.flatten().map(|entry| entry.path().join("bin")).collect();
        versions.sort();
        places.extend(versions.into_iter().rev());
    }
    places.into_iter().map(|place| place.join(name)).find(|file| file.is_file())
}

/// Numeric user and group of an account, from `/etc/passwd`.
fn account(name: &str) -> Option<(u32, u32)> {
    let text = fs::read_to_string("/etc/passwd").ok()?;
    let line = text.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// A directory for temporary files that other accounts can enter: the usual one, unless it is closed to them.
fn place_for_anybody() -> PathBuf {
    let open = |dir: &PathBuf| {
        dir.ancestors().all(|one| fs::metadata(one).is_ok_and(|meta| meta.permissions().mode() & 0o001 != 0))
    };
    let usual = std::env::temp_dir();
    [usual.clone(), PathBuf::from("/var/tmp"), PathBuf::from("/tmp")].into_iter().find(open).unwrap_or(usual)
}

/// Below the ports that Linux gives to outgoing connections (32768 to 60999): one of those may take any of them at any moment.
const PORTS: Range<u16> = 20_000..32_000;

/// A port that was free a moment ago, and that nothing else of this run was given.
pub fn free_port() -> io::Result<u16> {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    for _ in 0..PORTS.len() {
        let port = rand::random_range(PORTS);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() && given.insert(port) {
            return Ok(port);
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, "no port is free"))
}

/// An empty PostgreSQL whose superuser is `pave`, without a password, open to loopback only.
///
/// # Errors
/// [`ServerError`]; `variable` is what its words tell to set instead.
pub async fn postgres(variable: &str) -> Result<Server, ServerError> {
    let absent = || ServerError::Absent { program: "postgres", variable: variable.to_owned() };
    let initdb = server_program("initdb").ok_or_else(absent)?;
    let postgres = server_program("postgres").ok_or_else(absent)?;
    let root = rustix::process::geteuid().is_root();
    let place = if root { place_for_anybody() } else { std::env::temp_dir() };
    let data = tempfile::Builder::new().prefix("pave-verify-").tempdir_in(place)?;
    let cluster = data.path().join("cluster");
    fs::create_dir(&cluster)?;
    // PostgreSQL refuses to run as root; its package brings an account for that.
    let user = if root {
        let (uid, gid) = account("postgres").ok_or_else(absent)?;
        fs::set_permissions(data.path(), fs::Permissions::from_mode(0o755))?;
        std::os::unix::fs::chown(&cluster, Some(uid), Some(gid))?;
        Some((uid, gid))
    } else {
        None
    };
    let as_user = |program: &Path| {
        let mut command = std::process::Command::new(program);
        if let Some((uid, gid)) = user {
            command.gid(gid).uid(uid);
        }
        command.current_dir(data.path()).stdin(Stdio::null());
        command
    };
    let mut init = as_user(&initdb);
    init.arg("-D").arg(&cluster).args([
        "-U",
        "pave",
        "--auth=trust",
        "--no-sync",
        "-E",
        "UTF8",
        "--locale=C",
    ]);
    let made = Command::from(init).output().await?;
    if !made.status.success() {
        let reason = String::from_utf8_lossy(&made.stderr).trim().to_owned();
        return Err(ServerError::NotStarted { program: "initdb", reason });
    }
    let port = free_port()?;
    let mut run = as_user(&postgres);
    run.arg("-D").arg(&cluster).args(["-h", "127.0.0.1", "-k", "", "-p", &port.to_string()]);
    for setting in ["fsync=off", "full_page_writes=off", "max_connections=400", "shared_buffers=32MB"] {
        run.args(["-c", setting]);
    }
    start(run, "postgres", port, data).await
}

/// An empty Redis that keeps nothing on disk.
///
/// # Errors
/// [`ServerError`]; `variable` is what its words tell to set instead.
pub async fn redis(variable: &str) -> Result<Server, ServerError> {
    let absent = ServerError::Absent { program: "redis-server", variable: variable.to_owned() };
    let redis = server_program("redis-server").ok_or(absent)?;
    let data = tempfile::Builder::new().prefix("pave-verify-").tempdir()?;
    let port = free_port()?;
    let mut run = std::process::Command::new(redis);
    run.current_dir(data.path()).stdin(Stdio::null());
    run.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "no"]);
    start(run, "redis-server", port, data).await
}

async fn start(
    mut run: std::process::Command,
    program: &'static str,
    port: u16,
    data: TempDir,
) -> Result<Server, ServerError> {
    let log = data.path().join("server.log");
    let file = fs::File::create(&log)?;
    run.stdout(file.try_clone()?).stderr(file);
    let mut process = Command::from(run).kill_on_drop(true).spawn()?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let began = Instant::now();
    loop {
        if TcpStream::connect(address).await.is_ok() {
            return Ok(Server { address, process, _data: data });
        }
        let ended = process.try_wait()?;
        if ended.is_some() || began.elapsed() > START {
            let words = fs::read_to_string(&log).unwrap_or_default();
            let reason =
                words.lines().rev().take(5).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>();
            return Err(ServerError::NotStarted { program, reason: reason.join("\n") });
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
