//! Secrets Manager: secrets whose values have versions, told apart by staging labels.
//!
//! Invariants: a version never changes once it is made; a staging label is on one version at a time; a value stands in
//! its file and in the answers to those who ask for it, and in no error. Values are not encrypted (see
//! [`crate::sandbox::folder`]), as there is no KMS here: a key of one's own is refused. So are rotation, for which there
//! is no Lambda, and replicas, for which there is no other region.

mod deletion;
mod find;
mod list;
pub mod managed;
mod password;
mod policy;
mod read;
mod secret;
mod tagging;
mod write;

use std::{io, path::Path, sync::Arc};

use serde_json::{Value, json};

use crate::sandbox::{
    access::permit,
    call::{Answer, Caller, ServiceError},
    folder::Folder,
    world::World,
};

use secret::Secret;

/// What it answers.
pub const OPERATIONS: &[&str] = &[
    "BatchGetSecretValue",
    "CreateSecret",
    "DeleteResourcePolicy",
    "DeleteSecret",
    "DescribeSecret",
    "GetRandomPassword",
    "GetResourcePolicy",
    "GetSecretValue",
    "ListSecretVersionIds",
    "ListSecrets",
    "PutResourcePolicy",
    "PutSecretValue",
    "RestoreSecret",
    "TagResource",
    "UntagResource",
    "UpdateSecret",
    "UpdateSecretVersionStage",
];

/// State of the service.
#[derive(Debug)]
pub struct SecretsManager {
    secrets: Folder<Secret>,
}

impl SecretsManager {
    /// Opens the state kept in `dir`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let secrets: Folder<Secret> = Folder::open(dir)?;
        // What went for good while the sandbox was there is found nowhere; now it goes from the disk as well.
        let gone = secrets.read(|all| {
            all.values().filter(|secret| !secret.is_there(now())).map(|s| s.name.clone()).collect::<Vec<_>>()
        });
        for name in gone {
            secrets.update(&name, |secret| {
                *secret = None;
                Ok::<_, io::Error>(())
            })?;
        }
        Ok(Self { secrets })
    }

    /// Who may do what with a secret, if that is said.
    pub fn policy(&self, id: &str) -> Option<String> {
        self.secrets.read(|all| find::find(all, id, now()).and_then(|secret| secret.policy.clone()))
    }

    /// The ARN of a secret, by whatever it may be called by.
    pub fn arn(&self, id: &str) -> Option<String> {
        self.secrets.read(|all| find::find(all, id, now()).map(|secret| secret.arn.clone()))
    }
}

/// What an operation has to hand.
struct Call<'a> {
    secrets: &'a Folder<Secret>,
    caller: &'a Caller,
    /// Milliseconds since the epoch.
    now: i64,
    /// Whether the value of a secret may be read by whoever asks for several.
    may_read: &'a dyn Fn(&str) -> Result<(), ServiceError>,
}

fn now() -> i64 {
    (time::OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000) as i64
}

fn invalid_parameter(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidParameterException", message)
}

fn invalid_request(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidRequestException", message)
}

fn not_found(message: &str) -> ServiceError {
    ServiceError::client("ResourceNotFoundException", message)
}

/// Answers one operation. As it waits for the disk, on a thread of its own.
///
/// # Errors
/// The service's own.
pub async fn handle(world: &Arc<World>, operation: &str, input: Value, caller: &Caller) -> Answer {
    let (world, operation, caller) = (Arc::clone(world), operation.to_owned(), caller.clone());
    let now = now();
    let work = move || {
        let may_read = |id: &str| {
            permit(&world, &caller, "secretsmanager", "GetSecretValue", &json!({ "SecretId": id }))
        };
        let secrets = &world.secretsmanager.secrets;
        let call = Call { secrets, caller: &caller, now, may_read: &may_read };
        answer(&call, &operation, input)
    };
    let answer = tokio::task::spawn_blocking(work).await.map_err(io::Error::from)?;
    // A fault has a code of its own here.
    answer.map_err(|error| match error.status {
        500 => ServiceError { code: "InternalServiceError", ..error },
        _ => error,
    })
}

fn answer(call: &Call<'_>, operation: &str, input: Value) -> Answer {
    match operation {
        "BatchGetSecretValue" => read::batch(call, input),
        "CreateSecret" => write::create(call, input),
        "DeleteResourcePolicy" => policy::delete(call, input),
        "DeleteSecret" => deletion::delete(call, input),
        "DescribeSecret" => read::describe(call, input),
        "GetRandomPassword" => password::random(input),
        "GetResourcePolicy" => policy::get(call, input),
        "GetSecretValue" => read::value(call, input),
        "ListSecretVersionIds" => list::versions(call, input),
        "ListSecrets" => list::secrets(call, input),
        "PutResourcePolicy" => policy::put(call, input),
        "PutSecretValue" => write::put(call, input),
        "RestoreSecret" => deletion::restore(call, input),
        "TagResource" => tagging::tag(call, input),
        "UntagResource" => tagging::untag(call, input),
        "UpdateSecret" => write::update(call, input),
        "UpdateSecretVersionStage" => write::stage(call, input),
        _ => Err(ServiceError::not_in_sandbox("Secrets Manager", operation)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::testing::caller;

    #[test]
    fn what_is_listed_is_answered_and_nothing_else() {
        let dir = tempfile::tempdir().expect("dir");
        let secrets = Folder::open(dir.path()).expect("opens");
        let call = Call { secrets: &secrets, caller: &caller(), now: 0, may_read: &|_| Ok(()) };
        let unknown = |operation: &str| {
            answer(&call, operation, json!({})).is_err_and(|e| e.code == "UnknownOperationException")
        };
        for operation in OPERATIONS {
            assert!(!unknown(operation), "{operation}");
        }
        for operation in
            ["RotateSecret", "ReplicateSecretToRegions", "ValidateResourcePolicy", "getSecretValue"]
        {
            assert!(unknown(operation), "{operation}");
        }
    }
}
