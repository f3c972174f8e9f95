//! A file plan -> a directory, complete or not at all.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use super::{FilePlan, MANIFEST, Manifest};

/// What follows the name of a file that waits to be merged into its owner's version.
pub const NEW: &str = ".new";

/// Why a project cannot be written. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The directory holds something that is not ours.
    #[error("{} is not empty and is not a pave project", .0.display())]
    NotEmpty(PathBuf),
    /// The target is a file.
    #[error("{} is a file, not a directory", .0.display())]
    NotADirectory(PathBuf),
    /// The project has a `pave.toml` of its own that says something else.
    #[error("{} is a project already, and its pave.toml says something else", .0.display())]
    OtherSpec(PathBuf),
    /// The existing project's manifest cannot be read.
    #[error("{} cannot be read: {reason}", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The disk refused.
    #[error("{} cannot be written: {source}", path.display())]
    Io {
        /// What was being written.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What was done.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Files that are new or replaced.
    pub written: Vec<String>,
    /// Files left alone because somebody changed them since they were generated.
    pub kept: Vec<String>,
    /// Those of them that would be generated differently now: the new version lies beside each, with [`NEW`] after its name.
    pub beside: Vec<String>,
    /// Generated files that the spec no longer asks for and nobody had changed.
    pub removed: Vec<String>,
    /// Files that were already as they should be.
    pub unchanged: usize,
}

/// Writes a plan into `target`: a new or empty directory, or a pave project, where every file that
/// its owner has changed since it was generated is left alone.
///
/// # Errors
/// [`WriteError`]; `target` is then as it was.
pub fn write(plan: &FilePlan, target: &Path) -> Result<Written, WriteError> {
    // A link to a directory stands for the directory.
    let target = &fs::canonicalize(target).unwrap_or_else(|_| target.to_owned());
    match fs::read_dir(target) {
        Ok(mut entries) => {
            if entries.next().is_none() {
                fresh(plan, target)
            } else if target.join(MANIFEST).is_file() {
                again(plan, target)
            } else {
                Err(WriteError::NotEmpty(target.to_owned()))
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => fresh(plan, target),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            Err(WriteError::NotADirectory(target.to_owned()))
        }
        Err(source) => Err(WriteError::Io { path: target.to_owned(), source }),
    }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> WriteError {
    let path = path.to_owned();
    move |source| WriteError::Io { path, source }
}

fn put(root: &Path, path: &str, bytes: &[u8]) -> Result<(), WriteError> {
    let full = root.join(path);
    if let Some(parent) = full.parent() {
        fs::create_dir_all(parent).map_err(failed(parent))?;
    }
    fs::write(&full, bytes).map_err(failed(&full))
}

/// A temporary directory beside `near`, so that renaming into place never crosses a file system.
fn staging(near: &Path) -> Result<tempfile::TempDir, WriteError> {
    let parent = near.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(failed(parent))?;
    tempfile::Builder::new().prefix(".pave-").tempdir_in(parent).map_err(failed(parent))
}

fn fresh(plan: &FilePlan, target: &Path) -> Result<Written, WriteError> {
    use std::os::unix::fs::PermissionsExt as _;
    let stage = staging(target)?;
    for (path, file) in plan {
        put(stage.path(), path, &file.bytes)?;
    }
    // A temporary directory is private; a project is as readable as any directory its user makes.
    let mode = 0o777 & !u32::from(umask());
    fs::set_permissions(stage.path(), fs::Permissions::from_mode(mode)).map_err(failed(stage.path()))?;
    // Takes the place of an empty directory in one step, and fails if somebody filled it meanwhile.
    fs::rename(stage.path(), target).map_err(failed(target))?;
    let _ = stage.keep();
    Ok(Written { written: plan.keys().cloned().collect(), ..Written::default() })
}

/// The process's file mode mask, read without changing it for other threads.
fn umask() -> u16 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    mask.and_then(|mask| u16::from_str_radix(mask.trim(), 8).ok()).unwrap_or(0o022)
}

fn again(plan: &FilePlan, target: &Path) -> Result<Written, WriteError> {
    let manifest_path = target.join(MANIFEST);
    let unreadable = |reason: String| WriteError::Manifest { path: manifest_path.clone(), reason };
    let bytes = fs::read(&manifest_path).map_err(|error| unreadable(error.to_string()))?;
    let before: Manifest = serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
    let mut done = Written::default();
    let mut replace = Vec::new();
    for (path, file) in plan {
        let current = match fs::read(target.join(path)) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(WriteError::Io { path: target.join(path), source }),
        };
        let generated = before.files.get(path).map(|entry| entry.digest.as_str());
        match current {
            Some(bytes) if bytes == file.bytes => done.unchanged += 1,
            // A generated file that its owner removed stays removed.
            None if generated.is_some() && path != MANIFEST => done.kept.push(path.clone()),
            None => replace.push(path),
            Some(_) if path == MANIFEST => replace.push(path),
            // The one file that is the user's before all others.
            Some(_) if path == "pave.toml" => return Err(WriteError::OtherSpec(target.to_owned())),
            Some(bytes) if generated == Some(hex::encode(Sha256::digest(&bytes)).as_str()) => {
                replace.push(path)
            }
            Some(_) => {
                done.kept.push(path.clone());
                if generated != Some(file.digest().as_str()) {
                    done.beside.push(path.clone());
                }
            }
        }
    }
    let mut gone = Vec::new();
    for (path, entry) in before.files.iter().filter(|(path, _)| !plan.contains_key(*path)) {
        match fs::read(target.join(path)) {
            Ok(bytes) if hex::encode(Sha256::digest(&bytes)) == entry.digest => gone.push(path.clone()),
            Ok(_) => done.kept.push(path.clone()),
            Err(_) => {}
        }
    }
    // Everything is on the disk before the first file of the project is touched; the manifest goes last.
    let stage =
        tempfile::Builder::new().prefix("stage-").tempdir_in(target.join(".pave")).map_err(failed(target))?;
    replace.sort_by_key(|path| *path == MANIFEST);
    let beside = done.beside.iter().map(|path| (path, format!("{path}{NEW}")));
    let moves: Vec<_> = beside.chain(replace.iter().map(|path| (*path, (*path).clone()))).collect();
    for (path, place) in &moves {
        put(stage.path(), place, &plan[*path].bytes)?;
    }
    for (_, place) in &moves {
        let full = target.join(place);
        if let Some(parent) = full.parent() {
            fs::create_dir_all(parent).map_err(failed(parent))?;
        }
        fs::rename(stage.path().join(place), &full).map_err(failed(&full))?;
    }
    done.written.extend(replace.into_iter().cloned());
    for path in gone {
        fs::remove_file(target.join(&path)).map_err(failed(&target.join(&path)))?;
        done.removed.push(path);
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{blueprint::Owner, scaffold::File};

    fn plan(files: &[(&str, &str)]) -> FilePlan {
        let mut plan: FilePlan = files
            .iter()
            .map(|(path, text)| {
                ((*path).to_owned(), File { bytes: text.as_bytes().to_vec(), owner: Owner::Seeded })
            })
            .collect();
        let files = plan
            .iter()
            .map(|(path, file)| {
                (path.clone(), super::super::manifest::Entry { digest: file.digest(), owner: file.owner })
            })
            .collect();
        let manifest =
            Manifest { schema: 1, pave: "0".into(), blueprint: "b".into(), spec: String::new(), files };
        plan.insert(MANIFEST.to_owned(), File { bytes: manifest.to_bytes(), owner: Owner::Managed });
        plan
    }

    #[test]
    fn a_new_project_appears_whole_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().expect("temp");
        let target = dir.path().join("deep/er/orders");
        write(&plan(&[("src/app.py", "x"), ("pave.toml", "y")]), &target).expect("writes");
        assert_eq!(fs::read_to_string(target.join("src/app.py")).expect("there"), "x");
        assert_eq!(fs::read_dir(target.parent().expect("parent")).expect("reads").count(), 1);
    }

    #[test]
    fn a_directory_with_something_else_in_it_is_refused_and_untouched() {
        let dir = tempfile::tempdir().expect("temp");
        fs::write(dir.path().join("thesis.txt"), "years of work").expect("writes");
        assert!(matches!(write(&plan(&[("a", "b")]), dir.path()), Err(WriteError::NotEmpty(_))));
        assert_eq!(fs::read_dir(dir.path()).expect("reads").count(), 1);
        assert!(matches!(
            write(&plan(&[("a", "b")]), &dir.path().join("thesis.txt")),
            Err(WriteError::NotADirectory(_))
        ));
    }

    #[test]
    fn a_failure_half_way_leaves_nothing() {
        let dir = tempfile::tempdir().expect("temp");
        let target = dir.path().join("orders");
        let impossible = "n".repeat(300);
        assert!(matches!(
            write(&plan(&[("a", "b"), (&impossible, "c")]), &target),
            Err(WriteError::Io { .. })
        ));
        assert_eq!(fs::read_dir(dir.path()).expect("reads").count(), 0);
    }

    #[test]
    fn a_second_render_keeps_what_its_owner_changed_or_removed() {
        let dir = tempfile::tempdir().expect("temp");
        write(&plan(&[("mine", "1"), ("ours", "1"), ("gone", "1"), ("same", "1")]), dir.path())
            .expect("writes");
        fs::write(dir.path().join("mine"), "my edit").expect("writes");
        fs::remove_file(dir.path().join("gone")).expect("removes");
        let second = plan(&[("mine", "2"), ("ours", "2"), ("gone", "2"), ("same", "1"), ("new", "2")]);
        let done = write(&second, dir.path()).expect("writes");
        assert_eq!(done.kept, ["gone", "mine"]);
        assert_eq!(done.beside, ["mine"]);
        assert_eq!(fs::read_to_string(dir.path().join("mine.new")).expect("there"), "2");
        assert_eq!(done.written, ["new", "ours", MANIFEST]);
        assert_eq!(done.unchanged, 1);
        assert_eq!(fs::read_to_string(dir.path().join("mine")).expect("there"), "my edit");
        assert_eq!(fs::read_to_string(dir.path().join("ours")).expect("there"), "2");
        assert!(!dir.path().join("gone").exists());
        let third = plan(&[("mine", "2"), ("same", "1"), ("new", "2")]);
        assert_eq!(write(&third, dir.path()).expect("writes").removed, ["ours"]);
        assert!(!dir.path().join("ours").exists() && dir.path().join("mine").exists());
    }

    #[test]
    fn a_spec_that_is_there_is_never_replaced() {
        let dir = tempfile::tempdir().expect("temp");
        write(&plan(&[("pave.toml", "mine"), ("a", "1")]), dir.path()).expect("writes");
        assert!(matches!(
            write(&plan(&[("pave.toml", "other"), ("a", "2")]), dir.path()),
            Err(WriteError::OtherSpec(_))
        ));
        assert_eq!(fs::read_to_string(dir.path().join("a")).expect("reads"), "1");
    }
}
