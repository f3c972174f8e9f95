//! Why a command of the engine cannot go on.

use super::ports::PortError;
use crate::{
    package::PackError,
    rollout::{Illegal, SnapshotError},
};

/// Why a deploy or rollback ended before it had an outcome.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The world refused.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The source tree cannot be packed.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// Somebody else is at it.
    #[error("{holder} is changing this environment (since {since})")]
    Leased {
        /// Who.
        holder: String,
        /// Since when, RFC 3339.
        since: String,
        /// When the lease runs out, RFC 3339.
        expires: String,
    },
    /// An earlier release has no end yet.
    #[error("release {number} was cut off while it was {state}")]
    Unfinished {
        /// Its number.
        number: u64,
        /// Where it was.
        state: String,
    },
    /// There is nothing to go back to.
    #[error("{0}")]
    NoTarget(String),
    /// There is nothing to resume.
    #[error("there is no release that was cut off")]
    NothingToResume,
    /// A stored record cannot be read.
    #[error("the record {key} cannot be read: {reason}")]
    Record {
        /// Its key.
        key: String,
        /// Why.
        reason: String,
    },
    /// A snapshot cannot be trusted.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The journal contradicts itself.
    #[error("the journal of release {release} contradicts itself: {illegal}")]
    Journal {
        /// Release.
        release: u64,
        /// Where.
        illegal: Illegal,
    },
    /// A person stopped it before anything was touched.
    #[error("stopped before anything was changed")]
    Interrupted,
}
