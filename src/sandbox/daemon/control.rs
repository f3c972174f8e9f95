//! A sandbox in a process of its own, from without: started, stopped, removed.

use std::{
    fs, io,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    fs::FlockOperation,
    process::{Pid, Signal},
};

use crate::sandbox::runtime::{Kind, RuntimeError};

use super::{
    DaemonError, LOCK, LOG, PATIENCE, blame,
    keys::{known, runtime},
    private_dir,
    record::{Record, find, start_time},
    taken_by_others,
};

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
    // One that was killed may still be ending, and answers nobody.
    if let Some(record) = find(dir).filter(answers) {
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
        if let Some(record) = find(dir).filter(answers) {
            return Ok((record, true));
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

fn answers(record: &Record) -> bool {
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], record.api));
    std::net::TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
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
    if taken_by_others(dir)? {
        return Err(DaemonError::NotASandbox(dir.to_owned()));
    }
    if !dir.exists() {
        return Ok(());
    }
    down(dir)?;
    if let Some(keys) = known(dir)? {
        waited_for(async { Ok(keys.runtime.sweep(dir, &keys.identity.account).await?) })?;
    }
    match fs::remove_dir_all(dir) {
        // A mount point stays, empty.
        Err(error)
            if error.kind() == io::ErrorKind::ResourceBusy
                && fs::read_dir(dir).is_ok_and(|mut d| d.next().is_none()) =>
        {
            Ok(())
        }
        removed => removed.map_err(blame(dir)),
    }
}
