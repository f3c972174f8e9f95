//! Who may take a role: its trust policy and the policies of whoever asks, together.
//!
//! Source: IAM user guide, "Policy evaluation logic" (resource-based policies): within an account either is enough, and a
//! trust policy that names the account leaves it to the policies of its identities.

use crate::sandbox::{
    call::{Caller, ServiceError},
    policy::Reason,
    world::World,
};

use super::{Need, Session, errors};

/// A role that may be taken.
#[derive(Debug)]
pub struct Taken {
    /// Its unique id.
    pub id: String,
    /// Its name as it is written.
    pub name: String,
    /// Seconds that a session may last.
    pub longest_session: i64,
    /// Whether whoever takes it is a session of a role, too.
    pub chained: bool,
}

/// The action of taking one.
pub const TAKE: &str = "sts:AssumeRole";

/// Whether a role may be taken. One that IAM does not have is refused as one that may not be taken.
///
/// # Errors
/// STS's own refusal, in the words of AWS.
pub fn take(
    world: &World,
    caller: &Caller,
    action: &str,
    arn: &str,
    more: &[(&str, Option<&str>)],
) -> Result<Taken, ServiceError> {
    let session = Session::find(world, &caller.access_key_id);
    let need = more.iter().fold(Need::new(action, arn), |need, (key, value)| need.with(key, *value));
    let context = session.context(caller, &need);
    let request = need.request(&context);
    let plain = || ServiceError {
        status: 403,
        code: "AccessDenied",
        message: format!("User: {} is not authorized to perform: {action} on resource: {arn}", caller.arn),
    };
    let Some(role) = world.iam.trusted(arn, action, &session.identity(caller), &context) else {
        let own = session.decide(&request, None).err();
        return Err(own.map_or_else(plain, |reason| errors::refusal("sts", caller, &need, reason)));
    };
    let (id, name, longest_session) = (role.id, role.name, role.longest_session);
    match session.decide(&request, role.stance) {
        Err(reason @ Reason::Explicit(_)) => Err(errors::refusal("sts", caller, &need, reason)),
        // A role is taken by nobody whom it does not trust, whatever the policies of that are.
        _ if role.stance.is_none() => Err(plain()),
        Err(reason) => Err(errors::refusal("sts", caller, &need, reason)),
        Ok(()) => Ok(Taken { id, name, longest_session, chained: session.of.is_some() }),
    }
}
