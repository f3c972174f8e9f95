//! SSM Parameter Store: named values with versions, in a hierarchy.
//!
//! Invariants: a version's value never changes; a `SecureString` is told in clear only to those who ask for that, and in
//! no error. Values are not encrypted (see [`crate::sandbox::folder`]), as there is no KMS here: a key of one's own is
//! refused. So are parameter policies, and all that Systems Manager has beside parameters.

mod delete;
mod filter;
mod get;
mod history;
mod labels;
mod name;
mod parameter;
mod put;
mod reference;
mod search;
mod tagging;

use std::{collections::BTreeMap, io, path::Path, sync::Arc};

use serde_json::Value;

use crate::sandbox::{
    call::{Answer, Caller, ServiceError},
    folder::Folder,
    world::World,
};

use parameter::Parameter;
pub use reference::START as SECRETS;

/// What it answers.
pub const OPERATIONS: &[&str] = &[
    "AddTagsToResource",
    "DeleteParameter",
    "DeleteParameters",
    "DescribeParameters",
    "GetParameter",
    "GetParameterHistory",
    "GetParameters",
    "GetParametersByPath",
    "LabelParameterVersion",
    "ListTagsForResource",
    "PutParameter",
    "RemoveTagsFromResource",
    "UnlabelParameterVersion",
];

/// State of the service.
#[derive(Debug)]
pub struct Ssm {
    parameters: Folder<Parameter>,
}

impl Ssm {
    /// Opens the state kept in `dir`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(dir: &Path) -> io::Result<Self> {
        Ok(Self { parameters: Folder::open(dir)? })
    }
}

/// What an operation has to hand.
struct Call<'a> {
    parameters: &'a Folder<Parameter>,
    caller: &'a Caller,
    /// Milliseconds since the epoch.
    now: i64,
    /// Secrets that are asked for by names of parameters.
    secrets: BTreeMap<String, Answer>,
}

fn refused(code: &'static str, message: impl Into<String>) -> ServiceError {
    ServiceError::client(code, message)
}

fn no_parameter(name: &str) -> ServiceError {
    refused("ParameterNotFound", format!("Parameter {name} not found."))
}

fn no_version(name: &str, version: &str) -> ServiceError {
    let text = format!(
        "Systems Manager could not find version {version} of {name}. Verify the version and try again."
    );
    refused("ParameterVersionNotFound", text)
}

fn no_page() -> ServiceError {
    refused("InvalidNextToken", "The specified token isn't valid.")
}

/// Answers one operation. As it waits for the disk, on a thread of its own.
///
/// # Errors
/// The service's own.
pub async fn handle(world: &Arc<World>, operation: &str, input: Value, caller: &Caller) -> Answer {
    let secrets = reference::secrets(world, operation, &input, caller).await?;
    let (world, operation, caller) = (Arc::clone(world), operation.to_owned(), caller.clone());
    let now = (time::OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000) as i64;
    let work = move || {
        let call = Call { parameters: &world.ssm.parameters, caller: &caller, now, secrets };
        answer(&call, &operation, input)
    };
    tokio::task::spawn_blocking(work).await.map_err(io::Error::from)?
}

fn answer(call: &Call<'_>, operation: &str, input: Value) -> Answer {
    match operation {
        "AddTagsToResource" => tagging::add(call, input),
        "DeleteParameter" => delete::one(call, input),
        "DeleteParameters" => delete::several(call, input),
        "DescribeParameters" => search::describe(call, input),
        "GetParameter" => get::one(call, input),
        "GetParameterHistory" => history::history(call, input),
        "GetParameters" => get::several(call, input),
        "GetParametersByPath" => search::by_path(call, input),
        "LabelParameterVersion" => labels::label(call, input),
        "ListTagsForResource" => tagging::list(call, input),
        "PutParameter" => put::put(call, input),
        "RemoveTagsFromResource" => tagging::remove(call, input),
        "UnlabelParameterVersion" => labels::unlabel(call, input),
        _ => Err(ServiceError::not_in_sandbox("SSM", operation)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sandbox::testing::caller;

    #[test]
    fn what_is_listed_is_answered_and_nothing_else() {
        let dir = tempfile::tempdir().expect("dir");
        let parameters = Folder::open(dir.path()).expect("opens");
        let call = Call { parameters: &parameters, caller: &caller(), now: 0, secrets: BTreeMap::new() };
        let unknown = |operation: &str| {
            answer(&call, operation, json!({})).is_err_and(|e| e.code == "UnknownOperationException")
        };
        for operation in OPERATIONS {
            assert!(!unknown(operation), "{operation}");
        }
        for operation in ["SendCommand", "PutResourcePolicy", "getParameter"] {
            assert!(unknown(operation), "{operation}");
        }
    }
}
