//! IAM: roles, the policies that say what they may do, and identity providers.
//!
//! Invariants: a policy that is kept was read whole; what is attached or a boundary is there; what is deleted has
//! nothing left. Who may do what is decided elsewhere, from what is kept here.
//!
//! Left out, and refused: users, groups and access keys (the sandbox has its own), instance profiles, SAML.

mod grants;
mod inline;
mod input;
mod linked;
mod managed;
mod model;
mod policies;
mod providers;
mod refuse;
mod roles;
mod simulate;
mod tagging;
mod versions;

use std::{io, path::Path, sync::Arc};

use serde_json::Value;

use crate::sandbox::{
    call::{Answer, Caller, ServiceError},
    persisted::Persisted,
    protocol::Dialect,
    world::World,
};

pub use grants::{Grants, Trusted};
use input::Input;
use model::Account;

/// How IAM writes.
pub const DIALECT: Dialect = Dialect::plain("https://iam.amazonaws.com/doc/2010-05-08/");

/// What it answers.
pub const OPERATIONS: &[&str] = &[
    "AddClientIDToOpenIDConnectProvider",
    "AttachRolePolicy",
    "CreateOpenIDConnectProvider",
    "CreatePolicy",
    "CreatePolicyVersion",
    "CreateRole",
    "CreateServiceLinkedRole",
    "DeleteOpenIDConnectProvider",
    "DeletePolicy",
    "DeletePolicyVersion",
    "DeleteRole",
    "DeleteRolePermissionsBoundary",
    "DeleteRolePolicy",
    "DetachRolePolicy",
    "GetOpenIDConnectProvider",
    "GetPolicy",
    "GetPolicyVersion",
    "GetRole",
    "GetRolePolicy",
    "ListAttachedRolePolicies",
    "ListEntitiesForPolicy",
    "ListOpenIDConnectProviderTags",
    "ListOpenIDConnectProviders",
    "ListPolicies",
    "ListPolicyTags",
    "ListPolicyVersions",
    "ListRolePolicies",
    "ListRoleTags",
    "ListRoles",
    "PutRolePermissionsBoundary",
    "PutRolePolicy",
    "RemoveClientIDFromOpenIDConnectProvider",
    "SetDefaultPolicyVersion",
    "SimulateCustomPolicy",
    "SimulatePrincipalPolicy",
    "TagOpenIDConnectProvider",
    "TagPolicy",
    "TagRole",
    "UntagOpenIDConnectProvider",
    "UntagPolicy",
    "UntagRole",
    "UpdateAssumeRolePolicy",
    "UpdateOpenIDConnectProviderThumbprint",
    "UpdateRole",
];

/// State of the service.
#[derive(Debug)]
pub struct Iam {
    account: Persisted<Account>,
}

impl Iam {
    /// Opens the state kept in `dir`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(dir: &Path) -> io::Result<Self> {
        Ok(Self { account: Persisted::open(dir.join("account.json"))? })
    }
}

/// What an operation has to hand.
struct Call<'a> {
    iam: &'a Iam,
    input: Input,
    /// 12 digits.
    account: &'a str,
}

impl Call<'_> {
    fn read<R>(&self, look: impl FnOnce(&Account) -> R) -> R {
        self.iam.account.read(look)
    }

    fn update<R>(
        &self,
        change: impl FnOnce(&mut Account) -> Result<R, ServiceError>,
    ) -> Result<R, ServiceError> {
        self.iam.account.update(change)
    }

    fn arn(&self, kind: &str, path: &str, name: &str) -> String {
        format!("arn:aws:iam::{}:{kind}{path}{name}", self.account)
    }
}

/// An operation that answers with nothing.
fn done<T>(result: Result<T, ServiceError>) -> Answer {
    result.map(|_| Value::Object(serde_json::Map::new()))
}

/// Answers one operation. As it waits for the disk, on a thread of its own.
///
/// # Errors
/// The service's own.
pub async fn handle(world: &Arc<World>, operation: &str, input: Value, caller: &Caller) -> Answer {
    let (world, operation, account) = (Arc::clone(world), operation.to_owned(), caller.account.clone());
    let work = move || {
        let call = Call { iam: &world.iam, input: Input::new(input), account: &account };
        answer(&call, &operation)
    };
    let answer = tokio::task::spawn_blocking(work).await.map_err(io::Error::from)?;
    // A fault has a code of its own here.
    answer.map_err(|error| match error.status {
        500 => ServiceError { code: "ServiceFailure", ..error },
        _ => error,
    })
}

fn answer(call: &Call<'_>, operation: &str) -> Answer {
    match operation {
        "AddClientIDToOpenIDConnectProvider" => providers::add_client(call),
        "AttachRolePolicy" => roles::attach(call),
        "CreateOpenIDConnectProvider" => providers::create(call),
        "CreatePolicy" => policies::create(call),
        "CreatePolicyVersion" => versions::create(call),
        "CreateRole" => roles::create(call),
        "CreateServiceLinkedRole" => linked::create(call),
        "DeleteOpenIDConnectProvider" => providers::delete(call),
        "DeletePolicy" => policies::delete(call),
        "DeletePolicyVersion" => versions::delete(call),
        "DeleteRole" => roles::delete(call),
        "DeleteRolePermissionsBoundary" => inline::delete_boundary(call),
        "DeleteRolePolicy" => inline::delete(call),
        "DetachRolePolicy" => roles::detach(call),
        "GetOpenIDConnectProvider" => providers::get(call),
        "GetPolicy" => policies::get(call),
        "GetPolicyVersion" => versions::get(call),
        "GetRole" => roles::get(call),
        "GetRolePolicy" => inline::get(call),
        "ListAttachedRolePolicies" => roles::attached(call),
        "ListEntitiesForPolicy" => policies::entities(call),
        "ListOpenIDConnectProviders" => providers::list(call),
        "ListPolicies" => policies::list(call),
        "ListPolicyVersions" => versions::list(call),
        "ListRolePolicies" => inline::list(call),
        "ListRoles" => roles::list(call),
        "PutRolePermissionsBoundary" => inline::put_boundary(call),
        "PutRolePolicy" => inline::put(call),
        "RemoveClientIDFromOpenIDConnectProvider" => providers::remove_client(call),
        "SetDefaultPolicyVersion" => versions::set_default(call),
        "SimulateCustomPolicy" => simulate::custom(call),
        "SimulatePrincipalPolicy" => simulate::principal(call),
        "ListOpenIDConnectProviderTags" | "ListPolicyTags" | "ListRoleTags" => tagging::list(call, operation),
        "TagOpenIDConnectProvider" | "TagPolicy" | "TagRole" => tagging::tag(call, operation),
        "UntagOpenIDConnectProvider" | "UntagPolicy" | "UntagRole" => tagging::untag(call, operation),
        "UpdateAssumeRolePolicy" => roles::update_trust(call),
        "UpdateOpenIDConnectProviderThumbprint" => providers::thumbprint(call),
        "UpdateRole" => roles::update(call),
        _ => Err(refuse::unknown(operation)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_listed_is_answered_and_nothing_else() {
        let dir = tempfile::tempdir().expect("dir");
        let iam = Iam::open(dir.path()).expect("opens");
        let unknown = |operation: &str| {
            let call = Call { iam: &iam, input: Input::new(json!({})), account: "123456789012" };
            answer(&call, operation).is_err_and(|error| error.code == "UnknownOperationException")
        };
        assert!(OPERATIONS.iter().all(|operation| !unknown(operation)));
        assert!(["CreateUser", "CreateAccessKey", "getRole", ""].iter().all(|operation| unknown(operation)));
    }

    #[test]
    fn what_is_kept_survives() {
        let dir = tempfile::tempdir().expect("dir");
        let create = json!({
            "RoleName": "Deployer",
            "AssumeRolePolicyDocument": r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}"#,
        });
        let call = |operation: &str, input: Value| {
            let iam = Iam::open(dir.path()).expect("opens");
            let call = Call { iam: &iam, input: Input::new(input), account: "123456789012" };
            answer(&call, operation).map_err(|error| error.code)
        };
        let made = call("CreateRole", create.clone()).expect("is made");
        assert_eq!(call("CreateRole", create), Err("EntityAlreadyExists"));
        let got = call("GetRole", json!({ "RoleName": "deployer" })).expect("is there");
        assert_eq!(got["Role"], made["Role"]);
        assert_eq!(got["Role"]["Arn"], "arn:aws:iam::123456789012:role/Deployer");
        call("DeleteRole", json!({ "RoleName": "Deployer" })).expect("is deleted");
        assert_eq!(call("GetRole", json!({ "RoleName": "Deployer" })), Err("NoSuchEntity"));
    }
}
