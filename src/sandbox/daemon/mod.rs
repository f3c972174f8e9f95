//! A sandbox that lives on in a process of its own: keys, record, start, find, stop.
//!
//! Invariants: one daemon per directory, held by a file lock that dies with it; the record tells only of a daemon that
//! serves; keys and record can be read by their owner alone.

mod control;
mod keys;
mod record;
mod serve;

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Serialize;

use super::{
    persisted::write_atomically,
    runtime::{Kind, RuntimeError},
};

pub use control::{down, reset, up};
pub use keys::runtime;
pub(super) use record::start_time;
pub use record::{Record, find};
pub use serve::{Daemon, Ports};

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

/// Held by whoever serves.
const LOCK: &str = "lock";

/// What it says, for when it does not start.
const LOG: &str = "sandbox.log";

/// How long a start or stop is waited for, also on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

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

/// Whether a directory holds anything that no sandbox made: one that began has its keys, or nothing but what comes before them.
fn taken_by_others(dir: &Path) -> Result<bool, DaemonError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        entries => entries.map_err(blame(dir))?,
    };
    if dir.join(keys::KEYS).is_file() {
        return Ok(false);
    }
    for entry in entries {
        let name = entry.map_err(blame(dir))?.file_name();
        let name = name.to_string_lossy();
        // `lost+found` is what the file system of a mount has.
        if !([LOCK, LOG, "lost+found"].contains(&&*name) || name.starts_with(".tmp")) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Makes the directory of a sandbox its owner's alone.
///
/// # Errors
/// [`DaemonError::NotASandbox`] where others keep something there.
fn private_dir(dir: &Path) -> Result<(), DaemonError> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    if taken_by_others(dir)? {
        return Err(DaemonError::NotASandbox(dir.to_owned()));
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(blame(dir))?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(blame(dir))
}

fn save(path: &Path, value: &impl Serialize) -> Result<(), DaemonError> {
    // Temporary files are made for their owner alone, and renaming keeps that.
    let bytes = serde_json::to_vec_pretty(value).expect("strings and numbers always serialise");
    write_atomically(path, &bytes).map_err(blame(path))
}
