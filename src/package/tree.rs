//! Which files of a tree belong into its bundle.

use std::{
    fs,
    path::{Path, PathBuf},
};

use ignore::WalkBuilder;

use super::PackError;

/// Name of the ignore file for bundles alone, with the syntax of `.gitignore`.
const IGNORE_FILE: &str = ".paveignore";

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File {
        /// Whether its owner may execute it.
        executable: bool,
        /// Its size in bytes when it was listed.
        size: u64,
    },
    /// A symbolic link that stays inside the tree.
    Link {
        /// Its target as written.
        target: String,
    },
}

/// One file or link of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Path inside the tree with `/` between segments.
    pub path: String,
    /// Where it is on this machine.
    pub full: PathBuf,
    /// What it is.
    pub kind: EntryKind,
}

/// Lists what belongs into the bundle of `root`, sorted by the bytes of its path.
///
/// `.gitignore` and `.paveignore` files inside the tree are honoured; global git settings, `.git/info/exclude` and ignore files
/// above the tree are not, because another machine does not have them. Directories appear only through their files.
///
/// # Errors
/// [`PackError`] for what cannot be read, cannot be packed or looks like a secret.
pub fn list(root: &Path) -> Result<Vec<Entry>, PackError> {
    let mut builder = WalkBuilder::new(root);
    builder
        .hidden(false)
        .parents(false)
        .ignore(false)
        .git_global(false)
        .git_exclude(false)
        .git_ignore(true)
        .require_git(false)
        .follow_links(false)
        .add_custom_ignore_filename(IGNORE_FILE)
        .filter_entry(|entry| entry.file_name() != ".git");
    let mut entries = Vec::new();
    let mut secrets = Vec::new();
    for found in builder.build() {
        let found = found.map_err(|error| PackError::Tree { reason: error.to_string() })?;
        let full = found.path();
        let Ok(inside) = full.strip_prefix(root) else { continue };
        if inside.as_os_str().is_empty() {
            continue;
        }
        let path = inside.to_str().ok_or_else(|| PackError::NotUtf8(inside.to_owned()))?.to_owned();
        let io = |source| PackError::Read { path: full.to_owned(), source };
        let metadata = fs::symlink_metadata(full).map_err(io)?;
        let kind = if metadata.is_dir() {
            continue;
        } else if metadata.is_symlink() {
            EntryKind::Link { target: link_target(root, full, &path)? }
        } else if metadata.is_file() {
            use std::os::unix::fs::PermissionsExt as _;
            EntryKind::File { executable: metadata.permissions().mode() & 0o100 != 0, size: metadata.len() }
        } else {
            return Err(PackError::Special(path));
        };
        if looks_secret(&path) {
            secrets.push(path.clone());
        }
        entries.push(Entry { path, full: full.to_owned(), kind });
    }
    if !secrets.is_empty() {
        secrets.sort();
        return Err(PackError::Secrets(secrets));
    }
    entries.sort_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
    Ok(entries)
}

fn link_target(root: &Path, full: &Path, path: &str) -> Result<String, PackError> {
    let target = fs::read_link(full).map_err(|source| PackError::Read { path: full.to_owned(), source })?;
    let text = target.to_str().ok_or_else(|| PackError::NotUtf8(full.to_owned()))?.to_owned();
    let mut depth = Path::new(path).components().count() as i64 - 1;
    for part in target.components() {
        match part {
            std::path::Component::ParentDir => depth -= 1,
            std::path::Component::Normal(_) => depth += 1,
            std::path::Component::CurDir => {}
            std::path::Component::RootDir | std::path::Component::Prefix(_) => depth = -1,
        }
        if depth < 0 {
            return Err(PackError::LinkLeaves { path: path.to_owned(), target: text, root: root.to_owned() });
        }
    }
    Ok(text)
}

/// Whether keys and passwords are usually kept under a path such as this one.
pub fn looks_secret(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let sample = name.ends_with(".example") || name.ends_with(".sample") || name.ends_with(".template");
    if sample {
        return false;
    }
    let endings = [".pem", ".key", ".p12", ".pfx", ".jks", ".keystore"];
    name == ".env"
        || name.starts_with(".env.")
        || endings.iter().any(|ending| name.ends_with(ending))
        || ["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".netrc", ".pgpass"].contains(&name.as_str())
        || path.ends_with(".aws/credentials")
}
