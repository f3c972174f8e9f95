//! Whether whoever calls may: each call of a session of a role is held against what the role may do.
//!
//! Invariants: the sandbox's own key is the account's administrator, and so is a session of a role that IAM does not
//! have; a session of a role that IAM has may do what its policies allow and nothing else, and nothing at all once the
//! role is gone. A call between services of the sandbox is not looked at: they act for the account.
//!
//! Left out: the policies of resources, except those of roles that say who may take them; tags of resources.

mod action;
mod actor;
mod errors;
mod passing;
mod rds;
mod registry;
mod resource;
mod rest;
mod s3;
mod take;
#[cfg(test)]
mod tests;

use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    call::{Caller, ServiceError},
    policy::{Context, Decision, Kind, Layer, Policies, Policy, Reason, Request, decide},
    services::{iam::Grants, sts::RoleSession},
    world::World,
};

pub use actor::Actor;
pub use passing::{of_instance, usable};
pub use registry::{mount as permit_mount, permit as permit_registry};
pub use rest::permit as permit_rest;
pub use s3::{Asked, permit as permit_s3, version as s3_version};
pub use take::{TAKE, Taken, take};

/// One thing that a call needs to be allowed.
#[derive(Debug, Clone)]
struct Need {
    action: String,
    resource: String,
    /// What is known beside what is known of every call.
    more: Vec<(String, Vec<String>)>,
}

impl Need {
    fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { action: action.into(), resource: resource.into(), more: Vec::new() }
    }

    fn with(mut self, key: &str, value: Option<&str>) -> Self {
        self.more.extend(value.map(|value| (key.to_owned(), vec![value.to_owned()])));
        self
    }
}

/// A session of a role that IAM has, and what its policies are.
struct Session {
    of: RoleSession,
    /// Nothing once the role is gone.
    grants: Option<Grants>,
    own: Option<Vec<Policy>>,
}

impl Session {
    /// That of a key; nothing for whoever may do everything.
    fn find(world: &World, access_key_id: &str) -> Option<Self> {
        Some(Self::of(world, world.sts.role_session(access_key_id)?))
    }

    fn of(world: &World, of: RoleSession) -> Self {
        let read = |document: &String| Policy::read(document, Kind::Identity).ok();
        let own = (!of.policies.is_empty()).then(|| of.policies.iter().filter_map(read).collect());
        Self { grants: world.iam.grants(&of.role_id), own, of }
    }

    fn decide(&self, caller: &Caller, need: &Need) -> Decision {
        let Some(grants) = &self.grants else { return Err(Reason::Implicit(Layer::Identity)) };
        let mut context = context(caller, Some(&self.of), Some(grants));
        for (key, values) in &need.more {
            context.set(key, values.clone());
        }
        let policies = Policies {
            identity: &grants.policies,
            boundary: grants.boundary.as_deref(),
            session: self.own.as_deref(),
        };
        decide(policies, &Request { action: &need.action, resource: &need.resource, context: &context })
    }
}

/// What is known of every call. Source: IAM user guide, "AWS global condition context keys".
fn context(caller: &Caller, session: Option<&RoleSession>, grants: Option<&Grants>) -> Context {
    let now = OffsetDateTime::now_utc();
    let date = now.replace_nanosecond(0).ok().and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default();
    let mut context = Context::default()
        .with("aws:CurrentTime", date)
        .with("aws:EpochTime", now.unix_timestamp().to_string())
        .with("aws:PrincipalAccount", &caller.account)
        .with("aws:PrincipalIsAWSService", "false")
        .with("aws:RequestedRegion", &caller.region)
        .with("aws:SecureTransport", "false")
        .with("aws:SourceIp", "127.0.0.1")
        .with("aws:ViaAWSService", "false")
        .with("aws:userid", &caller.user_id);
    match session {
        Some(session) => {
            let issued = OffsetDateTime::from_unix_timestamp(session.began).ok();
            let issued = issued.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default();
            context = context.with("aws:PrincipalType", "AssumedRole").with("aws:TokenIssueTime", issued);
        }
        None => {
            context = context
                .with("aws:PrincipalArn", &caller.arn)
                .with("aws:PrincipalType", "User")
                .with("aws:username", "sandbox");
        }
    }
    if let Some(grants) = grants {
        context = context.with("aws:PrincipalArn", grants.arn.as_deref().unwrap_or(&caller.arn));
        // Those of the session stand for those of the role.
        for (key, value) in grants.tags.iter().chain(session.into_iter().flat_map(|session| &session.tags)) {
            context = context.with(&format!("aws:PrincipalTag/{key}"), value);
        }
    }
    context
}

/// Whether a call may be made.
///
/// # Errors
/// The service's own refusal, in the words of AWS.
pub fn permit(
    world: &World,
    caller: &Caller,
    service: &str,
    operation: &str,
    input: &Value,
) -> Result<(), ServiceError> {
    let Some(session) = Session::find(world, &caller.access_key_id) else { return Ok(()) };
    check(&session, caller, service, action::needs(world, caller, service, operation, input))
}

/// Whether all of it is allowed.
fn check(session: &Session, caller: &Caller, service: &str, needs: Vec<Need>) -> Result<(), ServiceError> {
    for need in needs {
        if let Err(reason) = session.decide(caller, &need) {
            return Err(errors::refusal(service, caller, &need, reason));
        }
    }
    Ok(())
}
