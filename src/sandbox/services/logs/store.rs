//! Log groups as folders, streams as files.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Mutex,
};

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};

/// One event.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Event {
    #[serde(rename = "t")]
    pub timestamp: i64,
    #[serde(rename = "i")]
    pub ingested: i64,
    #[serde(rename = "m")]
    pub message: String,
}

#[derive(Debug)]
pub(super) struct Store {
    dir: PathBuf,
    /// Held while lines are appended, so that two writers do not mix theirs.
    writing: Mutex<()>,
}

/// A name as a file name: no separators, no dots.
fn encoded(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}

fn decoded(name: &std::ffi::OsStr) -> Option<String> {
    Some(percent_decode_str(name.to_str()?).decode_utf8().ok()?.into_owned())
}

fn names(dir: &Path) -> Option<Vec<String>> {
    let mut names: Vec<String> =
        fs::read_dir(dir).ok()?.filter_map(|entry| decoded(&entry.ok()?.file_name())).collect();
    names.sort();
    Some(names)
}

impl Store {
    pub fn open(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        Ok(Self { dir: dir.to_owned(), writing: Mutex::new(()) })
    }

    fn group_dir(&self, group: &str) -> PathBuf {
        self.dir.join(encoded(group))
    }

    pub fn has_group(&self, group: &str) -> bool {
        self.group_dir(group).is_dir()
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
        match fs::remove_dir_all(self.group_dir(group)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub fn groups(&self) -> Vec<String> {
        names(&self.dir).unwrap_or_default()
    }

    pub fn streams(&self, group: &str) -> Option<Vec<String>> {
        names(&self.group_dir(group))
    }

    pub fn append<'a>(
        &self,
        group: &str,
        stream: &str,
        events: impl Iterator<Item = (i64, &'a str)>,
    ) -> io::Result<()> {
        let dir = self.group_dir(group);
        fs::create_dir_all(&dir)?;
        let ingested = (time::OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000) as i64;
        let mut bytes = Vec::new();
        for (timestamp, message) in events {
            serde_json::to_writer(&mut bytes, &Event { timestamp, ingested, message: message.to_owned() })?;
            bytes.push(b'\n');
        }
        let _writing = self.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        fs::OpenOptions::new().create(true).append(true).open(dir.join(encoded(stream)))?.write_all(&bytes)
    }

    /// Events of one stream, or of all streams of a group in order of time; `None` where there is no such thing.
    pub fn events(&self, group: &str, stream: Option<&str>) -> Option<Vec<(String, Event)>> {
        let streams = match stream {
            Some(stream) => vec![stream.to_owned()],
            None => self.streams(group)?,
        };
        let mut events = Vec::new();
        for name in &streams {
            let text = match fs::read_to_string(self.group_dir(group).join(encoded(name))) {
                Ok(text) => text,
                Err(_) if stream.is_some() => return None,
                Err(_) => continue,
            };
            // A last line cut by a killed process is no event.
            events.extend(
                text.lines()
                    .filter_map(|line| Some((name.clone(), serde_json::from_str::<Event>(line).ok()?))),
            );
        }
        if stream.is_none() {
            events.sort_by_key(|(_, event)| event.timestamp);
        }
        Some(events)
    }
}
