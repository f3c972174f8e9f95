//! The ids of the contract that every generated service keeps. They are stable: tests, documents and reports cite them.

use std::{fmt, str::FromStr};

/// One promise of the contract, written `C01` to `C15`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(u8);

/// What each id promises, in order.
const PROMISES: [&str; 15] = [
    "bounds every request in time and size",
    "sheds load past its limit and recovers",
    "gives each dependency its own time limit and passes the deadline on",
    "retries idempotent calls only, inside a budget",
    "opens a circuit per dependency and recovers by itself",
    "falls back as the spec says and marks degraded answers",
    "tells liveness from readiness",
    "drains on SIGTERM and loses nothing",
    "makes writes idempotent by Idempotency-Key",
    "migrates idempotently, reversibly, under a lock",
    "checks its configuration at start and prints no secret",
    "gives traces, metrics and logs that belong together",
    "answers errors as problem documents and serves its OpenAPI document",
    "runs without privileges and without build tools, and says what it is made of",
    "sends security headers and gives nothing away",
];

impl Id {
    /// Every id, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..=PROMISES.len() as u8).map(Self)
    }

    /// The id with this number.
    pub(super) const fn of(number: u8) -> Self {
        assert!(number >= 1 && number as usize <= PROMISES.len());
        Self(number)
    }

    /// What it promises: "the service ...".
    pub fn promise(self) -> &'static str {
        PROMISES[usize::from(self.0) - 1]
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "C{:02}", self.0)
    }
}

impl serde::Serialize for Id {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The text is no id of the contract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no contract id; they are C01 to C15")]
pub struct NoSuchId(String);

impl FromStr for Id {
    type Err = NoSuchId;

    fn from_str(text: &str) -> Result<Self, NoSuchId> {
        Self::all()
            .find(|id| id.to_string().eq_ignore_ascii_case(text))
            .ok_or_else(|| NoSuchId(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_as_they_are_read() {
        for id in Id::all() {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert_eq!("c05".parse(), Ok(Id::of(5)));
        assert!("C16".parse::<Id>().is_err() && "5".parse::<Id>().is_err());
    }
}
