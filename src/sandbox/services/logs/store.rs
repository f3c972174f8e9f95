//! Log groups as folders, streams as files: a line about the stream, then one of JSON for each event.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::UNIX_EPOCH,
};

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::sandbox::persisted::write_atomically;

use super::now_ms;

/// One event.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Event {
    #[serde(rename = "t")]
    pub timestamp: i64,
    #[serde(rename = "i")]
    pub ingested: i64,
    #[serde(rename = "m")]
    pub message: String,
    /// Its place among all events that the stream ever had: what tells two of the same time apart.
    #[serde(skip)]
    pub line: u64,
}

/// The first line of a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Head {
    created: i64,
    /// Events that are gone from its beginning.
    dropped: u64,
}

/// A stream, without its events.
#[derive(Debug, Clone)]
pub(super) struct Summary {
    pub created: i64,
    pub first: Option<i64>,
    pub last: Option<i64>,
    pub ingested: Option<i64>,
}

#[derive(Debug)]
pub(super) struct Store {
    dir: PathBuf,
    /// Held while files are written, so that two writers do not mix their lines.
    writing: Mutex<()>,
}

/// A name as a file name: no separators, no dots.
fn encoded(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}

/// Files that the store did not name, as temporary ones, have a dot.
fn decoded(name: &std::ffi::OsStr) -> Option<String> {
    let name = name.to_str().filter(|name| !name.contains('.'))?;
    Some(percent_decode_str(name).decode_utf8().ok()?.into_owned())
}

fn names(dir: &Path) -> Option<Vec<String>> {
    let mut names: Vec<String> =
        fs::read_dir(dir).ok()?.filter_map(|entry| decoded(&entry.ok()?.file_name())).collect();
    names.sort();
    Some(names)
}

fn made(path: &Path) -> i64 {
    let known = fs::metadata(path).and_then(|known| known.created().or_else(|_| known.modified()));
    let since = known.ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| since.as_millis() as i64)
}

/// What a file holds. A last line that was cut by a killed process is no event.
fn read(path: &Path) -> io::Result<(Head, Vec<Event>)> {
    let text = fs::read_to_string(path)?;
    let first = text.lines().next().and_then(|line| serde_json::from_str::<Head>(line).ok());
    let head = first.unwrap_or_else(|| Head { created: made(path), dropped: 0 });
    let events = text.lines().filter_map(|line| serde_json::from_str::<Event>(line).ok());
    let events = events.zip(head.dropped..).map(|(event, line)| Event { line, ..event }).collect();
    Ok((head, events))
}

fn line(bytes: &mut Vec<u8>, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *bytes, value)?;
    bytes.push(b'\n');
    Ok(())
}

impl Store {
    pub fn open(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        Ok(Self { dir: dir.to_owned(), writing: Mutex::new(()) })
    }

    fn write(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn group_dir(&self, group: &str) -> PathBuf {
        self.dir.join(encoded(group))
    }

    fn file(&self, group: &str, stream: &str) -> PathBuf {
        self.group_dir(group).join(encoded(stream))
    }

    pub fn has_group(&self, group: &str) -> bool {
        self.group_dir(group).is_dir()
    }

    pub fn has_stream(&self, group: &str, stream: &str) -> bool {
        self.file(group, stream).is_file()
    }

    /// When a group was made, and how many bytes it has on disk.
    pub fn group(&self, group: &str) -> (i64, u64) {
        let dir = self.group_dir(group);
        let sizes =
            fs::read_dir(&dir).into_iter().flatten().flatten().filter_map(|file| file.metadata().ok());
        (made(&dir), sizes.map(|known| known.len()).sum())
    }

    /// Returns whether it was made now.
    pub fn create_group(&self, group: &str) -> io::Result<bool> {
        match fs::create_dir(self.group_dir(group)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Returns whether there was one.
    pub fn delete_group(&self, group: &str) -> io::Result<bool> {
        let _writing = self.write();
        gone(fs::remove_dir_all(self.group_dir(group)))
    }

    /// Returns whether there was one.
    pub fn delete_stream(&self, group: &str, stream: &str) -> io::Result<bool> {
        let _writing = self.write();
        gone(fs::remove_file(self.file(group, stream)))
    }

    pub fn groups(&self) -> Vec<String> {
        names(&self.dir).unwrap_or_default()
    }

    pub fn streams(&self, group: &str) -> Option<Vec<String>> {
        names(&self.group_dir(group))
    }

    /// Appends events to a stream, which is made with its group where there is none.
    pub fn append(&self, group: &str, stream: &str, events: &[(i64, &str)]) -> io::Result<()> {
        fs::create_dir_all(self.group_dir(group))?;
        let ingested = now_ms();
        let _writing = self.write();
        let mut file = fs::OpenOptions::new().create(true).append(true).open(self.file(group, stream))?;
        let mut bytes = Vec::new();
        if file.metadata()?.len() == 0 {
            line(&mut bytes, &Head { created: ingested, dropped: 0 })?;
        }
        for (timestamp, message) in events {
            let message = (*message).to_owned();
            line(&mut bytes, &Event { timestamp: *timestamp, ingested, message, line: 0 })?;
        }
        file.write_all(&bytes)
    }

    /// What is known of a stream; times are of events that are not before `horizon`.
    pub fn summary(&self, group: &str, stream: &str, horizon: i64) -> Option<Summary> {
        let (head, events) = read(&self.file(group, stream)).ok()?;
        let times = || events.iter().map(|event| event.timestamp).filter(|at| *at >= horizon);
        Some(Summary {
            created: head.created,
            first: times().min(),
            last: times().max(),
            ingested: events.iter().map(|event| event.ingested).max(),
        })
    }

    /// Removes events that are before a time.
    pub fn drop_before(&self, group: &str, horizon: i64) -> io::Result<()> {
        for stream in self.streams(group).unwrap_or_default() {
            let path = self.file(group, &stream);
            let _writing = self.write();
            let (head, events) = read(&path)?;
            let mut old = events.iter().filter(|event| event.timestamp < horizon).count() as u64;
            if old == 0 {
                continue;
            }
            let mut bytes = Vec::new();
            let mut kept: Vec<&Event> = events.iter().collect();
            // Places are counted from the beginning, so what is old goes only from there; the rest is not told anyway.
            let first = kept.iter().position(|event| event.timestamp >= horizon).unwrap_or(kept.len());
            kept.drain(..first);
            old = old.min(first as u64);
            if old == 0 {
                continue;
            }
            line(&mut bytes, &Head { created: head.created, dropped: head.dropped + old })?;
            for event in kept {
                line(&mut bytes, event)?;
            }
            write_atomically(&path, &bytes)?;
        }
        Ok(())
    }

    /// Events of one stream, or of all streams of a group, in order of time; `None` where there is no such thing.
    pub fn events(&self, group: &str, stream: Option<&str>) -> Option<Vec<(String, Event)>> {
        let streams = match stream {
            Some(stream) => vec![stream.to_owned()],
            None => self.streams(group)?,
        };
        let mut found = Vec::new();
        for name in &streams {
            match read(&self.file(group, name)) {
                Ok((_, events)) => found.extend(events.into_iter().map(|event| (name.clone(), event))),
                Err(_) if stream.is_some() => return None,
                Err(_) => {}
            }
        }
        found.sort_by(|(a_stream, a), (b_stream, b)| {
            (a.timestamp, a_stream, a.line).cmp(&(b.timestamp, b_stream, b.line))
        });
        Some(found)
    }
}

fn gone(result: io::Result<()>) -> io::Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_old_goes_and_places_stay() {
        let dir = tempfile::tempdir().expect("dir");
        let store = Store::open(dir.path()).expect("opens");
        store.append("g", "s", &[(10, "a"), (20, "b"), (30, "c")]).expect("writes");
        let created = store.summary("g", "s", 0).expect("is there").created;
        store.drop_before("g", 25).expect("rewrites");
        store.append("g", "s", &[(40, "d")]).expect("writes");
        let events = store.events("g", Some("s")).expect("is there");
        let places: Vec<(u64, &str)> = events.iter().map(|(_, e)| (e.line, e.message.as_str())).collect();
        assert_eq!(places, [(2, "c"), (3, "d")]);
        let summary = store.summary("g", "s", 0).expect("is there");
        assert_eq!((summary.created, summary.first, summary.last), (created, Some(30), Some(40)));
        assert_eq!(store.streams("g"), Some(vec!["s".to_owned()]));
    }
}
