//! Making parameters and giving them new versions.
//!
//! Source of the limits: AWS General Reference, "Systems Manager endpoints and quotas"; API reference, PutParameter.

use std::collections::BTreeSet;

use regex::Regex;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::{
    call::{Answer, ServiceError},
    hidden::Hidden,
    protocol::input::{self, broken, invalid, length},
    tags::{self, Tag},
};

use super::{
    Call, name,
    parameter::{KEY, Parameter, SECURE, TYPES, Tier, Version, seal},
    refused,
};

/// Longest values, in bytes.
const STANDARD_BYTES: usize = 4096;
const ADVANCED_BYTES: usize = 8192;
/// Most parameters of each tier.
const STANDARDS: usize = 10_000;
const ADVANCEDS: usize = 100_000;
/// Most versions of a parameter.
const VERSIONS: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Put {
    name: String,
    description: Option<String>,
    value: Hidden,
    #[serde(rename = "Type")]
    kind: Option<String>,
    key_id: Option<String>,
    overwrite: Option<bool>,
    allowed_pattern: Option<String>,
    tags: Option<Vec<Tag>>,
    tier: Option<String>,
    policies: Option<String>,
    data_type: Option<String>,
}

impl Put {
    /// What can be said of the input without looking at what is there.
    fn check(&self) -> Result<(), ServiceError> {
        length("value", &self.value.0, 1, usize::MAX)?;
        length("description", self.description.as_deref().unwrap_or_default(), 0, 1024)?;
        length("allowedPattern", self.allowed_pattern.as_deref().unwrap_or_default(), 0, 1024)?;
        if self.value.0.contains("{{") && self.value.0.contains("}}") {
            return Err(invalid("Parameter value can't nest another parameter: it holds {{ and }}."));
        }
        if self.kind.as_deref().is_some_and(|kind| !TYPES.contains(&kind)) {
            return Err(broken("type", &format!("satisfy enum value set: [{}]", TYPES.join(", "))));
        }
        if self
            .policies
            .as_deref()
            .is_some_and(|policies| !matches!(policies.trim(), "" | "[]" | "[{}]" | "{}"))
        {
            return Err(refused("InvalidPolicyTypeException", "Parameter policies are not in the sandbox."));
        }
        match self.data_type.as_deref() {
            None | Some("" | "text") => {}
            Some(known @ ("aws:ec2:image" | "aws:ssm:integration")) => {
                return Err(invalid(format!("The data type {known} is not in the sandbox.")));
            }
            Some(other) => {
                let text = "The following data type is not supported:";
                return Err(invalid(format!("{text} {other} (Data type names are all lowercase.)")));
            }
        }
        let given = self.tags.as_deref().unwrap_or_default();
        if self.overwrite == Some(true) && !given.is_empty() {
            return Err(invalid(
                "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please \
                 remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or \
                 RemoveTagsFromResource.",
            ));
        }
        if given.len() > tags::MOST {
            return Err(invalid(format!("A parameter has at most {} tags.", tags::MOST)));
        }
        tags::check(given)
    }

    /// The tier a version comes to, from what is wanted, what the parameter has, and how long the value is.
    fn tier(&self, former: Option<Tier>) -> Result<Tier, ServiceError> {
        let bytes = self.value.0.len();
        let tier = match (self.tier.as_deref(), former) {
            (Some("Standard"), Some(Tier::Advanced)) => {
                return Err(invalid(
                    "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the \
                     advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced \
                     parameter and recreate it as a standard parameter.",
                ));
            }
            (Some("Advanced"), _) | (None | Some("Intelligent-Tiering"), Some(Tier::Advanced)) => {
                Tier::Advanced
            }
            (Some("Intelligent-Tiering"), _) if bytes > STANDARD_BYTES => Tier::Advanced,
            (None | Some("Standard" | "Intelligent-Tiering"), _) => Tier::Standard,
            (Some(_), _) => {
                let all = "[Standard, Advanced, Intelligent-Tiering]";
                return Err(broken("tier", &format!("satisfy enum value set: {all}")));
            }
        };
        match tier {
            Tier::Standard if bytes > STANDARD_BYTES => Err(invalid(format!(
                "Standard tier parameters support a maximum parameter value of {STANDARD_BYTES} characters. To create a \
                 larger parameter value, upgrade the parameter to use the advanced-parameter tier."
            ))),
            Tier::Advanced if bytes > ADVANCED_BYTES => Err(invalid(format!(
                "Advanced tier parameters support a maximum parameter value of {ADVANCED_BYTES} characters."
            ))),
            tier => Ok(tier),
        }
    }

    fn check_key(&self, kind: &str) -> Result<(), ServiceError> {
        match self.key_id.as_deref() {
            Some(_) if kind != SECURE => Err(invalid(format!("KeyId is for parameters of type {SECURE}."))),
            None | Some(KEY) => Ok(()),
            Some(_) => {
                let text = format!("There is no KMS in the sandbox: {KEY} is the one key there is.");
                Err(refused("InvalidKeyId", text))
            }
        }
    }

    /// Checks the value against the pattern, all of it, as Java's `matches` does.
    fn check_pattern(&self, pattern: Option<&str>) -> Result<(), ServiceError> {
        let Some(pattern) = pattern else { return Ok(()) };
        // Alone first: what closes a group that it did not open would be read with the one around it.
        let whole = format!("^(?:{pattern})$");
        let expression = Regex::new(pattern).and_then(|_| Regex::new(&whole)).map_err(|_| {
            let text = "The allowed pattern is no regular expression that the sandbox can read.";
            refused("InvalidAllowedPatternException", text)
        })?;
        if expression.is_match(&self.value.0) {
            return Ok(());
        }
        let text = format!("Parameter value, cannot be validated against allowedPattern: {pattern}");
        Err(refused("ParameterPatternMismatchException", text))
    }
}

/// Makes room for one more version. Source: API reference, ParameterMaxVersionLimitExceeded.
fn forget_oldest(parameter: &mut Parameter) -> Result<(), ServiceError> {
    if parameter.versions.len() < VERSIONS {
        return Ok(());
    }
    let oldest = &parameter.versions[0];
    if !oldest.labels.is_empty() {
        return Err(refused(
            "ParameterMaxVersionLimitExceeded",
            format!(
                "You attempted to create a new version of {} by calling the PutParameter API with the overwrite flag. \
                 Version {}, the oldest version, can't be deleted because it has a label associated with it. Move the \
                 label to another version of the parameter, and try again.",
                parameter.name, oldest.number
            ),
        ));
    }
    parameter.versions.remove(0);
    Ok(())
}

fn check_room(call: &Call<'_>, name: &str, tier: Tier) -> Result<(), ServiceError> {
    let most = if tier == Tier::Standard { STANDARDS } else { ADVANCEDS };
    let others = call
        .parameters
        .read(|all| all.values().filter(|other| other.name != name && other.latest().tier == tier).count());
    if others < most {
        return Ok(());
    }
    let text = format!("You have exceeded the number of parameters: {most} of the tier {}.", tier.name());
    Err(refused("ParameterLimitExceeded", text))
}

pub(super) fn put(call: &Call<'_>, value: Value) -> Answer {
    let wanted: Put = input::read(value)?;
    let name = wanted.name.trim().to_owned();
    name::check_new(&name, call.caller)?;
    wanted.check()?;
    let former = call.parameters.read(|all| all.get(&name).map(|parameter| parameter.latest().tier));
    check_room(call, &name, wanted.tier(former)?)?;
    call.parameters.update(&name, |there| {
        if there.is_some() && wanted.overwrite != Some(true) {
            let text = "The parameter already exists. To overwrite this value, set the overwrite option in the request \
                        to true.";
            return Err(refused("ParameterAlreadyExists", text));
        }
        let former = there.as_ref().map(Parameter::latest);
        let kind = match (there.as_ref().map(|parameter| parameter.kind.as_str()), wanted.kind.as_deref()) {
            (None, None) => {
                return Err(invalid("A parameter type is required when you create a parameter."));
            }
            (Some(there), Some(other)) if there != other => {
                let text = format!("A parameter of type {there} can't become one of type {other}.");
                return Err(refused("HierarchyTypeMismatchException", text));
            }
            (Some(kind), _) | (None, Some(kind)) => kind.to_owned(),
        };
        wanted.check_key(&kind)?;
        // What is not said stays as it was.
        let pattern = wanted.allowed_pattern.clone().or_else(|| former.and_then(|it| it.pattern.clone()));
        let pattern = pattern.filter(|pattern| !pattern.is_empty());
        wanted.check_pattern(pattern.as_deref())?;
        let version = Version {
            number: former.map_or(1, |it| it.number + 1),
            value: wanted.value.clone(),
            sealed: (kind == SECURE).then(|| seal(&wanted.value.0)),
            description: wanted.description.clone().or_else(|| former.and_then(|it| it.description.clone())),
            pattern,
            tier: wanted.tier(former.map(|it| it.tier))?,
            modified: call.now,
            by: format!("arn:aws:iam::{}:user/sandbox", call.caller.account),
            labels: BTreeSet::new(),
        };
        let answer = json!({ "Version": version.number, "Tier": version.tier.name() });
        match there {
            Some(parameter) => {
                forget_oldest(parameter)?;
                parameter.versions.push(version);
            }
            None => {
                let mut kept = Vec::new();
                tags::put(&mut kept, wanted.tags.clone().unwrap_or_default());
                let arn = name::arn(&name, call.caller);
                let name = name.clone();
                *there = Some(Parameter { arn, name, kind, tags: kept, versions: vec![version] });
            }
        }
        Ok(answer)
    })
}
