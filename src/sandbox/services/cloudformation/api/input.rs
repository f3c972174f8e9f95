//! What a call says: texts, flags, lists, templates and parameters.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::sandbox::call::ServiceError;

use super::{
    super::{
        model::{Definition, Stack},
        resources,
        template::{Policy, Template},
    },
    Request, invalid,
};

/// Longest template in a call. Source: CloudFormation quotas.
const LONGEST_BODY: usize = 51_200;

/// Most tags of a stack. Source: CloudFormation API reference, CreateStack.
const MOST_TAGS: usize = 50;

impl Request<'_> {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.input[name].as_str().filter(|text| !text.is_empty())
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, ServiceError> {
        self.text(name).ok_or_else(|| {
            let field = format!("{}{}", name[..1].to_lowercase(), &name[1..]);
            invalid(format!(
                "1 validation error detected: Value null at '{field}' failed to satisfy constraint: Member must not be null"
            ))
        })
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.input[name] == true || self.input[name].as_str() == Some("true")
    }

    pub(super) fn list(&self, name: &str) -> Vec<Value> {
        self.input[name].as_array().cloned().unwrap_or_default()
    }

    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        self.list(name).iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
    }

    /// The text of the template that the call brings.
    pub(super) fn template(&self) -> Result<Option<String>, ServiceError> {
        match (self.text("TemplateBody"), self.text("TemplateURL")) {
            (Some(_), Some(_)) => {
                Err(invalid("Template must be specified by only one of TemplateBody and TemplateURL"))
            }
            (None, None) => Ok(None),
            (Some(body), None) if body.len() > LONGEST_BODY => Err(invalid(format!(
                "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to {LONGEST_BODY}"
            ))),
            (Some(body), None) => Ok(Some(body.to_owned())),
            (None, Some(url)) => self.object(url).map(Some),
        }
    }

    /// Tags, notifications, role and capabilities, where the call says them; else those of the stack.
    fn rest(&self, stack: Option<&Stack>, definition: &mut Definition) -> Result<(), ServiceError> {
        if let Some(stack) = stack {
            let keep = stack.definition.clone();
            (definition.tags, definition.notifications, definition.role) =
                (keep.tags, keep.notifications, keep.role);
        }
        if !self.input["Tags"].is_null() {
            definition.tags = self.list("Tags");
        }
        if definition.tags.len() > MOST_TAGS {
            return Err(invalid(format!("Number of tags exceeds the maximum of {MOST_TAGS}")));
        }
        let whole = |tag: &Value| {
            tag["Key"].as_str().is_some_and(|key| (1..=128).contains(&key.len()) && !key.starts_with("aws:"))
                && tag["Value"].as_str().is_some_and(|value| value.len() <= 256)
        };
        if !definition.tags.iter().all(whole) {
            return Err(invalid(
                "Tags must have a key of 1 to 128 characters, not beginning with aws:, and a value",
            ));
        }
        if !self.input["NotificationARNs"].is_null() {
            definition.notifications = self.texts("NotificationARNs");
        }
        if let Some(role) = self.text("RoleARN") {
            definition.role = Some(role.to_owned());
        }
        definition.capabilities = self.texts("Capabilities");
        Ok(())
    }

    /// What the call makes a stack from, or changes it to: a template that is whole, and parameters that it takes.
    pub(super) fn definition(&self, stack: Option<&Stack>) -> Result<(Definition, Template), ServiceError> {
        let text = match (self.template()?, stack) {
            (Some(text), _) => text,
            (None, Some(stack)) if self.flag("UsePreviousTemplate") => {
                self.store().template(&stack.definition.template)?
            }
            _ => return Err(invalid("Either Template URL or Template Body must be specified.")),
        };
        let template = Template::read(&text).map_err(|error| invalid(error.0))?;
        let mut definition = Definition { parameters: self.parameters(stack)?, ..Definition::default() };
        self.rest(stack, &mut definition)?;
        self.check(&template, &definition)?;
        definition.template = self.store().put_template(&text)?;
        Ok((definition, template))
    }

    fn parameters(&self, stack: Option<&Stack>) -> Result<BTreeMap<String, String>, ServiceError> {
        let mut parameters = BTreeMap::new();
        for given in self.list("Parameters") {
            let key = given["ParameterKey"].as_str().unwrap_or_default().to_owned();
            let previous = given["UsePreviousValue"] == true || given["UsePreviousValue"] == "true";
            let value = match (previous, stack) {
                (true, None) => {
                    return Err(invalid(format!(
                        "Invalid input for parameter key {key}. Cannot specify usePreviousValue as true for a parameter key not in the previous template"
                    )));
                }
                // The default of the new template, where the stack was given no value.
                (true, Some(stack)) => stack.definition.parameters.get(&key).cloned(),
                (false, _) => Some(given["ParameterValue"].as_str().unwrap_or_default().to_owned()),
            };
            if let Some(value) = value
                && parameters.insert(key.clone(), value).is_some()
            {
                return Err(invalid(format!("Duplicate parameter key {key}")));
            }
        }
        Ok(parameters)
    }

    /// Capabilities, types and policies.
    fn check(&self, template: &Template, definition: &Definition) -> Result<(), ServiceError> {
        if let Some((needed, _)) = capability(template) {
            let given = &definition.capabilities;
            let named = given.iter().any(|given| given == "CAPABILITY_NAMED_IAM");
            if !(named || needed == "CAPABILITY_IAM" && given.iter().any(|given| given == needed)) {
                let text = format!("Requires capabilities : [{needed}]");
                return Err(ServiceError::client("InsufficientCapabilitiesException", text));
            }
        }
        let allowed = self.texts("ResourceTypes");
        let matches = |kind: &str| {
            allowed.is_empty()
                || allowed.iter().any(|pattern| match pattern.strip_suffix('*') {
                    Some(start) => kind.starts_with(start),
                    None => pattern == kind,
                })
        };
        let unknown: Vec<String> =
            template.kinds().into_iter().filter(|kind| resources::kind(kind).is_none()).collect();
        if !unknown.is_empty() {
            return Err(invalid(format!(
                "Template format error: Unrecognized resource types: [{}]",
                unknown.join(", ")
            )));
        }
        resources::check_attributes(template).map_err(invalid)?;
        for resource in &template.resources {
            if !matches(&resource.kind) {
                return Err(invalid(format!(
                    "Resource type {} is not allowed by parameter ResourceTypes",
                    resource.kind
                )));
            }
            let snapshots = resources::kind(&resource.kind).is_some_and(resources::Kind::snapshots);
            if !snapshots && [resource.deletion, resource.replacement].contains(&Some(Policy::Snapshot)) {
                return Err(invalid(format!(
                    "Template error: resource type {} does not support deletion policy Snapshot",
                    resource.kind
                )));
            }
        }
        Ok(())
    }
}

/// The capability that a template needs, and which resources need it. Source: CloudFormation API reference, CreateStack.
pub(super) fn capability(template: &Template) -> Option<(&'static str, Vec<String>)> {
    const NAMES: [&str; 6] =
        ["RoleName", "UserName", "GroupName", "ManagedPolicyName", "InstanceProfileName", "PolicyName"];
    let iam: Vec<_> =
        template.resources.iter().filter(|resource| resource.kind.starts_with("AWS::IAM::")).collect();
    if iam.is_empty() {
        return None;
    }
    // The name of an inline policy is no name of a resource.
    let named = |name: &&&str, kind: &str| **name != "PolicyName" || kind != "AWS::IAM::Policy";
    let named = iam.iter().any(|resource| {
        NAMES
            .iter()
            .filter(|name| named(name, &resource.kind))
            .any(|name| resource.properties.contains_key(*name))
    });
    let ids = iam.iter().map(|resource| resource.id.clone()).collect();
    Some((if named { "CAPABILITY_NAMED_IAM" } else { "CAPABILITY_IAM" }, ids))
}

/// Whether a name is one for a stack or a change set.
///
/// # Errors
/// In CloudFormation's own words.
pub(super) fn check_name(name: &str, field: &str) -> Result<(), ServiceError> {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if plain && name.len() <= 128 {
        return Ok(());
    }
    Err(invalid(format!(
        "1 validation error detected: Value '{name}' at '{field}' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
    )))
}

/// A page of things that have keys, and the token of the next one.
///
/// # Errors
/// For a token that was not given out.
pub(super) fn page<T>(
    items: Vec<(String, T)>,
    token: Option<&str>,
    size: usize,
) -> Result<(Vec<T>, Option<String>), ServiceError> {
    let from = match token {
        None => 0,
        Some(token) => {
            let at = items.iter().position(|(key, _)| hex::encode(key) == token);
            at.ok_or_else(|| invalid("The specified NextToken is invalid."))?
        }
    };
    let next = items.get(from + size).map(|(key, _)| hex::encode(key));
    Ok((items.into_iter().skip(from).take(size).map(|(_, item)| item).collect(), next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_hold_everything_once() {
        let items = || (0..250).map(|n| (format!("{n}"), n)).collect::<Vec<_>>();
        let (mut seen, mut token) = (Vec::new(), None);
        loop {
            let (some, next) = page(items(), token.as_deref(), 100).expect("a page");
            seen.extend(some);
            token = next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(seen, (0..250).collect::<Vec<_>>());
        assert!(page(items(), Some("xx"), 100).is_err());
    }

    #[test]
    fn named_roles_need_more_than_roles() {
        let of = |properties: &str| {
            let text =
                format!("Resources: {{ R: {{ Type: AWS::IAM::Role, Properties: {{ {properties} }} }} }}");
            capability(&Template::read(&text).expect("a template")).map(|(needed, _)| needed)
        };
        assert_eq!(of("Path: /"), Some("CAPABILITY_IAM"));
        assert_eq!(of("RoleName: a"), Some("CAPABILITY_NAMED_IAM"));
    }
}
