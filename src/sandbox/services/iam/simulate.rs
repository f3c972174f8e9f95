//! What policies would say of a call, without making it.
//!
//! Source: IAM API reference, SimulatePrincipalPolicy and SimulateCustomPolicy. The policies of resources and of
//! organisations are not simulated, and refused.

use serde_json::{Value, json};

use crate::sandbox::{
    call::{Answer, ServiceError},
    policy::{Context, Decision, Effect, Kind, Layer, Policies, Policy, Reason, Request, decide},
};

use super::{Call, managed, refuse};

/// A policy with what it is told as.
struct Named {
    id: String,
    kind: &'static str,
    policy: Policy,
}

/// Members that both operations have.
const SHARED: [&str; 7] = [
    "PolicyInputList",
    "PermissionsBoundaryPolicyInputList",
    "ActionNames",
    "ResourceArns",
    "ContextEntries",
    "MaxItems",
    "Marker",
];

pub(super) fn custom(call: &Call<'_>) -> Answer {
    call.input.only(&SHARED)?;
    simulate(call, given(call, "PolicyInputList")?, boundary(call)?)
}

pub(super) fn principal(call: &Call<'_>) -> Answer {
    call.input.only(&[&["PolicySourceArn"], &SHARED[..]].concat())?;
    let arn = call.input.need("PolicySourceArn")?;
    let (mut all, bound) = call.read(|account| {
        let role = account.roles.values().find(|role| role.arn == arn);
        let role = role.ok_or_else(|| refuse::missing(format!("Entity with ARN {arn} cannot be found.")))?;
        let mut all = Vec::new();
        for (name, document) in &role.inline {
            let id = format!("role_{}_{name}", role.name);
            all.push(named(id, "role", document)?);
        }
        for arn in &role.attached {
            let name = arn.rsplit('/').next().unwrap_or_default().to_owned();
            let kind = if managed::find(arn).is_some() { "aws-managed" } else { "user-managed" };
            all.push(named(name, kind, &account.document(arn).unwrap_or_default())?);
        }
        let bound = role.boundary.as_ref().map(|arn| {
            let document = account.document(arn).unwrap_or_default();
            named(arn.clone(), "user-managed", &document).map(|one| vec![one.policy])
        });
        Ok::<_, ServiceError>((all, bound.transpose()?))
    })?;
    all.extend(given(call, "PolicyInputList")?);
    // A boundary that is given stands for the role's own.
    let bound = boundary(call)?.or(bound);
    simulate(call, all, bound)
}

fn named(id: String, kind: &'static str, document: &str) -> Result<Named, ServiceError> {
    let policy = Policy::read(document, Kind::Identity).map_err(|why| refuse::input(why.to_string()))?;
    Ok(Named { id, kind, policy })
}

fn given(call: &Call<'_>, member: &str) -> Result<Vec<Named>, ServiceError> {
    let one = |(at, document): (usize, String)| named(format!("{member}.{}", at + 1), "none", &document);
    call.input.texts(member).into_iter().enumerate().map(one).collect()
}

fn boundary(call: &Call<'_>) -> Result<Option<Vec<Policy>>, ServiceError> {
    let all = given(call, "PermissionsBoundaryPolicyInputList")?;
    Ok((!all.is_empty()).then(|| all.into_iter().map(|one| one.policy).collect()))
}

/// The values that the request is to have.
fn context(call: &Call<'_>) -> Result<Context, ServiceError> {
    let mut context = Context::default();
    for entry in call.input.list("ContextEntries") {
        let key = entry["ContextKeyName"].as_str().unwrap_or_default();
        if !(5..=256).contains(&key.len()) {
            return Err(refuse::validation("a context entry needs a ContextKeyName of 5 to 256 characters"));
        }
        let values = entry["ContextKeyValues"].as_array().into_iter().flatten();
        context.set(key, values.filter_map(|value| value.as_str().map(str::to_owned)).collect());
    }
    Ok(context)
}

fn simulate(call: &Call<'_>, all: Vec<Named>, bound: Option<Vec<Policy>>) -> Answer {
    let actions = call.input.texts("ActionNames");
    if actions.is_empty() {
        return Err(refuse::validation("ActionNames has at least one action"));
    }
    if let Some(wrong) = actions.iter().find(|action| !action.contains(':') || action.contains('*')) {
        return Err(refuse::input(format!("Invalid Entity Action: {wrong}")));
    }
    let mut resources = call.input.texts("ResourceArns");
    if resources.is_empty() {
        resources.push("*".to_owned());
    }
    let context = context(call)?;
    let policies: Vec<Policy> = all.iter().map(|one| one.policy.clone()).collect();
    let policies = Policies { identity: &policies, boundary: bound.as_deref(), ..Policies::default() };
    let mut entries = Vec::new();
    for action in &actions {
        for resource in &resources {
            let request = Request { action, resource, context: &context };
            let decision = decide(policies, &request);
            let shown = result(&request, decision, &all, bound.as_deref());
            entries.push((format!("{:08}", entries.len()), shown));
        }
    }
    call.input.page("EvaluationResults", entries)
}

fn result(request: &Request<'_>, decision: Decision, all: &[Named], bound: Option<&[Policy]>) -> Value {
    let (said, effect) = match decision {
        Ok(()) => ("allowed", Some(Effect::Allow)),
        Err(Reason::Explicit(Layer::Identity)) => ("explicitDeny", Some(Effect::Deny)),
        Err(Reason::Explicit(_)) => ("explicitDeny", None),
        Err(Reason::Implicit(_)) => ("implicitDeny", None),
    };
    let matched = all.iter().filter_map(|one| {
        let stance = one.policy.stance(request, None)?;
        let shown = json!({ "SourcePolicyId": one.id, "SourcePolicyType": one.kind });
        (Some(stance.effect) == effect).then_some(shown)
    });
    let keys = all.iter().flat_map(|one| one.policy.context_keys());
    let mut missing: Vec<String> = keys.filter(|key| request.context.get(key).is_none()).collect();
    missing.sort();
    missing.dedup();
    let mut shown = json!({
        "EvalActionName": request.action,
        "EvalResourceName": request.resource,
        "EvalDecision": said,
        "MatchedStatements": matched.collect::<Vec<_>>(),
        "MissingContextValues": missing,
    });
    if let Some(bound) = bound {
        let says = |effect| {
            bound.iter().any(|one| one.stance(request, None).is_some_and(|stance| stance.effect == effect))
        };
        let allowed = says(Effect::Allow) && !says(Effect::Deny);
        shown["PermissionsBoundaryDecisionDetail"] = json!({ "AllowedByPermissionsBoundary": allowed });
    }
    shown
}
