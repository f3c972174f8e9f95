//! Which processes are ours, on disk, so that a killed sandbox leaves nothing behind for long.

use std::{collections::BTreeMap, io, path::PathBuf};

use rustix::process::{Pid, Signal};

use crate::sandbox::{daemon::start_time, persisted::Persisted};

/// Process ids with the time each process started: an id alone may belong to somebody else by now.
#[derive(Debug)]
pub struct Pids(Persisted<BTreeMap<u32, u64>>);

impl Pids {
    /// Where a sandbox's lists are in its directory: of instances and of builds.
    pub const FILES: [&str; 2] = ["apprunner/instances.json", "codebuild/builds.json"];

    /// Opens the list kept in a file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        Ok(Self(Persisted::open(path)?))
    }

    /// Remembers a process.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn add(&self, pid: u32) -> io::Result<()> {
        self.0.update(|pids| {
            pids.insert(pid, start_time(pid).unwrap_or_default());
            Ok(())
        })
    }

    /// Forgets a process that has ended.
    pub fn remove(&self, pid: u32) {
        let _ = self.0.update(|pids| {
            pids.remove(&pid);
            Ok::<_, io::Error>(())
        });
    }

    /// Ends processes that an earlier life of the sandbox left.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn end_strangers(&self) -> io::Result<()> {
        self.0.update(|pids| {
            for (pid, started) in std::mem::take(pids) {
                let group = i32::try_from(pid).ok().and_then(Pid::from_raw);
                if let Some(group) = group.filter(|_| start_time(pid) == Some(started)) {
                    let _ = rustix::process::kill_process_group(group, Signal::KILL);
                }
            }
            Ok(())
        })
    }
}
