//! The files of a project, read one at a time and never more of one than is sensible.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read as _,
    path::{Component, Path, PathBuf},
    process::{Command, Stdio},
};

use ignore::WalkBuilder;

use super::{CheckError, Finding, rules};

/// No file that a person wrote is larger.
const LARGEST_TEXT: u64 = 1024 * 1024;

/// A file with a NUL in so many bytes is not text; git decides in the same way.
const SNIFFED: usize = 8000;

/// Files that `.gitignore` names and that git has all the same, because somebody forced it; nothing where there is no git.
fn tracked_though_ignored(root: &Path) -> Vec<String> {
    let mut git = Command::new("git");
    // No program that the repository's own settings name is run.
    git.args(["-c", "core.fsmonitor=false", "ls-files", "-z", "--cached", "--ignored", "--exclude-standard"]);
    let output = git.current_dir(root).stdin(Stdio::null()).stderr(Stdio::null()).output();
    let Ok(output) = output else { return Vec::new() };
    let names = String::from_utf8_lossy(&output.stdout).into_owned();
    names.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// A regular file.
struct Entry {
    full: PathBuf,
    size: u64,
}

/// What version control would see of a project: regular files, without what its own `.gitignore` files leave
/// out, unless git has it all the same.
pub(super) struct Tree {
    root: PathBuf,
    files: BTreeMap<String, Entry>,
    unread: Vec<(String, String)>,
}

impl Tree {
    /// Lists the files; links are not followed.
    pub(super) fn read(root: &Path) -> Result<Self, CheckError> {
        let unreadable =
            |error: std::io::Error| CheckError::Unreadable { reason: format!("{}: {error}", root.display()) };
        fs::read_dir(root).map_err(unreadable)?;
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
            .filter_entry(|entry| entry.file_name() != ".git");
        let mut tree = Self { root: root.to_owned(), files: BTreeMap::new(), unread: Vec::new() };
        for found in builder.build() {
            match found {
                Ok(entry) => tree.add(entry.path()),
                Err(error) => tree.unread.push((".".to_owned(), error.to_string())),
            }
        }
        for path in tracked_though_ignored(root) {
            tree.add(&root.join(path));
        }
        Ok(tree)
    }

    fn add(&mut self, full: &Path) {
        let Ok(inside) = full.strip_prefix(&self.root) else { return };
        let name = inside.to_string_lossy().into_owned();
        match fs::symlink_metadata(full) {
            Ok(metadata) if metadata.is_file() => {
                self.files.insert(name, Entry { full: full.to_owned(), size: metadata.len() });
            }
            Ok(_) => {}
            Err(error) => self.unread.push((name, error.to_string())),
        }
    }

    /// The project's folder.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// What could not be read.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let unread = self.unread.iter().map(|(path, reason)| {
            rules::FILE_UNREAD.on(path, format!("cannot be read: {reason}"), "make it readable")
        });
        let closed = self.files.iter().filter_map(|(path, entry)| {
            let error = File::open(&entry.full).err()?;
            Some(rules::FILE_UNREAD.on(path, format!("cannot be read: {error}"), "make it readable"))
        });
        unread.chain(closed).collect()
    }

    /// Number of files.
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    /// Every path, sorted.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// Paths directly in a folder, with their names.
    pub(super) fn folder<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.paths().filter_map(move |path| {
            let name = path.strip_prefix(folder)?.strip_prefix('/')?;
            (!name.contains('/')).then_some((path, name))
        })
    }

    /// Whether there is such a file.
    pub(super) fn has(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// Where a path of the manifest is on this machine; none for one that would leave the project.
    pub(super) fn locate(&self, path: &str) -> Option<PathBuf> {
        let plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        plain.then(|| self.root.join(path))
    }

    /// The first `limit` bytes of a file, unless it looks binary.
    pub(super) fn head(&self, path: &str, limit: u64) -> Option<Vec<u8>> {
        let entry = self.files.get(path)?;
        let mut bytes = Vec::with_capacity(usize::try_from(entry.size.min(limit)).unwrap_or(0));
        File::open(&entry.full).ok()?.take(limit).read_to_end(&mut bytes).ok()?;
        let binary = bytes[..bytes.len().min(SNIFFED)].contains(&0);
        (!binary).then_some(bytes)
    }

    /// The text of a file that a person could have written: not binary, not huge. What is not UTF-8 in it is replaced.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        let entry = self.files.get(path)?;
        if entry.size > LARGEST_TEXT {
            return None;
        }
        self.head(path, LARGEST_TEXT).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }
}
