//! Measurements -> verdict: is the canary worse than stable?
//!
//! Purpose: a decision that is valid at any moment, for any amount of traffic, with a stated probability of
//! aborting a good release, because the tests it rests on are sequential.
//!
//! Invariant: over a whole rollout, however often it is asked, a release that is no worse than stable is aborted
//! with probability at most `false_alarm`. It refuses to know where measurements come from, and what time it is.

mod evidence;
mod rollout_judge;

pub use evidence::{ln_evidence_of_fewer, ln_evidence_of_more};
pub use rollout_judge::{Counts, Evidence, Judge, Measurement, Stream, Verdict};
