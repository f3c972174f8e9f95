//! `pave verify`: the contract of the paved road, tried on a running service.
//!
//! Purpose: experiments from outside the service, the same for every language: a fault proxy before each dependency, a
//! collector, signals, load. Invariant: an experiment stages a service of its own, so none feels another; every
//! one can fail. It refuses to know the service's domain (`verify.toml` tells the requests) and its language.

mod client;
mod contract;
mod experiments;
mod report;
mod requests;
mod run;
mod stage;
mod subject;

pub use client::{Answer, Caller, NoAnswer};
pub use contract::{Id, NoSuchId};
pub use report::{Finding, Report, Verdict};
pub use requests::{FILE as REQUESTS_FILE, Requests, RequestsError, parse as parse_requests};
pub use run::{Options, VerifyError, address, project};
pub use stage::{BackingError, CLOUD_NAME, Cloud, Collector, Fault, Proxy, Span, Target, server_program};
pub use subject::{IMAGE_FILE, Running, StartError, Subject, Tree};
