//! Real PostgreSQL servers: found on this machine, made, run, copied and ended.
//!
//! Invariants: a server listens on loopback only and asks everybody for a password (SCRAM); its files stay below one
//! folder; a password is never an argument, part of an environment or of a log. It refuses to know whose database it is.

mod account;
mod backup;
mod catalogue;
mod certificate;
mod cluster;
mod installed;
mod server;
mod session;

use std::{io, path::PathBuf};

use crate::sandbox::hidden::Hidden;

pub use backup::{back_up, unpack};
pub use catalogue::{Kind, Setting, catalogue};
pub use certificate::Authority;
pub use cluster::{Cluster, Conduct};
pub use installed::{Installed, installed};
pub use server::{Server, end_orphan};
pub use session::connect;

/// The superuser of every server. Source of the name: RDS user guide, "Master user account privileges".
pub const ADMIN: &str = "rdsadmin";

/// Why a server did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// A program ended with an error.
    #[error("{program} failed: {reason}")]
    Failed {
        /// Which.
        program: &'static str,
        /// Its own words.
        reason: String,
    },
    /// PostgreSQL does not run as root, and there is nobody else.
    #[error("PostgreSQL refuses to run as root, and this machine has no account `postgres` to run it as")]
    NoAccount,
    /// A statement was refused.
    #[error("PostgreSQL: {}", .0.as_db_error().map_or_else(|| .0.to_string(), |said| said.message().to_owned()))]
    Refused(#[from] tokio_postgres::Error),
    /// A certificate could not be made.
    #[error("a certificate could not be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The machine refused something.
    #[error("{}: {source}", path.display())]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn blame(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> PostgresError {
    let path = path.into();
    move |source| PostgresError::Io { path, source }
}

/// What a server keeps of a password; the password cannot be told from it.
pub fn verifier(password: &str) -> Hidden {
    Hidden(postgres_protocol::password::scram_sha_256(password.as_bytes()))
}

/// A text as SQL writes it.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name as SQL writes it.
pub fn named(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
