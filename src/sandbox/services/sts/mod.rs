//! STS: who is calling, and credentials for a while in a role.

mod sessions;

use std::{io, path::Path, sync::Arc};

use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::sandbox::{
    auth::Key,
    call::{Answer, Caller, ServiceError},
    protocol::Dialect,
    world::World,
};

use sessions::Sessions;

/// How STS writes.
pub const DIALECT: Dialect = Dialect::plain("https://sts.amazonaws.com/doc/2011-06-15/");

/// What it answers.
pub const OPERATIONS: &[&str] = &["AssumeRole", "GetCallerIdentity"];

/// Seconds that a session may last, and lasts unless it is said. Source: STS API reference, AssumeRole, `DurationSeconds`.
const SECONDS: std::ops::RangeInclusive<i64> = 900..=43_200;
const USUAL_SECONDS: i64 = 3_600;

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
        "AssumeRole" => assume_role(world, input, caller),
        _ => Err(ServiceError::not_in_sandbox("STS", operation)),
    }
}

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::client("ValidationError", message)
}

/// Credentials that are those of a role of this account until they expire.
fn assume_role(world: &Arc<World>, input: &Value, caller: &Caller) -> Answer {
    let text = |name: &str| input[name].as_str().filter(|text| !text.is_empty());
    let arn = text("RoleArn").ok_or_else(|| invalid("RoleArn is required"))?;
    // Source: AWS STS API reference, AssumeRole: a role's ARN has 20 characters at least.
    if arn.len() < 20 || !arn.starts_with("arn:") {
        return Err(invalid(format!("{arn} is invalid")));
    }
    let prefix = format!("arn:aws:iam::{}:role/", caller.account);
    let role =
        arn.strip_prefix(&prefix).and_then(|path| path.rsplit('/').next()).filter(|name| !name.is_empty());
    let role = role.ok_or_else(|| ServiceError {
        status: 403,
        code: "AccessDenied",
        message: format!(
            "User: {} is not authorized to perform: sts:AssumeRole on resource: {arn}",
            caller.arn
        ),
    })?;
    let session = text("RoleSessionName").ok_or_else(|| invalid("RoleSessionName is required"))?;
    let plain = session.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c));
    if !plain || !(2..=64).contains(&session.len()) {
        return Err(invalid(format!(
            "1 validation error detected: Value '{session}' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]* and have a length of 2 to 64"
        )));
    }
    let seconds = match text("DurationSeconds") {
        None => USUAL_SECONDS,
        Some(text) => text.parse().ok().filter(|seconds| SECONDS.contains(seconds)).ok_or_else(|| {
            invalid(format!("DurationSeconds must be from {} to {}", SECONDS.start(), SECONDS.end()))
        })?,
    };
    let expires = OffsetDateTime::now_utc() + time::Duration::seconds(seconds);
    let made = world.sts.sessions.begin(&caller.account, role, session, expires)?;
    let expiration = expires.replace_nanosecond(0).ok().and_then(|at| at.format(&Rfc3339).ok());
    Ok(json!({
        "Credentials": {
            "AccessKeyId": made.access_key_id,
            "SecretAccessKey": made.key.secret,
            "SessionToken": made.key.token,
            "Expiration": expiration,
        },
        "AssumedRoleUser": { "AssumedRoleId": made.key.user_id, "Arn": made.key.arn },
    }))
}
