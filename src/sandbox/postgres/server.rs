//! One running server: started, watched and ended, and found again by the record that PostgreSQL itself keeps.

use std::{
    fs,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{process::Command, sync::watch};

use crate::sandbox::daemon::start_time;

use super::{PostgresError, blame, cluster::last_words};

/// How long a server may take to let people in: it may have to go through what was written before a kill.
const STARTING: Duration = Duration::from_secs(60);

/// Between two looks at a server that starts or ends.
const PAUSE: Duration = Duration::from_millis(20);

/// How a server is asked to end, and how long each may take: sessions are broken off; nothing is written any more; it is
/// killed. Source: PostgreSQL documentation, "Shutting Down the Server".
const ENDINGS: [(Signal, Duration); 3] = [
    (Signal::INT, Duration::from_secs(10)),
    (Signal::QUIT, Duration::from_secs(3)),
    (Signal::KILL, Duration::from_secs(3)),
];

/// Such a server.
#[derive(Debug)]
pub struct Server {
    pid: Pid,
    ended: watch::Receiver<bool>,
}

/// The first line of the record is the process, the eighth says whether people are let in.
fn record(data: &Path) -> Option<(i32, bool)> {
    let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let mut lines = text.lines();
    let pid = lines.next()?.trim().parse().ok()?;
    Some((pid, lines.nth(6).is_some_and(|state| state.trim() == "ready")))
}

fn number(pid: Pid) -> u32 {
    pid.as_raw_nonzero().get().unsigned_abs()
}

/// What a log has from a place on.
fn said_since(log: &Path, from: u64) -> Vec<u8> {
    let text = fs::read(log).unwrap_or_default();
    text.get(usize::try_from(from).unwrap_or(usize::MAX)..).unwrap_or_default().to_vec()
}

impl Server {
    pub(super) async fn start(mut command: Command, data: &Path, log: &Path) -> Result<Self, PostgresError> {
        let file = fs::OpenOptions::new().create(true).append(true).open(log).map_err(blame(log))?;
        let from = file.metadata().map_err(blame(log))?.len();
        let errors = file.try_clone().map_err(blame(log))?;
        // Whoever kills a server outright leaves its sessions running, so dropping does not.
        command.stdin(Stdio::null()).stdout(file).stderr(errors).kill_on_drop(false);
        let mut child = command.spawn().map_err(blame(data))?;
        let failed = |why: &str| {
            let said = last_words(&said_since(log, from));
            PostgresError::Failed { program: "postgres", reason: format!("{why}. It said: {said}") }
        };
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| failed("it ended at once"))?;
        let (tell, ended) = watch::channel(false);
        tokio::spawn(async move {
            let _ = child.wait().await;
            let _ = tell.send(true);
        });
        let server = Self { pid, ended };
        let began = Instant::now();
        loop {
            if record(data) == Some((pid.as_raw_nonzero().get(), true)) {
                return Ok(server);
            }
            if !server.is_running() {
                return Err(failed("it ended before it let anybody in"));
            }
            if began.elapsed() > STARTING {
                server.end().await;
                return Err(failed("it does not let anybody in"));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Whether it has not ended.
    pub fn is_running(&self) -> bool {
        !*self.ended.borrow()
    }

    /// Becomes true when it has ended.
    pub fn ended(&self) -> watch::Receiver<bool> {
        self.ended.clone()
    }

    /// Lets it read how it is to run once more.
    pub fn reload(&self) {
        if self.is_running() {
            let _ = kill_process(self.pid, Signal::HUP);
        }
    }

    /// Ends it and waits until it has.
    pub async fn end(self) {
        let mut ended = self.ended;
        for (signal, patience) in ENDINGS {
            if *ended.borrow() {
                return;
            }
            let _ = kill_process(self.pid, signal);
            if tokio::time::timeout(patience, ended.wait_for(|ended| *ended)).await.is_ok() {
                return;
            }
        }
    }
}

/// Ends the server that an earlier life of the sandbox left with these files. It is known by its own record and by
/// being at home in them: an id alone may belong to somebody else by now.
pub async fn end_orphan(data: &Path) {
    let Some((id, _)) = record(data) else { return };
    let (Some(pid), Ok(home)) = (Pid::from_raw(id), fs::canonicalize(data)) else { return };
    let at_home = || fs::read_link(format!("/proc/{id}/cwd")).is_ok_and(|cwd| cwd == home);
    let Some(started) = start_time(number(pid)).filter(|_| at_home()) else { return };
    for (signal, patience) in ENDINGS {
        let _ = kill_process(pid, signal);
        let began = Instant::now();
        while began.elapsed() < patience {
            if start_time(number(pid)) != Some(started) {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
