//! Roles that a call gives to a service, which then acts as they may.
//!
//! A role that IAM has must let the service take it. One that IAM does not have is taken as it is: deployments name roles
//! that they do not make, and the sandbox runs them all the same.

use std::io;

use serde_json::Value;

use crate::sandbox::{
    call::ServiceError,
    policy::{Context, Effect, Identity},
    services::{iam::Trusted, sts::Credentials},
    world::World,
};

use super::take::TAKE;

/// One of them.
pub(super) struct Passed<'a> {
    pub role: &'a str,
    /// To whom it is passed, by the name that policies know.
    pub to: &'static str,
    /// Who takes it.
    by: &'static str,
    refusal: fn(&str) -> ServiceError,
}

/// Who takes the role of an App Runner instance.
const INSTANCES: &str = "tasks.apprunner.amazonaws.com";

fn instance(role: &str) -> ServiceError {
    ServiceError::client("InvalidRequestException", format!("Error in assuming instance role {role}"))
}

fn access(role: &str) -> ServiceError {
    ServiceError::client("InvalidRequestException", format!("Error in assuming access role {role}"))
}

fn build(role: &str) -> ServiceError {
    let text = format!("CodeBuild is not authorized to perform: {TAKE} on {role}");
    ServiceError::client("InvalidInputException", text)
}

fn stack(role: &str) -> ServiceError {
    ServiceError::client("ValidationError", format!("Role {role} is invalid or cannot be assumed"))
}

pub(super) fn passed<'a>(service: &str, operation: &str, input: &'a Value) -> Vec<Passed<'a>> {
    let one = |role: &'a Value, to, by, refusal: fn(&str) -> ServiceError| {
        Some(Passed { role: role.as_str()?, to, by, refusal })
    };
    let found = match (service, operation) {
        ("apprunner", "CreateService" | "UpdateService") => {
            let source = &input["SourceConfiguration"]["AuthenticationConfiguration"];
            let (to, builder) = ("apprunner.amazonaws.com", "build.apprunner.amazonaws.com");
            vec![
                one(&input["InstanceConfiguration"]["InstanceRoleArn"], to, INSTANCES, instance),
                one(&source["AccessRoleArn"], to, builder, access),
            ]
        }
        ("codebuild", "CreateProject" | "UpdateProject") => {
            let to = "codebuild.amazonaws.com";
            vec![one(&input["serviceRole"], to, to, build)]
        }
        ("cloudformation", _) => {
            let to = "cloudformation.amazonaws.com";
            vec![one(&input["RoleARN"], to, to, stack)]
        }
        _ => Vec::new(),
    };
    found.into_iter().flatten().collect()
}

/// Whether services can take the roles that a call gives to them.
///
/// # Errors
/// The service's own refusal of one that it cannot.
pub fn usable(world: &World, service: &str, operation: &str, input: &Value) -> Result<(), ServiceError> {
    for passed in passed(service, operation, input) {
        if trusted(world, passed.role, passed.by).is_some_and(|role| !trusts(&role)) {
            return Err((passed.refusal)(passed.role));
        }
    }
    Ok(())
}

fn trusts(role: &Trusted) -> bool {
    role.stance.is_some_and(|stance| stance.effect == Effect::Allow)
}

/// A role as a service finds it; nothing where IAM does not have it.
fn trusted(world: &World, arn: &str, service: &str) -> Option<Trusted> {
    let who = Identity::Service(service.to_owned());
    let context = Context::default()
        .with("aws:SourceAccount", &world.identity.account)
        .with("aws:PrincipalIsAWSService", "true");
    world.iam.trusted(arn, TAKE, &who, &context)
}

/// Name and id of a role that a stack acts in; nothing for one that IAM does not have.
pub(super) fn stack_role(world: &World, arn: &str) -> Option<(String, String)> {
    let role = trusted(world, arn, "cloudformation.amazonaws.com")?;
    Some((role.name, role.id))
}

/// What an instance of an App Runner service calls others with, as its role may; nothing for a role that IAM does not
/// have. As an instance has no other way to new ones, they do not expire.
///
/// # Errors
/// When the role cannot be taken, or that cannot be kept.
pub fn of_instance(world: &World, arn: &str, name: &str) -> Result<Option<Credentials>, String> {
    let Some(role) = trusted(world, arn, INSTANCES) else { return Ok(None) };
    if !trusts(&role) {
        return Err(format!("the instance role {arn} cannot be assumed by {INSTANCES}"));
    }
    let made = world.sts.lasting(&world.identity.account, &role.name, &role.id, name);
    made.map(Some).map_err(|error: io::Error| error.to_string())
}
