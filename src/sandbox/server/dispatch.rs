//! Which service answers a call.

use std::sync::Arc;

use crate::sandbox::{
    access,
    call::{Answer, Caller, ServiceError},
    protocol,
    services::{
        apprunner, cloudformation, cloudwatch, codebuild, dynamodb, ecr, iam, logs, rds, secretsmanager, sqs,
        ssm, sts,
    },
    world::World,
};

/// A call by one service to another.
///
/// # Errors
/// The service's own.
pub(in crate::sandbox) async fn call(
    world: &Arc<World>,
    service: &str,
    operation: &str,
    input: serde_json::Value,
    caller: &Caller,
) -> Answer {
    let protocol = protocol::Protocol::Json("application/x-amz-json-1.0");
    let call = protocol::Call { protocol, operation: operation.to_owned(), input };
    dispatch(world, service, call, caller, &world.addresses.api.to_string()).await
}

pub(super) async fn dispatch(
    world: &Arc<World>,
    service: &str,
    call: protocol::Call,
    caller: &Caller,
    host: &str,
) -> Answer {
    let (operation, input) = (call.operation.as_str(), call.input);
    access::usable(world, service, operation, &input)?;
    match service {
        "ecr" => ecr::handle(world, operation, input, caller).await,
        "codebuild" => codebuild::handle(world, operation, input, caller).await,
        "apprunner" => apprunner::handle(world, operation, input, caller).await,
        "monitoring" => cloudwatch::handle(world, operation, input, caller).await,
        "logs" => logs::handle(world, operation, input, caller).await,
        "rds" => rds::handle(world, operation, input, caller).await,
        "dynamodb" => dynamodb::handle(world, operation, input, caller).await,
        "sqs" => sqs::handle(world, operation, input, caller, host).await,
        "cloudformation" => cloudformation::handle(world, operation, &input, caller).await,
        "secretsmanager" => secretsmanager::handle(world, operation, input, caller).await,
        "ssm" => ssm::handle(world, operation, input, caller).await,
        "iam" => iam::handle(world, operation, input, caller).await,
        "sts" => sts::handle(world, operation, &input, caller),
        other => Err(ServiceError::not_in_sandbox(other, operation)),
    }
}
