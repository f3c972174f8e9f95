//! The one orchestrator: ports, observe, plan, drive, journal, events.
//!
//! Invariant: nothing touches a live service before a snapshot of it is stored, and every action is in
//! the journal before it is performed. It refuses to know any SDK and whom it is talking to.

pub mod clock;
pub mod names;
pub mod ports;
