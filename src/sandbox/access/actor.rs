//! Whom a stack acts as: the role that it was given, or else whoever began its operation.
//!
//! Source: CloudFormation user guide, "AWS CloudFormation service role".

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sandbox::{
    call::{Caller, ServiceError},
    services::sts::RoleSession,
    world::World,
};

use super::{Need, Session, action, check_as, passing};

/// Somebody who may not do everything. Kept with a stack, as its operations outlast the session that began them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Actor {
    arn: String,
    user_id: String,
    session: RoleSession,
}

impl Actor {
    /// Whoever calls; nothing for whoever may do everything.
    pub fn calling(world: &World, caller: &Caller) -> Option<Self> {
        let session = world.sts.role_session(&caller.access_key_id)?;
        Some(Self { arn: caller.arn.clone(), user_id: caller.user_id.clone(), session })
    }

    /// A role of CloudFormation's; nothing for one that IAM does not have.
    pub fn role(world: &World, arn: &str) -> Option<Self> {
        let (name, id) = passing::stack_role(world, arn)?;
        let account = &world.identity.account;
        Some(Self {
            arn: format!("arn:aws:sts::{account}:assumed-role/{name}/AWSCloudFormation"),
            user_id: format!("{id}:AWSCloudFormation"),
            session: RoleSession::of(id),
        })
    }

    fn check(
        &self,
        world: &World,
        own: &Caller,
        service: &str,
        needs: Vec<Need>,
    ) -> Result<(), ServiceError> {
        let caller = Caller { arn: self.arn.clone(), user_id: self.user_id.clone(), ..own.clone() };
        check_as(world, &Session::of(world, Some(self.session.clone())), &caller, service, needs)
    }

    /// Whether it may make a call.
    ///
    /// # Errors
    /// The service's own refusal, in the words of AWS.
    pub fn permit(
        &self,
        world: &World,
        own: &Caller,
        service: &str,
        operation: &str,
        input: &Value,
    ) -> Result<(), ServiceError> {
        self.check(world, own, service, action::needs(world, own, service, operation, input))
    }

    /// Whether it may do one thing, where a service is not asked by a call.
    ///
    /// # Errors
    /// The service's own refusal, in the words of AWS.
    pub fn may(
        &self,
        world: &World,
        own: &Caller,
        service: &str,
        operation: &str,
        resource: &str,
    ) -> Result<(), ServiceError> {
        self.check(world, own, service, vec![Need::new(format!("{service}:{operation}"), resource)])
    }
}
