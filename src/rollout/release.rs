//! The record of one release.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Plan, Slot, SlotConfig, VerdictKind, Weight};

/// How a release ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It has not ended, or whoever drove it was killed.
    InProgress,
    /// Users are, or were, on it.
    Promoted,
    /// Users are on the release before it.
    RolledBack {
        /// Why.
        reason: String,
    },
    /// It needs a person.
    Halted {
        /// Why.
        reason: String,
    },
    /// It ended before anything was touched.
    Failed {
        /// Why.
        reason: String,
    },
}

impl Outcome {
    /// One word for tables.
    pub fn word(&self) -> &'static str {
        match self {
            Self::InProgress => "in progress",
            Self::Promoted => "promoted",
            Self::RolledBack { .. } => "rolled back",
            Self::Halted { .. } => "halted",
            Self::Failed { .. } => "failed",
        }
    }

    /// Why it ended so, where that needs saying.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::RolledBack { reason } | Self::Halted { reason } | Self::Failed { reason } => Some(reason),
            Self::InProgress | Self::Promoted => None,
        }
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// When, RFC 3339.
    pub at: String,
    /// What, in a few words.
    pub what: String,
}

/// How the judge decided one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerdictRecord {
    /// When, RFC 3339.
    pub at: String,
    /// Index of the step.
    pub step: usize,
    /// The canary's share at that step.
    pub weight: Weight,
    /// The verdict.
    pub verdict: VerdictKind,
    /// In a sentence.
    pub reason: String,
    /// Counts and evidence behind it.
    pub evidence: Value,
}

/// One numbered release of one environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// Version of this record's shape.
    pub schema: u32,
    /// Its number, from 1.
    pub number: u64,
    /// Service.
    pub service: String,
    /// Environment.
    pub environment: String,
    /// The earlier release it brings back, where it is a rollback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brings_back: Option<u64>,
    /// The release users were on when it began; 0 before the first.
    pub before: u64,
    /// SHA-256 of the `pave.toml`, in hex.
    pub spec_digest: String,
    /// SHA-256 of the bundle, in hex.
    pub bundle_digest: String,
    /// What its slot runs.
    pub config: SlotConfig,
    /// SHA-256 of what of that does not change from release to release, in hex: equal ones need no new release.
    pub config_digest: String,
    /// SHA-256 of all of it, in hex: shows that the record was not changed afterwards.
    pub config_seal: String,
    /// Newest migration, where the service has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migration_head: Option<String>,
    /// Its slot.
    pub slot: Slot,
    /// The snapshot to come back to.
    pub snapshot: String,
    /// How it was to be rolled out.
    pub plan: Plan,
    /// ARN of who did it.
    pub actor: String,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// When it ended, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// What happened.
    pub timeline: Vec<TimelineEntry>,
    /// What the judge decided.
    pub verdicts: Vec<VerdictRecord>,
    /// How it ended.
    pub outcome: Outcome,
}

impl Release {
    /// The seal of a configuration.
    pub fn seal_of(config: &SlotConfig) -> String {
        let bytes = serde_json::to_vec(config).expect("strings and numbers always serialise");
        hex::encode(Sha256::digest(bytes))
    }

    /// Whether the configuration is the one that the release was made with.
    pub fn is_intact(&self) -> bool {
        self.config_seal == Self::seal_of(&self.config)
    }
}
