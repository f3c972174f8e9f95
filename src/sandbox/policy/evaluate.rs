//! Holds a request against all policies that it is subject to.
//!
//! Source: IAM user guide, "Policy evaluation logic": an explicit deny of any policy; then what an identity's policies or
//! the resource's own allow, within the boundary of the identity and the policies of its session.

use super::{
    Choice, Context, Effect, Identity, Match, Policy, Statement,
    pattern::{compile, in_segments, matches},
};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// As `s3:GetObject`.
    pub action: &'a str,
    /// Its ARN, or `*` where an action has none.
    pub resource: &'a str,
    /// What else is known.
    pub context: &'a Context,
}

/// Which policies decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// Those of the identity.
    Identity,
    /// Its boundary.
    Boundary,
    /// Those of its session.
    Session,
    /// The resource's own.
    Resource,
}

/// Why a request is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// A statement says so.
    Explicit(Layer),
    /// No statement allows it.
    Implicit(Layer),
}

/// What comes of a request.
pub type Decision = Result<(), Reason>;

/// What one policy says of a request: the statement that decides, by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stance {
    /// What it says.
    pub effect: Effect,
    /// Which statement does.
    pub statement: usize,
    /// How the statement names who asks; as itself in the policy of an identity.
    pub named: Match,
}

/// All policies that a request is subject to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Policies<'a> {
    /// Those of the identity.
    pub identity: &'a [Policy],
    /// What these are limited to.
    pub boundary: Option<&'a [Policy]>,
    /// What the session is limited to.
    pub session: Option<&'a [Policy]>,
    /// What the resource's own policy says, where it is about the request.
    pub resource: Option<Stance>,
}

/// Decides a request under the policies of an identity and of the resource, both of one account: either is enough to allow
/// it, but for a resource's that names the whole account, and nothing goes beyond the boundary and the session.
///
/// # Errors
/// Why it is denied.
pub fn decide(policies: Policies<'_>, request: &Request<'_>) -> Decision {
    let layers = [
        (Layer::Identity, Some(policies.identity)),
        (Layer::Boundary, policies.boundary),
        (Layer::Session, policies.session),
    ];
    let of = |all: &[Policy], effect: Effect| {
        all.iter().any(|policy| policy.stance(request, None).is_some_and(|stance| stance.effect == effect))
    };
    let present = || layers.iter().filter_map(|(layer, all)| all.map(|all| (*layer, all)));
    if let Some((layer, _)) = present().find(|(_, all)| of(all, Effect::Deny)) {
        return Err(Reason::Explicit(layer));
    }
    if policies.resource.is_some_and(|stance| stance.effect == Effect::Deny) {
        return Err(Reason::Explicit(Layer::Resource));
    }
    // A deny was returned above.
    let given = policies.resource.is_some_and(|stance| stance.named == Match::Itself);
    // What an identity is not allowed anyway is told first.
    let mut needed = present().filter(|(layer, _)| !(given && *layer == Layer::Identity));
    match needed.find(|(_, all)| !of(all, Effect::Allow)) {
        Some((layer, _)) => Err(Reason::Implicit(layer)),
        None => Ok(()),
    }
}

impl Policy {
    /// What this says of a request; nothing where no statement is about it. Who asks is given to a resource's own policy.
    pub fn stance(&self, request: &Request<'_>, identity: Option<&Identity>) -> Option<Stance> {
        let mut found: Option<Stance> = None;
        for (at, statement) in self.statements.iter().enumerate() {
            let named = match (&statement.principals, identity) {
                (None, _) => Some(Match::Itself),
                (Some(principals), Some(identity)) => principals.names(identity),
                (Some(_), None) => None,
            };
            let Some(named) = named.filter(|_| statement.is_about(request, self.variables)) else { continue };
            let stance = Stance { effect: statement.effect, statement: at, named };
            if statement.effect == Effect::Deny {
                return Some(stance);
            }
            if found.is_none_or(|found| found.named < named) {
                found = Some(stance);
            }
        }
        found
    }
}

impl Statement {
    fn is_about(&self, request: &Request<'_>, variables: bool) -> bool {
        let action = |pattern: &String| {
            compile(pattern, None).is_some_and(|tokens| matches(&tokens, request.action, true))
        };
        let scope = variables.then_some(request.context);
        let resource = |pattern: &String| {
            compile(pattern, scope)
                .is_some_and(|tokens| matches(&in_segments(tokens), request.resource, false))
        };
        self.actions.holds(action)
            && self.resources.as_ref().is_none_or(|resources| resources.holds(resource))
            && self.conditions.iter().all(|condition| condition.is_met(request.context, variables))
    }
}

impl Choice {
    fn holds(&self, is_one: impl Fn(&String) -> bool) -> bool {
        self.patterns.iter().any(is_one) != self.negated
    }
}
