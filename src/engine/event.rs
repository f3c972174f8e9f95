//! What happens, told once: people, JSON lines and tests all read this enum.

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::{
    judge::{Counts, Evidence},
    rollout::{Difference, VerdictKind, Weight},
};

/// A part of a deploy or rollback that takes time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Source tree to bundle.
    Package,
    /// Bucket, repository, build project and route store exist.
    Foundation,
    /// Bundle to S3.
    Upload,
    /// Bundle to image.
    Build,
    /// What is live is stored.
    Snapshot,
    /// The idle slot gets the release.
    Prepare,
    /// The slot is asked whether it is ready.
    Ready,
    /// A share of users is on the release.
    Step,
    /// The release becomes stable.
    Promote,
    /// Users are put back.
    Return,
    /// The slot is put back.
    Restore,
    /// Live state is compared with what it should be.
    Compare,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A stage began.
    Started {
        /// Which.
        stage: Stage,
        /// What exactly.
        detail: String,
    },
    /// Something moved inside a stage.
    Progress {
        /// Which.
        stage: Stage,
        /// What.
        detail: String,
        /// Bytes done, for an upload.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        done: Option<u64>,
        /// Bytes in all, for an upload.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        total: Option<u64>,
    },
    /// A stage ended well.
    Done {
        /// Which.
        stage: Stage,
        /// With what result.
        detail: String,
        /// How long it took, in seconds.
        seconds: f64,
    },
    /// A stage ended badly.
    Failed {
        /// Which.
        stage: Stage,
        /// Why.
        reason: String,
        /// How long it took, in seconds.
        seconds: f64,
    },
    /// One line of the build's log.
    BuildLine {
        /// The line.
        line: String,
    },
    /// What both slots served so far at this step.
    Measured {
        /// Index of the step.
        step: usize,
        /// The canary's share.
        weight: Weight,
        /// What the judge knows.
        evidence: Evidence,
        /// 99th percentile of the stable slot's latency, in milliseconds.
        stable_p99_ms: Option<f64>,
        /// 99th percentile of the canary slot's latency, in milliseconds.
        canary_p99_ms: Option<f64>,
        /// Longest time left at this step, in seconds.
        left_seconds: f64,
    },
    /// The judge decided a step.
    Verdict {
        /// Index of the step.
        step: usize,
        /// The canary's share.
        weight: Weight,
        /// How.
        verdict: VerdictKind,
        /// In a sentence.
        reason: String,
        /// Canary requests of this step.
        canary: Counts,
        /// Stable requests of this step.
        stable: Counts,
    },
    /// Live state was compared with what it should be.
    Compared {
        /// Fields looked at.
        fields: usize,
        /// Those that differ.
        differences: Vec<Difference>,
    },
}

/// Whoever is told.
pub trait Reporter: Send + Sync {
    /// Takes one event, at a time in seconds since the epoch.
    fn report(&self, at: f64, event: &Event);
}

/// How often a person has asked to stop.
#[derive(Debug, Clone)]
pub struct Interrupt(watch::Receiver<u32>);

impl Interrupt {
    /// Listens to a counter of requests to stop.
    pub fn new(counter: watch::Receiver<u32>) -> Self {
        Self(counter)
    }

    /// Waits until a person asks to stop; for ever where nobody can.
    pub async fn asked(&self) {
        let mut counter = self.0.clone();
        if counter.wait_for(|asked| *asked > 0).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
