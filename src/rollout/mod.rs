//! How a release reaches users and how it is undone, as values.
//!
//! Purpose: slots, routes, snapshots and releases as data, and the state machine that says what to do next.
//!
//! Invariant: everything here is a pure function of its arguments. It refuses to know AWS, time,
//! randomness and I/O.

mod machine;
mod release;
mod slot;
mod snapshot;

pub use machine::{Action, Event, Illegal, Plan, State, VerdictKind, next, replay};
pub use release::{Outcome, Release, TimelineEntry, VerdictRecord};
pub use slot::{Route, Slot, SlotConfig, SlotState, SlotStatus, Weight};
pub use snapshot::{Difference, Live, Snapshot, SnapshotError, compare};
