//! Releases, snapshots and journals in the state store.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::rollout::{Action, Event as RolloutEvent, Outcome, Release, Snapshot, State, replay};

use super::{
    EngineError,
    clock::rfc3339,
    ports::{Expect, PortError, Ports},
};

/// One entry of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Entry {
    /// An action is about to be performed.
    Action(Action),
    /// What came of it.
    Event(RolloutEvent),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    schema: u32,
    at: String,
    entry: Entry,
}

/// The records of one environment.
#[derive(Clone, Copy)]
pub struct Records<'a> {
    ports: &'a Ports,
}

fn release_key(number: u64) -> String {
    // Ten digits, so that keys sort as numbers do.
    format!("releases/{number:010}.json")
}

impl<'a> Records<'a> {
    /// Over these ports.
    pub fn new(ports: &'a Ports) -> Self {
        Self { ports }
    }

    async fn read<T: DeserializeOwned>(&self, key: &str) -> Result<Option<(T, String)>, EngineError> {
        let Some(stored) = self.ports.state.get(key).await? else { return Ok(None) };
        let broken =
            |error: serde_json::Error| EngineError::Record { key: key.to_owned(), reason: error.to_string() };
        Ok(Some((serde_json::from_slice(&stored.body).map_err(broken)?, stored.version)))
    }

    async fn write(
        &self,
        key: &str,
        value: &(impl Serialize + Sync),
        expect: Expect,
    ) -> Result<String, EngineError> {
        let bytes = serde_json::to_vec_pretty(value).expect("records always serialise");
        Ok(self.ports.state.put(key, bytes, expect).await?)
    }

    /// Numbers of all releases, rising.
    ///
    /// # Errors
    /// When the state store refuses.
    pub async fn numbers(&self) -> Result<Vec<u64>, EngineError> {
        let keys = self.ports.state.list("releases/").await?;
        let number = |key: &String| key.strip_prefix("releases/")?.strip_suffix(".json")?.parse().ok();
        Ok(keys.iter().filter_map(number).collect())
    }

    /// One release.
    ///
    /// # Errors
    /// When there is none with this number, or it cannot be read.
    pub async fn release(&self, number: u64) -> Result<Release, EngineError> {
        let key = release_key(number);
        let found = self.read(&key).await?;
        let missing = || EngineError::NoTarget(format!("there is no release {number}"));
        let (release, _): (Release, _) = found.ok_or_else(missing)?;
        if release.is_intact() {
            return Ok(release);
        }
        Err(EngineError::Record { key, reason: "its configuration was changed after it was made".to_owned() })
    }

    /// All releases, oldest first.
    ///
    /// # Errors
    /// When one cannot be read.
    pub async fn releases(&self) -> Result<Vec<Release>, EngineError> {
        let mut all = Vec::new();
        for number in self.numbers().await? {
            all.push(self.release(number).await?);
        }
        Ok(all)
    }

    /// Stores a new release and returns its version; fails with a conflict where the number is taken.
    pub(super) async fn create(&self, release: &Release) -> Result<String, EngineError> {
        self.write(&release_key(release.number), release, Expect::Absent).await
    }

    /// Replaces a release's record.
    pub(super) async fn save(&self, release: &Release) -> Result<(), EngineError> {
        let key = release_key(release.number);
        let (_, version) = self
            .read::<Release>(&key)
            .await?
            .ok_or_else(|| EngineError::NoTarget(format!("there is no release {}", release.number)))?;
        self.write(&key, release, Expect::Version(version)).await?;
        Ok(())
    }

    /// Stores a snapshot and reads it back; one that is there already is taken as it is, because it was taken before anything
    /// was touched.
    pub(super) async fn keep(&self, snapshot: &Snapshot) -> Result<Snapshot, EngineError> {
        let key = format!("snapshots/{}.json", snapshot.id);
        match self.write(&key, snapshot, Expect::Absent).await {
            Ok(_) | Err(EngineError::Port(PortError::Conflict { .. })) => {}
            Err(error) => return Err(error),
        }
        self.snapshot(&snapshot.id).await
    }

    /// A snapshot, verified.
    ///
    /// # Errors
    /// When there is none, or it was changed after it was taken.
    pub async fn snapshot(&self, id: &str) -> Result<Snapshot, EngineError> {
        let found = self.read::<Snapshot>(&format!("snapshots/{id}.json")).await?;
        let missing = || EngineError::NoTarget(format!("there is no snapshot {id}"));
        let (snapshot, _) = found.ok_or_else(missing)?;
        snapshot.verify()?;
        Ok(snapshot)
    }

    /// Adds an entry to a release's journal.
    pub(super) async fn append(&self, release: u64, seq: u64, entry: Entry) -> Result<(), EngineError> {
        let line = Line { schema: 1, at: rfc3339(self.ports.clock.now()), entry };
        self.write(&format!("journal/{release:010}/{seq:06}.json"), &line, Expect::Absent).await?;
        Ok(())
    }

    /// A release's journal: where it leads, and the next free place in it.
    pub(super) async fn journal(&self, release: &Release) -> Result<(State, u64), EngineError> {
        let keys = self.ports.state.list(&format!("journal/{:010}/", release.number)).await?;
        let mut events = Vec::new();
        for key in &keys {
            if let Some((Line { entry: Entry::Event(event), .. }, _)) = self.read::<Line>(key).await? {
                events.push(event);
            }
        }
        let last =
            keys.last().and_then(|key| key.rsplit('/').next()?.strip_suffix(".json")?.parse::<u64>().ok());
        let state = replay(&release.plan, &events)
            .map_err(|illegal| EngineError::Journal { release: release.number, illegal })?;
        Ok((state, last.map_or(0, |last| last + 1)))
    }
}

/// The release users are on, by the records.
pub fn newest_promoted(releases: &[Release]) -> Option<&Release> {
    releases.iter().rev().find(|release| release.outcome == Outcome::Promoted)
}
