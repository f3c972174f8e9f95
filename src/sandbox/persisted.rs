//! A value that is on disk before anyone is told that it changed.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Serialize, de::DeserializeOwned};

/// A value kept in one JSON file, replaced atomically at each update.
#[derive(Debug)]
pub struct Persisted<T> {
    path: PathBuf,
    value: Mutex<T>,
}

impl<T: Serialize + DeserializeOwned + Default + Clone> Persisted<T> {
    /// Reads `path`, or starts with the default where there is no such file.
    ///
    /// # Errors
    /// When the file cannot be read or does not hold a `T`.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let value = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::other)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => T::default(),
            Err(error) => return Err(error),
        };
        Ok(Self { path, value: Mutex::new(value) })
    }

    fn lock(&self) -> MutexGuard<'_, T> {
        // A panic while holding the lock cannot leave a half-made value: updates work on a copy.
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the value.
    pub fn read<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.lock())
    }

    /// Changes a copy, writes it, and only then makes it the value.
    ///
    /// # Errors
    /// When the file cannot be written; the value is then unchanged. `change` may refuse with any error.
    pub fn update<R, E: From<io::Error>>(&self, change: impl FnOnce(&mut T) -> Result<R, E>) -> Result<R, E> {
        let mut value = self.lock();
        let mut copy = value.clone();
        let result = change(&mut copy)?;
        write_atomically(&self.path, &serde_json::to_vec(&copy).map_err(io::Error::other)?)?;
        *value = copy;
        Ok(result)
    }
}

/// Replaces `path` by `bytes`: either the old or the new content is there, whatever happens in between.
///
/// # Errors
/// When a directory or file cannot be written.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir)?;
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(bytes)?;
    file.as_file().sync_data()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
