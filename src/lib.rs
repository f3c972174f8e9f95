//! `pave`: the road from a service description to a release on AWS that can be undone.

pub mod aws;
pub mod blueprint;
pub mod check;
pub mod cli;
pub mod engine;
pub mod judge;
pub mod package;
pub mod rollout;
pub mod sandbox;
pub mod scaffold;
pub mod spec;
pub mod verify;
