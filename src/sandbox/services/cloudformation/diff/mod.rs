//! What an update would do: two templates with what they are evaluated against, and the changes between them. Pure.
//!
//! Source: CloudFormation API reference, `ResourceChange` and `ResourceChangeDetail`.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::template::{
    Context, Policy, Resource, TemplateError, UNKNOWN, dependencies, in_order, references,
};

/// Whether a change of a property makes another resource take the place of the one that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recreation {
    /// The resource is changed where it is.
    Never,
    /// That depends on the values.
    Conditionally,
    /// Another one is made.
    Always,
}

impl Recreation {
    fn name(self) -> &'static str {
        match self {
            Self::Never => "Never",
            Self::Conditionally => "Conditionally",
            Self::Always => "Always",
        }
    }
}

/// One change of a change set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// As `DescribeChangeSet` tells it.
    pub shown: Value,
    /// The resource before and after, told only to who asks for values.
    pub before: Option<Value>,
    /// See `before`.
    pub after: Option<Value>,
}

fn present<'a>(context: &Context<'a>) -> BTreeMap<&'a str, &'a Resource> {
    let all = context.template().into_iter().flat_map(|template| &template.resources);
    all.filter(|resource| context.holds(resource.condition.as_ref()))
        .map(|resource| (resource.id.as_str(), resource))
        .collect()
}

fn policy_word(policy: Option<Policy>) -> &'static str {
    match policy.unwrap_or_default() {
        Policy::Delete => "Delete",
        Policy::Retain | Policy::RetainExceptOnCreate => "Retain",
        Policy::Snapshot => "Snapshot",
    }
}

/// The changes from `before` (nothing where the stack is not made yet) to `after`. What `after` knows of resources that
/// will be replaced is forgotten on the way.
///
/// # Errors
/// Where a value cannot be, or a resource is of another type than before.
pub fn changes(
    before: Option<&Context<'_>>,
    after: &mut Context<'_>,
    recreation: &dyn Fn(&str, &str) -> Recreation,
) -> Result<Vec<Change>, TemplateError> {
    let old = before.map(present).unwrap_or_default();
    let new = present(after);
    let retyped: Vec<&str> = new
        .iter()
        .filter(|(id, r)| old.get(*id).is_some_and(|o| o.kind != r.kind))
        .map(|(id, _)| *id)
        .collect();
    if !retyped.is_empty() {
        return Err(TemplateError(format!(
            "Update of resource type is not permitted. The new template modifies resource type of the following resources: [{}]",
            retyped.join(", ")
        )));
    }
    let graph = after.template().map(dependencies).unwrap_or_default();
    // A template with a circle was never read.
    let order = in_order(&graph).unwrap_or_default();
    let mut replaced = BTreeSet::new();
    let mut found: BTreeMap<String, Change> = BTreeMap::new();
    for id in order {
        let Some(resource) = new.get(id.as_str()) else { continue };
        let properties = evaluated(after, resource)?;
        let Some((was, known)) = old.get(id.as_str()).zip(before) else {
            let shown = json!({ "Action": "Add", "LogicalResourceId": id, "ResourceType": resource.kind, "Scope": [], "Details": [] });
            let after = Some(json!({ "Properties": properties }));
            found.insert(id, Change { shown, before: None, after });
            continue;
        };
        let sides = Sides { known, after, was, resource, replaced: &replaced };
        let old_properties = evaluated(known, was)?;
        let Some((mut shown, replacement)) = sides.change(&old_properties, &properties, recreation) else {
            continue;
        };
        shown["PhysicalResourceId"] = json!(known.made.get(&id).map(|made| &made.physical));
        if replacement != "False" {
            shown["PolicyAction"] = json!(format!("ReplaceAnd{}", policy_word(resource.replacement)));
            replaced.insert(id.clone());
            after.made.remove(&id);
        }
        let (before, after) = (json!({ "Properties": old_properties }), json!({ "Properties": properties }));
        found.insert(id, Change { shown, before: Some(before), after: Some(after) });
    }
    for (id, was) in old.iter().filter(|(id, _)| !new.contains_key(*id)) {
        let known = before.and_then(|before| before.made.get(*id));
        let shown = json!({
            "PolicyAction": policy_word(was.deletion),
            "Action": "Remove",
            "LogicalResourceId": id,
            "PhysicalResourceId": known.map(|made| &made.physical),
            "ResourceType": was.kind,
            "Scope": [],
            "Details": [],
        });
        let before = before.map(|before| evaluated(before, was)).transpose()?;
        let before = before.map(|properties| json!({ "Properties": properties }));
        found.insert((*id).to_owned(), Change { shown, before, after: None });
    }
    Ok(found.into_values().collect())
}

fn evaluated(context: &Context<'_>, resource: &Resource) -> Result<Map<String, Value>, TemplateError> {
    match context.evaluate(&resource.properties.clone().into())? {
        Some(Value::Object(map)) => Ok(map),
        _ => Ok(Map::new()),
    }
}

/// Names of the properties that differ.
pub fn differing(before: &Map<String, Value>, after: &Map<String, Value>) -> BTreeSet<String> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names.into_iter().filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

fn unknown(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(UNKNOWN),
        Value::Array(items) => items.iter().any(unknown),
        Value::Object(map) => map.values().any(unknown),
        _ => false,
    }
}

/// One resource in both templates.
struct Sides<'a> {
    known: &'a Context<'a>,
    after: &'a Context<'a>,
    was: &'a Resource,
    resource: &'a Resource,
    replaced: &'a BTreeSet<String>,
}

impl Sides<'_> {
    /// The change as it is told, and whether the resource is replaced. Nothing where nothing changes.
    fn change(
        &self,
        before: &Map<String, Value>,
        after: &Map<String, Value>,
        recreation: &dyn Fn(&str, &str) -> Recreation,
    ) -> Option<(Value, &'static str)> {
        let (mut scope, mut details) = (BTreeSet::new(), Vec::new());
        let mut replacement = "False";
        for name in differing(before, after) {
            let tags = name == "Tags" || name == "TagsList";
            let requires = recreation(&self.resource.kind, &name);
            scope.insert(if tags { "Tags" } else { "Properties" });
            let mut target = json!({ "Attribute": if tags { "Tags" } else { "Properties" }, "RequiresRecreation": requires.name() });
            if !tags {
                target["Name"] = json!(name);
            }
            let dynamic = after.get(&name).is_some_and(unknown);
            for (source, entity) in self.causes(&name) {
                let evaluation = if dynamic { "Dynamic" } else { "Static" };
                let mut detail =
                    json!({ "Target": target, "Evaluation": evaluation, "ChangeSource": source });
                if let Some(entity) = entity {
                    detail["CausingEntity"] = json!(entity);
                }
                details.push(detail);
            }
            replacement = match (requires, dynamic) {
                (Recreation::Always, false) => "True",
                (Recreation::Never, _) => replacement,
                _ if replacement == "True" => "True",
                _ => "Conditional",
            };
        }
        let policies = [
            ("Metadata", self.was.metadata != self.resource.metadata),
            ("DeletionPolicy", self.was.deletion != self.resource.deletion),
            ("UpdateReplacePolicy", self.was.replacement != self.resource.replacement),
        ];
        for (attribute, _) in policies.iter().filter(|(_, differs)| *differs) {
            scope.insert(attribute);
            let target = json!({ "Attribute": attribute, "RequiresRecreation": "Never" });
            details.push(
                json!({ "Target": target, "Evaluation": "Static", "ChangeSource": "DirectModification" }),
            );
        }
        if scope.is_empty() {
            return None;
        }
        let shown = json!({
            "Action": "Modify",
            "LogicalResourceId": self.resource.id,
            "ResourceType": self.resource.kind,
            "Replacement": replacement,
            "Scope": scope,
            "Details": details,
        });
        Some((shown, replacement))
    }

    /// Why a property differs: its text, a parameter it reads, or a resource that will be another.
    fn causes(&self, name: &str) -> Vec<(&'static str, Option<String>)> {
        let (was, is) = (self.was.properties.get(name), self.resource.properties.get(name));
        let mut causes = Vec::new();
        if was != is {
            causes.push(("DirectModification", None));
        }
        let found = is.map(references).unwrap_or_default();
        for name in &found.names {
            if self.replaced.contains(name) {
                causes.push(("ResourceReference", Some(name.clone())));
            } else if self.known.parameter(name) != self.after.parameter(name) {
                causes.push(("ParameterReference", Some(name.clone())));
            }
        }
        for (thing, attribute) in found.attributes.iter().filter(|(thing, _)| self.replaced.contains(thing)) {
            causes.push(("ResourceAttribute", Some(format!("{thing}.{attribute}"))));
        }
        if causes.is_empty() {
            causes.push(("DirectModification", None));
        }
        causes
    }
}
