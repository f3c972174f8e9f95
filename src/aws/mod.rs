//! The engine's ports on AWS, one file per service.
//!
//! Invariants: no SDK type leaves this module; nothing here asks whom it is talking to beyond what its settings say.
//! It refuses to decide: every choice about a release is the engine's.

mod apprunner;
mod cloudwatch;
mod codebuild;
mod connect;
mod ecr;
mod error;
mod keyvaluestore;
mod logs;
mod prober;
mod s3_artifacts;
mod s3_state;
mod sts;

pub use connect::{ConnectError, Credentials, Settings, ports};
