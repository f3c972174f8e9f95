//! Named values in a folder, a file each, on disk before anyone is told of them.
//!
//! For values that are nobody else's to read. They are kept in clear, as what can start the sandbox could read any key
//! beside them: what guards them is that the folder (0700) and its files (0600) are their owner's alone. So that a
//! damaged file betrays nothing either, errors say where it is damaged and not what it holds.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

use super::persisted::write_atomically;

/// Such a folder.
#[derive(Debug)]
pub struct Folder<T> {
    dir: PathBuf,
    values: Mutex<BTreeMap<String, T>>,
}

#[derive(Serialize, Deserialize)]
struct Kept<T> {
    name: String,
    value: T,
}

impl<T: Serialize + DeserializeOwned + Clone + PartialEq> Folder<T> {
    /// Reads the folder at `dir`, or makes an empty one.
    ///
    /// # Errors
    /// When it cannot be read or written, or holds a file that is no such value.
    pub fn open(dir: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let mut values = BTreeMap::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let (path, name) = (entry.path(), entry.file_name());
            if name.to_string_lossy().starts_with(".tmp") {
                // What a kill left of a write that nobody was told of.
                fs::remove_file(&path)?;
            }
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let kept: Kept<T> = serde_json::from_slice(&fs::read(&path)?).map_err(|error| {
                let (path, line, column) = (path.display(), error.line(), error.column());
                io::Error::other(format!("{path} is damaged at line {line}, column {column}"))
            })?;
            values.insert(kept.name, kept.value);
        }
        Ok(Self { dir: dir.to_owned(), values: Mutex::new(values) })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, T>> {
        // A panic while holding the lock cannot leave a half-made value: updates work on a copy.
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the values.
    pub fn read<R>(&self, look: impl FnOnce(&BTreeMap<String, T>) -> R) -> R {
        look(&self.lock())
    }

    /// Makes, changes or removes the value of a name: `change` leaves what is to be there.
    ///
    /// # Errors
    /// When the disk refuses; the value is then unchanged. `change` may refuse with any error.
    pub fn update<R, E: From<io::Error>>(
        &self,
        name: &str,
        change: impl FnOnce(&mut Option<T>) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut values = self.lock();
        let mut value = values.get(name).cloned();
        let result = change(&mut value)?;
        if value.as_ref() == values.get(name) {
            return Ok(result);
        }
        // A name may hold what no file name does, and be longer than one.
        let path = self.dir.join(format!("{}.json", hex::encode(Sha256::digest(name))));
        match value {
            Some(value) => {
                let kept = Kept { name: name.to_owned(), value };
                write_atomically(&path, &serde_json::to_vec(&kept).map_err(io::Error::other)?)?;
                values.insert(kept.name, kept.value);
            }
            None => {
                fs::remove_file(&path)?;
                values.remove(name);
            }
        }
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn open(dir: &tempfile::TempDir) -> io::Result<Folder<String>> {
        Folder::open(&dir.path().join("folder"))
    }

    fn put(folder: &Folder<String>, name: &str, value: Option<&str>) {
        let change = |there: &mut Option<String>| -> io::Result<()> {
            *there = value.map(str::to_owned);
            Ok(())
        };
        folder.update(name, change).expect("writes");
    }

    #[test]
    fn values_are_their_owners_alone_and_there_after_a_restart() {
        let dir = tempfile::tempdir().expect("dir");
        let folder = open(&dir).expect("opens");
        put(&folder, "a/b", Some("1"));
        put(&folder, "gone", Some("2"));
        put(&folder, "gone", None);
        std::fs::write(dir.path().join("folder/.tmpabc"), "half a val").expect("writes");
        let expected = BTreeMap::from([("a/b".to_owned(), "1".to_owned())]);
        open(&dir).expect("opens").read(|values| assert_eq!(values, &expected));
        let files: Vec<PathBuf> = fs::read_dir(dir.path().join("folder"))
            .expect("reads")
            .map(|e| e.expect("entry").path())
            .collect();
        assert_eq!(files.len(), 1, "{files:?}");
        let mode = |path: &Path| fs::metadata(path).expect("is there").permissions().mode() & 0o777;
        assert_eq!((mode(&files[0]), mode(&dir.path().join("folder"))), (0o600, 0o700));
    }

    #[test]
    fn a_damaged_file_is_named_and_not_shown() {
        let dir = tempfile::tempdir().expect("dir");
        put(&open(&dir).expect("opens"), "a", Some("1"));
        let file =
            fs::read_dir(dir.path().join("folder")).expect("reads").next().expect("one").expect("entry");
        fs::write(file.path(), r#"{"name":"a","value":["hunter2"]}"#).expect("writes");
        let error = open(&dir).expect_err("is damaged").to_string();
        assert!(error.contains("damaged at line 1") && !error.contains("hunter2"), "{error}");
    }
}
