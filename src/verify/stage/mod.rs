//! What stands around a service while it is experimented on: real servers, a fault proxy before each, a collector.

mod backing;
mod collector;
mod database;
mod proxy;
mod scene;
mod servers;

pub use backing::{Backing, BackingError, CLOUD_NAME, Cloud};
pub use collector::{Collector, SERVER, Span};
pub use database::Database;

pub use proxy::{Fault, Proxy, Seen, Target};
pub use scene::{Bench, Scene, Setup, unique};
pub use servers::{free_port, server_program};
