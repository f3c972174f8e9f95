//! A map whose every change is on disk before anyone is told of it.
//!
//! For state that changes often and by little, where [`super::persisted::Persisted`] would write everything anew each
//! time. One file; each call of [`Journal::apply`] is one line, and so is there whole or not at all. When most lines
//! tell of what is no longer so, the file is written anew.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

/// Lines below which a file is never worth writing anew.
const FEW: usize = 1000;

/// Such a map. A value must not be one that JSON writes as `null`, which stands for a removal.
#[derive(Debug)]
pub struct Journal<K, V> {
    path: PathBuf,
    file: File,
    /// Bytes of the file that hold whole lines.
    length: u64,
    lines: usize,
    map: BTreeMap<K, V>,
}

impl<K, V> Journal<K, V>
where
    K: Ord + Serialize + DeserializeOwned,
    V: Serialize + DeserializeOwned,
{
    /// Reads the file at `path`, or starts an empty one.
    ///
    /// # Errors
    /// When the file cannot be used, or holds a line that is no change of such a map.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        // What follows the last line break was being written when the process was killed: nobody was told of it.
        let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        file.set_len(whole as u64)?;
        let mut journal = Self { path, file, length: whole as u64, lines: 0, map: BTreeMap::new() };
        for line in bytes[..whole].split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            journal.lines += 1;
            journal.take(serde_json::from_slice(line).map_err(io::Error::other)?);
        }
        Ok(journal)
    }

    /// The map as it is.
    pub fn map(&self) -> &BTreeMap<K, V> {
        &self.map
    }

    /// Puts (`Some`) and removes (`None`) values, all of them or none.
    ///
    /// # Errors
    /// When the file cannot be written; the map is then unchanged.
    pub fn apply(&mut self, changes: Vec<(K, Option<V>)>) -> io::Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut line = serde_json::to_vec(&changes).map_err(io::Error::other)?;
        line.push(b'\n');
        if let Err(error) = self.file.write_all_at(&line, self.length).and_then(|()| self.file.sync_data()) {
            let _ = self.file.set_len(self.length);
            return Err(error);
        }
        self.length += line.len() as u64;
        self.lines += 1;
        self.take(changes);
        if self.lines > FEW && self.lines / 4 > self.map.len() {
            // The change is kept already; a rewriting that fails is tried again with the next one.
            let _ = self.rewrite();
        }
        Ok(())
    }

    fn take(&mut self, changes: Vec<(K, Option<V>)>) {
        for (key, value) in changes {
            match value {
                Some(value) => self.map.insert(key, value),
                None => self.map.remove(&key),
            };
        }
    }

    /// Replaces the file by one that holds the map alone, in one step.
    fn rewrite(&mut self) -> io::Result<()> {
        let mut bytes = Vec::new();
        for pair in &self.map {
            serde_json::to_writer(&mut bytes, &[pair]).map_err(io::Error::other)?;
            bytes.push(b'\n');
        }
        let file = tempfile::NamedTempFile::new_in(self.path.parent().unwrap_or(Path::new(".")))?;
        file.as_file().write_all_at(&bytes, 0)?;
        file.as_file().sync_data()?;
        self.file = file.persist(&self.path).map_err(|error| error.error)?;
        self.length = bytes.len() as u64;
        self.lines = self.map.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Numbers = Journal<String, u64>;

    fn open(dir: &tempfile::TempDir) -> Numbers {
        Journal::open(dir.path().join("numbers")).expect("opens")
    }

    fn put(journal: &mut Numbers, key: &str, value: u64) {
        journal.apply(vec![(key.to_owned(), Some(value))]).expect("writes");
    }

    #[test]
    fn what_was_applied_is_there_after_a_restart() {
        let dir = tempfile::tempdir().expect("dir");
        let mut journal = open(&dir);
        put(&mut journal, "a", 1);
        put(&mut journal, "b", 2);
        journal.apply(vec![("a".to_owned(), None), ("c".to_owned(), Some(3))]).expect("writes");
        let expected = BTreeMap::from([("b".to_owned(), 2), ("c".to_owned(), 3)]);
        assert_eq!(journal.map(), &expected);
        assert_eq!(open(&dir).map(), &expected);
    }

    #[test]
    fn a_line_that_was_cut_is_dropped_and_the_next_is_whole() {
        let dir = tempfile::tempdir().expect("dir");
        let mut journal = open(&dir);
        put(&mut journal, "a", 1);
        put(&mut journal, "b", 2);
        let path = dir.path().join("numbers");
        let bytes = std::fs::read(&path).expect("reads");
        std::fs::write(&path, &bytes[..bytes.len() - 3]).expect("writes");
        let mut journal = open(&dir);
        assert_eq!(journal.map().len(), 1);
        put(&mut journal, "c", 3);
        assert_eq!(open(&dir).map().keys().collect::<Vec<_>>(), ["a", "c"]);
    }

    #[test]
    fn many_changes_of_few_values_do_not_grow_the_file_for_ever() {
        let dir = tempfile::tempdir().expect("dir");
        let mut journal = open(&dir);
        for value in 0..3000 {
            put(&mut journal, "a", value);
        }
        put(&mut journal, "b", 7);
        let lines = std::fs::read_to_string(dir.path().join("numbers")).expect("reads").lines().count();
        assert!(lines < 1100, "{lines}");
        assert_eq!(open(&dir).map(), &BTreeMap::from([("a".to_owned(), 2999), ("b".to_owned(), 7)]));
    }
}
