//! How a release reaches users and how it is undone, as values.
//!
//! Purpose: slots, routes, snapshots and releases as data, and the state machine that says what to do next.
//!
//! Invariant: everything here is a pure function of its arguments. It refuses to know AWS, time,
//! randomness and I/O.

mod slot;

pub use slot::{Route, Slot, SlotConfig, SlotState, SlotStatus, Weight};
