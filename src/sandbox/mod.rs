//! The embedded sandbox: the AWS services a deployment touches, on one machine.
//!
//! Purpose: speak the wire protocols that the AWS SDKs and the AWS CLI speak, so that the very same
//! calls run here and on an account. Bundles, builds, images, instances and traffic are real.
//!
//! Invariants: loopback only; every call is signed with this sandbox's keys; what was acknowledged
//! is on disk; an operation it does not have is refused in the service's own error shape.
//!
//! It refuses to know anything of the rest of this crate: it shares no type and no codec with it,
//! so that the AWS SDK stays an independent witness.

pub mod access;
pub mod auth;
pub mod call;
pub mod daemon;
mod door;
pub mod edge;
pub mod faults;
pub mod folder;
pub mod hidden;
mod journal;
mod oci;
pub mod page;
pub mod persisted;
pub mod policy;
mod postgres;
pub mod protocol;
mod reference;
pub mod runtime;
pub mod server;
pub mod services;
pub mod tags;
#[cfg(test)]
mod testing;
pub mod world;
