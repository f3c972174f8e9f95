//! Whose processes PostgreSQL's are: it refuses to run as root, so that root runs it as `postgres`.
//!
//! That account cannot enter a folder below one of root's own. It need not: the folder is opened by root and handed
//! over, and what PostgreSQL is told as its path is that of the open folder.

use std::{
    fs, io,
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::{
            fs::{DirBuilderExt as _, PermissionsExt as _, chown},
            process::CommandExt as _,
        },
    },
    path::{Path, PathBuf},
    process::Stdio,
};

use rustix::fs::{Mode, OFlags};
use tokio::process::Command;

use super::{PostgresError, blame};

/// The account, where it is not this process's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    other: Option<(u32, u32)>,
}

/// Numeric user and group of an account, from the text of `/etc/passwd`.
fn numbers(passwd: &str, name: &str) -> Option<(u32, u32)> {
    let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

impl Account {
    pub fn find() -> Result<Self, PostgresError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self { other: None });
        }
        let passwd = fs::read_to_string("/etc/passwd").map_err(blame("/etc/passwd"))?;
        let found = numbers(&passwd, "postgres").ok_or(PostgresError::NoAccount)?;
        Ok(Self { other: Some(found) })
    }

    /// Gives a file or folder to it.
    pub fn own(self, path: &Path) -> io::Result<()> {
        match self.other {
            Some((uid, gid)) => chown(path, Some(uid), Some(gid)),
            None => Ok(()),
        }
    }

    /// Makes a folder that is its alone.
    pub fn folder(self, path: &Path) -> io::Result<()> {
        fs::DirBuilder::new().mode(0o700).create(path)?;
        self.own(path)
    }

    /// Writes a file that is its alone.
    pub fn write(self, path: &Path, text: &str) -> io::Result<()> {
        crate::sandbox::persisted::write_atomically(path, text.as_bytes())?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        self.own(path)
    }

    /// A program of PostgreSQL's, for the data in `dir`.
    pub fn program(self, program: &Path, dir: &Path) -> io::Result<Guest> {
        let mut command = std::process::Command::new(program);
        command.env_clear().env("LC_ALL", "C.UTF-8").env("TZ", "UTC").current_dir("/").stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        // A signal to the terminal is for the sandbox, which ends its servers in order.
        command.process_group(0);
        let (folder, path) = match self.other {
            None => (None, dir.to_owned()),
            Some((uid, gid)) => {
                // Open in the program as well, as nothing says that it is to be closed there.
                let folder = rustix::fs::open(dir, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())?;
                command.uid(uid).gid(gid);
                let path = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd()));
                (Some(folder), path)
            }
        };
        let mut command = Command::from(command);
        command.kill_on_drop(true);
        Ok(Guest { command, path, _folder: folder })
    }
}

/// A program that is about to be started. The folder stays open until it is.
pub(super) struct Guest {
    pub command: Command,
    /// Where it finds the data.
    pub path: PathBuf,
    _folder: Option<OwnedFd>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let passwd =
            "root:x:0:0::/root:/bin/sh\npostgres2:x:9:9::/:/bin/sh\npostgres:x:101:104:,,,:/var:/bin/sh\n";
        assert_eq!(numbers(passwd, "postgres"), Some((101, 104)));
        assert_eq!(numbers(passwd, "post"), None);
    }
}
