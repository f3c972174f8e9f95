//! The one orchestrator: ports, observe, plan, drive, journal, events.
//!
//! Invariant: nothing touches a live service before a snapshot of it is stored, and every action is in
//! the journal before it is performed. It refuses to know any SDK and whom it is talking to.

pub mod clock;
mod deploy;
mod drive;
mod error;
mod event;
mod judging;
mod lease;
pub mod names;
mod observe;
mod perform;
mod plan;
pub mod ports;
mod records;
mod rollback;

pub use deploy::{DeployRequest, Deployed, deploy, resume};
pub use drive::RolloutSettings;
pub use error::EngineError;
pub use event::{Event, Interrupt, Reporter, Stage};
pub use lease::{Lease, unheld};
pub use observe::observe;
pub use plan::{DeployPlan, Mode, slot_config};
pub use records::{Records, newest_promoted};
pub use rollback::{RollbackPlan, plan_rollback, rollback};
