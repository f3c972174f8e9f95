//! How a running sandbox is reached, as its directory tells.

use std::{fs, path::Path};

use serde::{Deserialize, Serialize};

use crate::sandbox::{runtime::Chosen, world::Identity};

/// Where it is told.
pub(super) const RECORD: &str = "sandbox.json";

/// How a running sandbox is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Version of this record's shape.
    pub schema: u32,
    /// Its process.
    pub pid: u32,
    /// When that process started, in clock ticks after boot: tells it from a later process with the same id.
    pub start_time: u64,
    /// Port of AWS calls.
    pub api: u16,
    /// Port of the edge.
    pub edge: u16,
    /// Who it is.
    #[serde(flatten)]
    pub identity: Identity,
    /// What builds and instances run in.
    #[serde(default)]
    pub runtime: Chosen,
}

impl Record {
    /// Where AWS calls go.
    pub fn endpoint_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.api)
    }

    /// The environment that points any AWS tool at this sandbox.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        self.identity.env(self.api)
    }
}

/// The start time of a process, or `None` where there is no such process.
pub(in crate::sandbox) fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything; the fields after it do not. Field 22 is the start time (proc(5)).
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    if fields.first() == Some(&"Z") {
        return None;
    }
    fields.get(19)?.parse().ok()
}

/// The sandbox that runs in `dir`, if one does.
pub fn find(dir: &Path) -> Option<Record> {
    let record: Record = serde_json::from_slice(&fs::read(dir.join(RECORD)).ok()?).ok()?;
    (start_time(record.pid) == Some(record.start_time)).then_some(record)
}
