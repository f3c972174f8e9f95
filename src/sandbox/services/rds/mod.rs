//! RDS: PostgreSQL servers with names, states and snapshots; each instance is a real server of this machine's.
//!
//! Invariants: what an instance is to become is on disk before it is acknowledged, and one task for it goes on until it
//! is so, also in the next life of the sandbox; passwords are kept as what PostgreSQL keeps of them.
//!
//! Left out, and refused: engines other than `postgres`, clusters, replicas, restoring to a point in time, proxies, IAM
//! authentication, keys of one's own. Storage, zones and networks are told as they were asked for, and are not there.

mod beat;
mod engines;
mod events;
mod formula;
mod groups;
mod input;
mod instances;
mod lists;
mod members;
mod model;
mod modify;
mod names;
mod parameters;
mod power;
mod restore;
mod roles;
mod secret;
mod servers;
mod show;
mod snapshots;
mod steps;
mod subnets;
mod tagging;
mod turns;
mod work;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value;

use crate::sandbox::{
    call::{Answer, Caller, ServiceError},
    persisted::Persisted,
    postgres::{Installed, PostgresError, installed},
    world::World,
};

use input::Input;
use model::Index;
use servers::Servers;

pub use show::DIALECT;
pub use work::{resume, shutdown};

/// What it answers.
pub const OPERATIONS: &[&str] = &[
    "AddTagsToResource",
    "CopyDBSnapshot",
    "CreateDBInstance",
    "CreateDBParameterGroup",
    "CreateDBSnapshot",
    "CreateDBSubnetGroup",
    "DeleteDBInstance",
    "DeleteDBParameterGroup",
    "DeleteDBSnapshot",
    "DeleteDBSubnetGroup",
    "DescribeDBEngineVersions",
    "DescribeDBInstances",
    "DescribeDBParameterGroups",
    "DescribeDBParameters",
    "DescribeDBSnapshots",
    "DescribeDBSubnetGroups",
    "DescribeEvents",
    "DescribeOrderableDBInstanceOptions",
    "ListTagsForResource",
    "ModifyDBInstance",
    "ModifyDBParameterGroup",
    "ModifyDBSubnetGroup",
    "RebootDBInstance",
    "RemoveTagsFromResource",
    "RestoreDBInstanceFromDBSnapshot",
    "StartDBInstance",
    "StopDBInstance",
];

/// State of the service.
#[derive(Debug)]
pub struct Rds {
    dir: PathBuf,
    index: Persisted<Index>,
    servers: Servers,
}

impl Rds {
    /// Opens the state kept in `dir`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let index = Persisted::open(dir.join("index.json"))?;
        Ok(Self { dir: dir.to_owned(), index, servers: Servers::default() })
    }
}

/// What an operation has to hand.
struct Call<'a> {
    world: &'a Arc<World>,
    caller: &'a Caller,
    /// Versions that this machine has, the newest first.
    installed: &'a [Installed],
}

impl Call<'_> {
    fn index(&self) -> &Persisted<Index> {
        &self.world.rds.index
    }

    fn place(&self) -> show::Place<'_> {
        show::Place::of(self.caller)
    }
}

/// A fault of PostgreSQL's in the answer to an operation.
fn broken(error: PostgresError) -> ServiceError {
    ServiceError { status: 500, code: "InternalFailure", message: error.to_string() }
}

/// Answers one operation.
///
/// # Errors
/// The service's own.
pub async fn handle(world: &Arc<World>, operation: &str, input: Value, caller: &Caller) -> Answer {
    let installed = installed().await;
    let call = Call { world, caller, installed: &installed };
    let input = Input::of(input);
    let answer = match operation {
        "AddTagsToResource" => tagging::add(&call, input),
        "CopyDBSnapshot" => snapshots::copy(&call, input),
        "CreateDBInstance" => instances::create(&call, input),
        "CreateDBParameterGroup" => groups::create(&call, input),
        "CreateDBSnapshot" => snapshots::create(&call, input),
        "CreateDBSubnetGroup" => subnets::create(&call, input),
        "DeleteDBInstance" => power::delete(&call, input),
        "DeleteDBParameterGroup" => groups::delete(&call, input),
        "DeleteDBSnapshot" => snapshots::delete(&call, input),
        "DeleteDBSubnetGroup" => subnets::delete(&call, input),
        "DescribeDBEngineVersions" => engines::versions(&call, input),
        "DescribeDBInstances" => instances::describe(&call, input),
        "DescribeDBParameterGroups" => groups::describe(&call, input),
        "DescribeDBParameters" => groups::parameters(&call, input).await,
        "DescribeDBSnapshots" => snapshots::describe(&call, input),
        "DescribeDBSubnetGroups" => subnets::describe(&call, input),
        "DescribeEvents" => events::describe(&call, input),
        "DescribeOrderableDBInstanceOptions" => engines::orderable(&call, input),
        "ListTagsForResource" => tagging::list(&call, input),
        "ModifyDBInstance" => modify::modify(&call, input),
        "ModifyDBParameterGroup" => groups::modify(&call, input).await,
        "ModifyDBSubnetGroup" => subnets::modify(&call, input),
        "RebootDBInstance" => power::reboot(&call, input),
        "RemoveTagsFromResource" => tagging::remove(&call, input),
        "RestoreDBInstanceFromDBSnapshot" => restore::restore(&call, input),
        "StartDBInstance" => power::start(&call, input),
        "StopDBInstance" => power::stop(&call, input),
        _ => Err(ServiceError::client("InvalidAction", format!("RDS {operation} is not in the sandbox"))),
    };
    answer.map_err(|error| match error.status {
        500 => ServiceError { code: "InternalFailure", ..error },
        _ => error,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sandbox::testing;

    #[tokio::test]
    async fn what_is_listed_is_answered_and_nothing_else() {
        let dir = tempfile::tempdir().expect("dir");
        let world = testing::world(dir.path());
        for operation in OPERATIONS.iter().chain(&["RestoreDBInstanceToPointInTime", "CreateDBCluster"]) {
            let answer = handle(&world, operation, json!({}), &world.own_caller()).await;
            let unknown = answer.is_err_and(|error| error.code == "InvalidAction");
            assert_eq!(unknown, !OPERATIONS.contains(operation), "{operation}");
        }
    }
}
