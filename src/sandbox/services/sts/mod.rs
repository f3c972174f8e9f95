//! STS: who is calling, and credentials for a while in a role.

mod assume;
mod sessions;

use std::{io, path::Path, sync::Arc};

use serde_json::{Value, json};

use crate::sandbox::{
    auth::Key,
    call::{Answer, Caller, ServiceError},
    protocol::Dialect,
    world::World,
};

use sessions::{Order, Sessions};

pub use sessions::{Credentials, RoleSession};

/// How STS writes.
pub const DIALECT: Dialect = Dialect::plain("https://sts.amazonaws.com/doc/2011-06-15/");

/// What it answers.
pub const OPERATIONS: &[&str] = &["AssumeRole", "GetCallerIdentity"];

/// State of the service.
#[derive(Debug)]
pub struct Sts {
    sessions: Sessions,
}

impl Sts {
    /// Opens the state kept in `dir`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(dir: &Path) -> io::Result<Self> {
        Ok(Self { sessions: Sessions::open(dir)? })
    }

    /// The key of a session, also of one that is over.
    pub fn key(&self, access_key_id: &str) -> Option<Key> {
        self.sessions.key(access_key_id)
    }

    /// A session of a role that IAM has, for a service to act in; the same one each time.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn lasting(&self, account: &str, role: &str, id: &str, name: &str) -> io::Result<Credentials> {
        self.sessions.lasting(account, role, id, name)
    }

    /// What limits the session with this key; nothing for one that may do everything.
    pub fn role_session(&self, access_key_id: &str) -> Option<RoleSession> {
        self.sessions.role(access_key_id)
    }
}

/// Answers one operation.
///
/// # Errors
/// The service's own.
pub fn handle(world: &Arc<World>, operation: &str, input: &Value, caller: &Caller) -> Answer {
    match operation {
        "GetCallerIdentity" => Ok(json!({
            "Arn": caller.arn,
            "UserId": caller.user_id,
            "Account": caller.account,
        })),
        "AssumeRole" => assume::assume(world, input, caller),
        _ => Err(ServiceError::not_in_sandbox("STS", operation)),
    }
}
