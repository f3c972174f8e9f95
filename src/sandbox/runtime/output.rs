//! What an instance prints: every line into its log, the last ones kept for the event log.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use crate::sandbox::world::World;

/// Lines kept for the event log, and the most characters of each.
const TAIL: usize = 10;
const WIDTH: usize = 1000;

/// Where lines go.
#[derive(Debug, Clone)]
pub(super) struct Output {
    group: String,
    stream: String,
    tail: Arc<Mutex<VecDeque<String>>>,
}

impl Output {
    /// That of an instance.
    pub fn of(group: &str, instance: &str) -> Self {
        Self { group: group.to_owned(), stream: format!("instance/{instance}"), tail: Arc::default() }
    }

    /// Milliseconds since the epoch, now.
    pub fn now() -> i64 {
        (time::OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000) as i64
    }

    /// Takes a line.
    pub fn line(&self, world: &World, at: i64, line: &str) {
        let line = line.trim_end().to_owned();
        // A log that cannot be written must not end the instance.
        let _ = world.logs.append(&self.group, &self.stream, at, std::slice::from_ref(&line));
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        if tail.len() == TAIL {
            tail.pop_front();
        }
        tail.push_back(line.chars().take(WIDTH).collect());
    }

    /// When the last line that is in the log was printed.
    pub fn last(&self, world: &World) -> Option<i64> {
        world.logs.last(&self.group, &self.stream)
    }

    /// The last lines in one.
    pub fn tail(&self) -> String {
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let lines: Vec<&str> = tail.iter().map(String::as_str).collect();
        if lines.is_empty() { "it printed nothing".to_owned() } else { lines.join(" | ") }
    }
}
