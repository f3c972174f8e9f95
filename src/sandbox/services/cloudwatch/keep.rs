//! How values outlive the process: a file to which what is new is appended every two seconds.
//!
//! A line defines a series (`{"d":[id, metric, unit]}`) or tells of values at a time (`{"v":[id, tier, time, bucket]}`).
//! The file is written anew from what is kept when it has grown to twice its size, so it holds no more than the memory.
//! A killed process loses the last two seconds; a line that was cut is dropped.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{self, BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    bucket::Bucket,
    stat::Metric,
    store::{Store, Tier},
};

/// Growth below which a file is not written anew.
const FEW: u64 = 8 * 1024 * 1024;

#[derive(Debug, Serialize, Deserialize)]
enum Line {
    #[serde(rename = "d")]
    Defines(u32, Metric, String),
    #[serde(rename = "v")]
    Values(u32, char, i64, Bucket),
}

#[derive(Debug)]
pub(super) struct Keep {
    path: PathBuf,
    file: File,
    length: u64,
    /// Length after it was last written anew.
    base: u64,
    ids: HashMap<(Metric, String), u32>,
    /// Whether the last write was refused, perhaps in the middle.
    refused: bool,
}

fn tier(letter: char) -> Tier {
    match letter {
        's' => Tier::Seconds,
        'm' => Tier::Minutes,
        _ => Tier::Both,
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

impl Keep {
    /// Reads what an earlier life left in `dir`, without what is too old by now.
    ///
    /// # Errors
    /// When the directory or file cannot be used.
    pub fn open(dir: &Path, now: i64) -> io::Result<(Self, Store)> {
        std::fs::create_dir_all(dir)?;
        let path = dir.join("values.jsonl");
        let mut store = Store::default();
        let mut series: HashMap<u32, (Metric, String)> = HashMap::new();
        let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path)?;
        for line in BufReader::new(file).split(b'\n') {
            match serde_json::from_slice(&line?) {
                Ok(Line::Defines(id, metric, unit)) => {
                    series.insert(id, (metric, unit));
                }
                Ok(Line::Values(id, letter, at, bucket)) => {
                    if let Some((metric, unit)) = series.get(&id) {
                        store.restore(metric, unit, at, tier(letter), &bucket);
                    }
                }
                // Cut by the end of a process.
                Err(_) => {}
            }
        }
        store.expire(now);
        let mut keep =
            Self { file: open(&path)?, path, length: 0, base: 0, ids: HashMap::new(), refused: false };
        keep.rewrite(&store)?;
        Ok((keep, store))
    }

    fn line(out: &mut Vec<u8>, line: &Line) -> io::Result<()> {
        serde_json::to_writer(&mut *out, line).map_err(io::Error::other)?;
        out.push(b'\n');
        Ok(())
    }

    fn id(&mut self, out: &mut Vec<u8>, metric: &Metric, unit: &str) -> io::Result<u32> {
        let key = (metric.clone(), unit.to_owned());
        if let Some(id) = self.ids.get(&key) {
            return Ok(*id);
        }
        let id = self.ids.len() as u32;
        Self::line(out, &Line::Defines(id, key.0.clone(), key.1.clone()))?;
        self.ids.insert(key, id);
        Ok(id)
    }

    /// Appends what is new in a store, or writes all of it anew.
    ///
    /// # Errors
    /// When the disk refuses; what was new is then lost with the process.
    pub fn save(&mut self, store: &mut Store) -> io::Result<()> {
        let mut out = Vec::new();
        for (metric, values) in std::mem::take(&mut store.fresh) {
            for ((unit, at), bucket) in values {
                let id = self.id(&mut out, &metric, &unit)?;
                Self::line(&mut out, &Line::Values(id, 'b', at, bucket))?;
            }
        }
        if !out.is_empty() {
            // What a refused write left is ended by a line break, and its series are defined again.
            let begun = if std::mem::take(&mut self.refused) { &b"\n"[..] } else { b"" };
            let written = self.file.write_all(&[begun, &out].concat());
            self.refused = written.is_err();
            if let Err(error) = written {
                self.ids.clear();
                return Err(error);
            }
            self.length += out.len() as u64;
        }
        if self.length > self.base * 2 + FEW { self.rewrite(store) } else { Ok(()) }
    }

    /// Replaces the file by one that holds what is kept.
    fn rewrite(&mut self, store: &Store) -> io::Result<()> {
        self.ids.clear();
        let mut file = tempfile::NamedTempFile::new_in(self.path.parent().unwrap_or(Path::new(".")))?;
        let mut length = 0;
        for (metric, units) in &store.series {
            for (unit, series) in units {
                let mut out = Vec::new();
                let id = self.id(&mut out, metric, unit)?;
                for (letter, buckets) in [('s', &series.seconds), ('m', &series.minutes)] {
                    for (at, bucket) in buckets {
                        Self::line(&mut out, &Line::Values(id, letter, *at, bucket.clone()))?;
                    }
                }
                file.write_all(&out)?;
                length += out.len() as u64;
            }
        }
        file.as_file().sync_data()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        self.file = open(&self.path)?;
        (self.length, self.base) = (length, length);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::store::Window, *};
    use crate::sandbox::services::cloudwatch::stat::Stat;

    #[test]
    fn what_was_saved_is_there_again_and_counts_once() {
        let dir = tempfile::tempdir().expect("dir");
        let metric = Metric::new("N", "m", &[]);
        let (mut keep, mut store) = Keep::open(dir.path(), 1000).expect("opens");
        for value in [1.0, 2.0, 3.0] {
            store.put(&metric, "None", 960, true, &Bucket::of(value, 1.0));
            keep.save(&mut store).expect("saves");
        }
        for _ in 0..2 {
            let path = dir.path().join("values.jsonl");
            std::fs::OpenOptions::new()
                .append(true)
                .open(path)
                .and_then(|mut file| file.write_all(b"{\"v\":[0,\"b\",96"))
                .expect("a cut line");
            let (_, store) = Keep::open(dir.path(), 1000).expect("opens");
            for period in [1, 60] {
                let values = store.values(&metric, None, Stat::Sum, Window::aligned(period, 900.0, 1000.0));
                assert_eq!(values.into_iter().collect::<Vec<_>>(), [(960, 6.0)], "{period}");
            }
        }
    }
}
