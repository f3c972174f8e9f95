//! Which PostgreSQL versions this machine has.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::OnceLock,
};

use tokio::process::Command;

/// Programs without which nothing can be done.
const NEEDED: [&str; 3] = ["initdb", "postgres", "pg_basebackup"];

/// One installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Where its programs are.
    pub bin: PathBuf,
    /// As `15.4`.
    pub version: String,
}

impl Installed {
    /// As `15`.
    pub fn major(&self) -> &str {
        self.version.split('.').next().unwrap_or_default()
    }
}

/// Folders in which PostgreSQL's own packages, Debian's and Homebrew's keep each version, and those of the path.
fn places() -> Vec<PathBuf> {
    let mut places = Vec::new();
    for (parent, prefix) in
        [("/usr/lib/postgresql", ""), ("/usr", "pgsql-"), ("/opt/homebrew/opt", "postgresql@")]
    {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(prefix) {
                places.push(entry.path().join("bin"));
            }
        }
    }
    places.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    places
}

async fn version(bin: &Path) -> Option<String> {
    let mut command = Command::new(bin.join("postgres"));
    let out = command.arg("--version").stdin(Stdio::null()).output().await.ok()?;
    read_version(&String::from_utf8_lossy(&out.stdout)).map(str::to_owned)
}

/// `postgres (PostgreSQL) 15.4 (Debian 15.4-1)`; a version that is not released yet has letters.
fn read_version(said: &str) -> Option<&str> {
    let version = said.split("(PostgreSQL) ").nth(1)?.split_whitespace().next()?;
    version
        .split('.')
        .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
        .then_some(version)
}

/// Every installation, each version once, the newest first. What was found once is not looked for again.
pub async fn installed() -> Vec<Installed> {
    static FOUND: OnceLock<Vec<Installed>> = OnceLock::new();
    if let Some(found) = FOUND.get() {
        return found.clone();
    }
    let found = look().await;
    if !found.is_empty() {
        let _ = FOUND.set(found.clone());
    }
    found
}

async fn look() -> Vec<Installed> {
    let mut found: Vec<Installed> = Vec::new();
    for bin in places() {
        // A link in a folder of the path leads to where the programs find what belongs to them.
        let Ok(real) = fs::canonicalize(bin.join("postgres")) else { continue };
        let Some(bin) = real.parent() else { continue };
        if !NEEDED.iter().all(|name| bin.join(name).is_file()) || found.iter().any(|one| one.bin == bin) {
            continue;
        }
        if let Some(version) = version(bin).await {
            found.push(Installed { bin: bin.to_owned(), version });
        }
    }
    let number = |one: &Installed| -> Vec<u32> {
        one.version.split('.').map(|part| part.parse().unwrap_or_default()).collect()
    };
    found.sort_by_key(|one| std::cmp::Reverse(number(one)));
    found.dedup_by(|a, b| a.version == b.version);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_what_the_program_says() {
        assert_eq!(read_version("postgres (PostgreSQL) 15.4 (Debian 15.4-1)\n"), Some("15.4"));
        assert_eq!(read_version("postgres (PostgreSQL) 9.6.24"), Some("9.6.24"));
        assert_eq!(read_version("postgres (PostgreSQL) 18beta1"), None);
        assert_eq!(read_version("postgres"), None);
    }
}
