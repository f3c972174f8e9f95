//! Who may take a role: its trust policy and the policies of whoever asks, together.
//!
//! Source: IAM user guide, "Policy evaluation logic" (resource-based policies): within an account either is enough, and a
//! trust policy that names the account leaves it to the policies of its identities.

use crate::sandbox::{
    call::{Caller, ServiceError},
    policy::{Effect, Identity, Layer, Match, Reason},
    world::World,
};

use super::{Need, Session, context, errors};

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
    let role = session.as_ref().and_then(|session| session.grants.as_ref()?.arn.clone());
    let who = Identity::Aws { account: caller.account.clone(), arn: caller.arn.clone(), role };
    let grants = session.as_ref().and_then(|session| session.grants.as_ref());
    let mut context = context(caller, session.as_ref().map(|session| &session.of), grants);
    let mut need = Need::new(action, arn);
    for (key, value) in more {
        need = need.with(key, *value);
        if let Some(value) = value {
            context = context.with(key, *value);
        }
    }
    let own = session.as_ref().map_or(Ok(()), |session| session.decide(caller, &need));
    let plain = || ServiceError {
        status: 403,
        code: "AccessDenied",
        message: format!("User: {} is not authorized to perform: {action} on resource: {arn}", caller.arn),
    };
    let Some(role) = world.iam.trusted(arn, action, &who, &context) else {
        return Err(own.err().map_or_else(plain, |reason| errors::refusal("sts", caller, &need, reason)));
    };
    let (id, name, longest_session) = (role.id, role.name, role.longest_session);
    let taken = Taken { id, name, longest_session, chained: session.is_some() };
    match (role.stance, own) {
        (_, Err(reason @ Reason::Explicit(_))) => Err(errors::refusal("sts", caller, &need, reason)),
        (Some((Effect::Deny, _)), _) => {
            let reason = Reason::Explicit(Layer::Resource);
            Err(errors::refusal("sts", caller, &need, reason))
        }
        (None, _) => Err(plain()),
        (Some((Effect::Allow, _)), Ok(())) => Ok(taken),
        // Named as itself it needs no policy of its own, but nothing goes beyond its boundary or its session.
        (Some((Effect::Allow, Match::Itself)), Err(Reason::Implicit(Layer::Identity))) => Ok(taken),
        (Some((Effect::Allow, _)), Err(reason)) => Err(errors::refusal("sts", caller, &need, reason)),
    }
}
