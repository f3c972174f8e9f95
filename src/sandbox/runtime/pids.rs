//! Which processes are ours, on disk, so that a killed sandbox leaves nothing behind for long.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use rustix::process::{Pid, Signal};

use crate::sandbox::{daemon::start_time, persisted::Persisted};

/// The variable that a build's processes are known by, whatever group they are in: the folder of the build's source.
pub const MARK: &str = "CODEBUILD_SRC_DIR";

/// How often processes are looked for, as whoever is ended may just have started another.
const ROUNDS: usize = 10;

/// Ends every process of builds whose source is below a folder.
pub fn end_builds(folder: &Path) {
    let beginning = [MARK.as_bytes(), b"=", folder.as_os_str().as_bytes(), b"/"].concat();
    for _ in 0..ROUNDS {
        let found = marked(&beginning);
        if found.is_empty() {
            return;
        }
        for pid in found {
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
    }
}

/// Processes that have a variable with such a beginning in their environment.
fn marked(beginning: &[u8]) -> Vec<Pid> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let found = processes.filter_map(|process| {
        let pid = process.file_name().to_str()?.parse().ok().and_then(Pid::from_raw)?;
        let environment = fs::read(process.path().join("environ")).ok()?;
        environment.split(|byte| *byte == 0).any(|variable| variable.starts_with(beginning)).then_some(pid)
    });
    found.collect()
}

/// Process ids with the time each process started: an id alone may belong to somebody else by now.
#[derive(Debug)]
pub struct Pids(Persisted<BTreeMap<u32, u64>>);

impl Pids {
    /// Where a sandbox's lists are in its directory: of instances and of builds.
    pub const FILES: [&str; 2] = ["apprunner/instances.json", "codebuild/builds.json"];

    /// Where builds have a directory each, in the sandbox's.
    pub const BUILDS: &str = "codebuild/work";

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
