//! Whether whoever calls may: each call of a session of a role is held against what the role may do.
//!
//! Invariants: the sandbox's own key is the account's administrator, and so is a session of a role that IAM does not
//! have: only a resource's own policy can deny them anything; a session of a role that IAM has may do what its policies or
//! those of the resource allow and nothing else, and nothing at all once the role is gone. A call between services of the
//! sandbox is not looked at: they act for the account.
//!
//! Left out: tags of resources.

mod action;
mod actor;
mod errors;
mod owned;
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
    policy::{Context, Decision, Identity, Kind, Layer, Policies, Policy, Reason, Request, Stance, decide},
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

    fn request<'a>(&'a self, context: &'a Context) -> Request<'a> {
        Request { action: &self.action, resource: &self.resource, context }
    }
}

/// Who asks, and what the policies of that are: a session of a role, or else whoever may do everything.
struct Session {
    of: Option<RoleSession>,
    /// Nothing once the role is gone.
    grants: Option<Grants>,
    own: Option<Vec<Policy>>,
}

impl Session {
    /// That of a key.
    fn find(world: &World, access_key_id: &str) -> Self {
        Self::of(world, world.sts.role_session(access_key_id))
    }

    fn of(world: &World, of: Option<RoleSession>) -> Self {
        let read = |document: &String| Policy::read(document, Kind::Identity).ok();
        let limits = of.as_ref().map(|of| &of.policies).filter(|policies| !policies.is_empty());
        let own = limits.map(|policies| policies.iter().filter_map(read).collect());
        let grants = match &of {
            Some(of) => world.iam.grants(&of.role_id),
            None => Some(Grants::everything()),
        };
        Self { grants, own, of }
    }

    /// As the policies of resources name it.
    fn identity(&self, caller: &Caller) -> Identity {
        let role = self.grants.as_ref().and_then(|grants| grants.arn.clone());
        Identity::Aws { account: caller.account.clone(), arn: caller.arn.clone(), role }
    }

    /// What is known of its call.
    fn context(&self, caller: &Caller, need: &Need) -> Context {
        let mut context = context(caller, self.of.as_ref(), self.grants.as_ref());
        for (key, values) in &need.more {
            context.set(key, values.clone());
        }
        context
    }

    /// Decides, with what the resource itself says.
    fn decide(&self, request: &Request<'_>, resource: Option<Stance>) -> Decision {
        let Some(grants) = &self.grants else { return Err(Reason::Implicit(Layer::Identity)) };
        let policies = Policies {
            identity: &grants.policies,
            boundary: grants.boundary.as_deref(),
            session: self.own.as_deref(),
            resource,
        };
        decide(policies, request)
    }

    /// Whether one thing is allowed.
    fn may(&self, world: &World, caller: &Caller, need: &Need) -> Decision {
        let own = owned::policy(world, &need.resource);
        if self.of.is_none() && (own.is_none() || owned::is_of_root(&need.action)) {
            return Ok(());
        }
        let context = self.context(caller, need);
        let request = need.request(&context);
        self.decide(&request, own.and_then(|own| own.stance(&request, Some(&self.identity(caller)))))
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
        // What never leaves this machine counts as secure, as the same call is on AWS.
        .with("aws:SecureTransport", "true")
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
    check(world, caller, service, action::needs(world, caller, service, operation, input))
}

/// Whether all of it is allowed.
fn check(world: &World, caller: &Caller, service: &str, needs: Vec<Need>) -> Result<(), ServiceError> {
    check_as(world, &Session::find(world, &caller.access_key_id), caller, service, needs)
}

fn check_as(
    world: &World,
    session: &Session,
    caller: &Caller,
    service: &str,
    needs: Vec<Need>,
) -> Result<(), ServiceError> {
    for need in needs {
        if let Err(reason) = session.may(world, caller, &need) {
            return Err(errors::refusal(service, caller, &need, reason));
        }
    }
    Ok(())
}
