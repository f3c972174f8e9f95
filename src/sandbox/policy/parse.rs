//! Reads a document, as strictly as IAM does when it is given one.
//!
//! Sources: IAM user guide, "Grammar of the IAM JSON policy language"; the words of errors are those that IAM says.

use serde_json::{Map, Value};

use super::{
    Choice, Effect, Policy, Statement, condition::Condition, condition::Operator, principal::Principals,
};

/// What a document is for, which says what its statements hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What an identity may do; also a boundary of that, and what a session may.
    Identity,
    /// Who may take a role.
    Trust,
    /// Who may do what with a resource, whose name is left out where there is but one.
    Resource,
}

/// Why a text is no such document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// No JSON.
    #[error("This policy contains invalid Json")]
    Json,
    /// Something that the grammar does not have.
    #[error("Syntax errors in policy.")]
    Syntax,
    /// A version that there is none of.
    #[error("The policy must contain a valid version string")]
    Version,
    /// A member that a statement of this kind must have.
    #[error("Missing required field {0}")]
    Missing(&'static str),
    /// A member that a statement of this kind must not have.
    #[error("Has prohibited field {0}")]
    Prohibited(&'static str),
    /// A principal in the policy of an identity.
    #[error("Policy document should not specify a principal.")]
    NoPrincipal,
    /// No action.
    #[error("Policy statement must contain actions.")]
    NoActions,
    /// No resource.
    #[error("Policy statement must contain resources.")]
    NoResources,
    /// An action or a condition key without its service.
    #[error("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")]
    Vendor,
    /// A service whose name cannot be one.
    #[error("Vendor {0} is not valid")]
    BadVendor(String),
    /// A resource that is no ARN.
    #[error("Resource {0} must be in ARN format or \"*\".")]
    Resource(String),
    /// An operator that there is none of.
    #[error("Invalid Condition type : {0}.")]
    Operator(String),
    /// A `Sid` with letters that it may not have.
    #[error(
        "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
    )]
    Sid,
    /// A `Sid` that is there twice.
    #[error("Statement IDs (SID) in a single policy must be unique.")]
    SameSid,
    /// A principal that cannot be one.
    #[error("Invalid principal in policy: {0}")]
    Principal(String),
    /// A trust policy about something else than taking the role.
    #[error("AssumeRole policy may only specify STS AssumeRole actions.")]
    NotAssumeRole,
}

type Read<T> = Result<T, PolicyError>;

pub(super) fn read(text: &str, kind: Kind) -> Read<Policy> {
    let Ok(Value::Object(document)) = serde_json::from_str::<Value>(text) else {
        return Err(PolicyError::Json);
    };
    if document.keys().any(|name| !["Version", "Id", "Statement"].contains(&name.as_str())) {
        return Err(PolicyError::Syntax);
    }
    let variables = match document.get("Version") {
        None => false,
        Some(Value::String(version)) if version == "2012-10-17" => true,
        Some(Value::String(version)) if version == "2008-10-17" => false,
        Some(_) => return Err(PolicyError::Version),
    };
    if document.get("Id").is_some_and(|id| !id.is_string()) {
        return Err(PolicyError::Syntax);
    }
    let statements = match document.get("Statement") {
        None => return Err(PolicyError::Missing("Statement")),
        Some(Value::Object(one)) => vec![statement(one, kind)?],
        Some(Value::Array(all)) if !all.is_empty() => all
            .iter()
            .map(|one| one.as_object().ok_or(PolicyError::Syntax).and_then(|one| statement(one, kind)))
            .collect::<Read<_>>()?,
        Some(_) => return Err(PolicyError::Syntax),
    };
    let mut sids: Vec<&str> = statements.iter().filter_map(|one| one.sid.as_deref()).collect();
    sids.retain(|sid| !sid.is_empty());
    sids.sort_unstable();
    if sids.windows(2).any(|two| two[0] == two[1]) {
        return Err(PolicyError::SameSid);
    }
    Ok(Policy { variables, statements })
}

/// Members that a statement may have.
const MEMBERS: [&str; 9] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

fn statement(map: &Map<String, Value>, kind: Kind) -> Read<Statement> {
    if map.keys().any(|name| !MEMBERS.contains(&name.as_str())) {
        return Err(PolicyError::Syntax);
    }
    let sid = match map.get("Sid") {
        None => None,
        Some(Value::String(sid)) if sid.bytes().all(|b| b.is_ascii_alphanumeric()) => Some(sid.clone()),
        // Others take any letters. Sources: IAM user guide, "IAM JSON policy elements: Sid"; the examples of the S3 and ECR
        // user guides.
        Some(Value::String(sid)) if kind != Kind::Identity => Some(sid.clone()),
        Some(Value::String(_)) => return Err(PolicyError::Sid),
        Some(_) => return Err(PolicyError::Syntax),
    };
    let effect = match map.get("Effect") {
        None => return Err(PolicyError::Missing("Effect")),
        Some(Value::String(effect)) if effect == "Allow" => Effect::Allow,
        Some(Value::String(effect)) if effect == "Deny" => Effect::Deny,
        Some(_) => return Err(PolicyError::Syntax),
    };
    let actions = choice(map, "Action", "NotAction")?.ok_or(PolicyError::NoActions)?;
    actions.patterns.iter().try_for_each(|action| check_action(action))?;
    let resources = choice(map, "Resource", "NotResource")?;
    let principals = match (map.get("Principal"), map.get("NotPrincipal")) {
        (Some(_), Some(_)) => return Err(PolicyError::Syntax),
        (Some(value), None) => Some(Principals::read(value, false)?),
        (None, Some(value)) => Some(Principals::read(value, true)?),
        (None, None) => None,
    };
    match kind {
        Kind::Identity => {
            if principals.is_some() {
                return Err(PolicyError::NoPrincipal);
            }
            let resources = resources.as_ref().ok_or(PolicyError::NoResources)?;
            resources.patterns.iter().try_for_each(|resource| check_resource(resource))?;
        }
        Kind::Resource => {
            if principals.is_none() {
                return Err(PolicyError::Missing("Principal"));
            }
            let patterns = resources.iter().flat_map(|resources| &resources.patterns);
            patterns.into_iter().try_for_each(|resource| check_resource(resource))?;
        }
        Kind::Trust => {
            if resources.is_some() {
                return Err(PolicyError::Prohibited("Resource"));
            }
            if principals.is_none() {
                return Err(PolicyError::Missing("Principal"));
            }
            let known = ["sts:assumerole", "sts:tagsession", "sts:setsourceidentity", "sts:setcontext"];
            let is_taking = |action: &String| {
                let action = action.to_ascii_lowercase();
                action == "*"
                    || action == "sts:*"
                    || known.contains(&action.as_str())
                    || action.starts_with("sts:assumerole")
            };
            if !actions.patterns.iter().all(is_taking) {
                return Err(PolicyError::NotAssumeRole);
            }
        }
    }
    let conditions = map.get("Condition").map(conditions).transpose()?.unwrap_or_default();
    Ok(Statement { sid, effect, principals, actions, resources, conditions })
}

/// A text or a list of some.
pub(super) fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(all) => all.iter().map(|one| one.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

fn choice(map: &Map<String, Value>, plain: &str, negated: &str) -> Read<Option<Choice>> {
    let (value, negated) = match (map.get(plain), map.get(negated)) {
        (Some(_), Some(_)) => return Err(PolicyError::Syntax),
        (Some(value), None) => (value, false),
        (None, Some(value)) => (value, true),
        (None, None) => return Ok(None),
    };
    let patterns = texts(value).ok_or(PolicyError::Syntax)?;
    Ok((!patterns.is_empty()).then_some(Choice { negated, patterns }))
}

fn check_action(action: &str) -> Read<()> {
    if action == "*" {
        return Ok(());
    }
    let (vendor, name) = action.split_once(':').ok_or(PolicyError::Vendor)?;
    if vendor.is_empty() || !vendor.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Err(PolicyError::BadVendor(vendor.to_owned()));
    }
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"*?-_.".contains(&b);
    if name.is_empty() || !name.bytes().all(fits) {
        return Err(PolicyError::Syntax);
    }
    Ok(())
}

fn check_resource(resource: &str) -> Read<()> {
    let parts = resource.splitn(6, ':').count();
    // A pattern may end early in a `*`, which is the rest.
    let is_arn = resource.starts_with("arn:") && (parts == 6 || resource.ends_with('*'));
    if resource != "*" && !is_arn && !resource.starts_with("${") {
        return Err(PolicyError::Resource(resource.to_owned()));
    }
    Ok(())
}

fn conditions(value: &Value) -> Read<Vec<Condition>> {
    let mut all = Vec::new();
    for (name, keys) in value.as_object().ok_or(PolicyError::Syntax)? {
        let operator = Operator::read(name).ok_or_else(|| PolicyError::Operator(name.clone()))?;
        for (key, values) in keys.as_object().ok_or(PolicyError::Syntax)? {
            if !key.split_once(':').is_some_and(|(vendor, name)| !vendor.is_empty() && !name.is_empty()) {
                return Err(PolicyError::Vendor);
            }
            let list = match values {
                Value::Array(list) => list.clone(),
                one => vec![one.clone()],
            };
            let text = |value: &Value| match value {
                Value::String(text) => Some(text.clone()),
                Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
                _ => None,
            };
            let values: Option<Vec<String>> = list.iter().map(text).collect();
            all.push(Condition { operator, key: key.clone(), values: values.ok_or(PolicyError::Syntax)? });
        }
    }
    Ok(all)
}
