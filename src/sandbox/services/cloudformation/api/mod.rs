//! The operations of CloudFormation: what is checked and kept before anything is done.

mod begin;
mod changes;
mod describe;
mod drift;
mod input;
mod lists;
mod stacks;
mod templates;

use std::sync::Arc;

use serde_json::Value;

use crate::sandbox::{
    call::{Answer, Caller, ServiceError},
    world::World,
};

use super::{model::Stack, resources::At, store::Store};

/// What it answers.
pub const OPERATIONS: &[&str] = &[
    "CancelUpdateStack",
    "ContinueUpdateRollback",
    "CreateChangeSet",
    "CreateStack",
    "DeleteChangeSet",
    "DeleteStack",
    "DescribeChangeSet",
    "DescribeStackDriftDetectionStatus",
    "DescribeStackEvents",
    "DescribeStackResource",
    "DescribeStackResourceDrifts",
    "DescribeStackResources",
    "DescribeStacks",
    "DetectStackDrift",
    "ExecuteChangeSet",
    "GetStackPolicy",
    "GetTemplate",
    "GetTemplateSummary",
    "ListChangeSets",
    "ListExports",
    "ListImports",
    "ListStackResources",
    "ListStacks",
    "RollbackStack",
    "SetStackPolicy",
    "UpdateStack",
    "UpdateTerminationProtection",
    "ValidateTemplate",
];

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::client("ValidationError", message)
}

/// One call.
struct Request<'a> {
    at: At,
    input: &'a Value,
}

impl Request<'_> {
    fn store(&self) -> &Store {
        &self.at.world.cloudformation.store
    }

    /// The stack that is named; by its ARN also one that was removed.
    fn stack(&self) -> Result<Stack, ServiceError> {
        let name = self.required("StackName")?;
        let found = self.store().read(|view| view.stack(name));
        found.ok_or_else(|| invalid(format!("Stack with id {name} does not exist")))
    }
}

pub(super) async fn handle(world: &Arc<World>, operation: &str, input: &Value, caller: &Caller) -> Answer {
    let request = Request { at: At { world: Arc::clone(world), caller: caller.clone(), actor: None }, input };
    match operation {
        "CreateStack" => stacks::create(&request),
        "UpdateStack" => stacks::update(&request),
        "DeleteStack" => stacks::delete(&request),
        "CancelUpdateStack" => stacks::cancel(&request),
        "ContinueUpdateRollback" => stacks::continue_rollback(&request),
        "RollbackStack" => stacks::roll_back(&request),
        "UpdateTerminationProtection" => stacks::protect(&request),
        "SetStackPolicy" => stacks::set_policy(&request),
        "GetStackPolicy" => stacks::policy(&request),
        "DescribeStacks" => describe::stacks(&request),
        "DescribeStackEvents" => describe::events(&request),
        "DescribeStackResource" => describe::resource(&request),
        "DescribeStackResources" => describe::resources(&request),
        "ListStackResources" => describe::resource_list(&request),
        "ListStacks" => lists::stacks(&request),
        "ListExports" => lists::exports(&request),
        "ListImports" => lists::imports(&request),
        "GetTemplate" => templates::get(&request),
        "GetTemplateSummary" => templates::summary(&request),
        "ValidateTemplate" => templates::validate(&request),
        "CreateChangeSet" => changes::create(&request),
        "DescribeChangeSet" => changes::describe(&request),
        "ExecuteChangeSet" => changes::execute(&request),
        "DeleteChangeSet" => changes::delete(&request),
        "ListChangeSets" => changes::list(&request),
        "DetectStackDrift" => drift::detect(&request).await,
        "DescribeStackDriftDetectionStatus" => drift::status(&request),
        "DescribeStackResourceDrifts" => drift::resources(&request),
        _ => Err(ServiceError::not_in_sandbox("CloudFormation", operation)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sandbox::testing;

    #[tokio::test]
    async fn every_operation_of_the_list_is_known_and_no_other() {
        let dir = tempfile::tempdir().expect("dir");
        let world = testing::world(dir.path());
        for operation in OPERATIONS.iter().chain(&["CreateStackSet"]) {
            let answer = handle(&world, operation, &json!({}), &world.own_caller()).await;
            let unknown = answer.is_err_and(|error| error.code == "UnknownOperationException");
            assert_eq!(unknown, *operation == "CreateStackSet", "{operation}");
        }
    }
}
