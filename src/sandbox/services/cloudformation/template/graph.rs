//! What refers to what in a template: checked to lead somewhere, free of circles, and put in an order.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Template, TemplateError, functions};

/// Values that every template may refer to. Source: CloudFormation user guide, "Pseudo parameters".
pub(super) const PSEUDO: [&str; 8] = [
    "AWS::AccountId",
    "AWS::NotificationARNs",
    "AWS::NoValue",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];

/// What a value refers to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    /// Names that are referred to as a whole, by `Ref` or `Fn::Sub`.
    pub names: BTreeSet<String>,
    /// Resources and their attributes.
    pub attributes: BTreeSet<(String, String)>,
    /// Conditions, by `Fn::If`.
    pub conditions: BTreeSet<String>,
    /// Mappings whose name is written out.
    mappings: BTreeSet<String>,
    unknown: BTreeSet<String>,
}

/// Everything that a value refers to.
pub fn references(value: &Value) -> References {
    let mut found = References::default();
    collect(value, &mut found);
    found
}

fn collect(value: &Value, found: &mut References) {
    let map = match value {
        Value::Array(items) => return items.iter().for_each(|item| collect(item, found)),
        Value::Object(map) => map,
        _ => return,
    };
    let Some((name, argument)) = functions::call(value) else {
        return map.values().for_each(|value| collect(value, found));
    };
    match (name, argument) {
        ("Ref", Value::String(target)) => {
            found.names.insert(target.clone());
        }
        ("Fn::GetAtt", argument) => {
            if let Some((thing, attribute)) = functions::attribute(argument) {
                found.attributes.insert((thing, attribute.as_str().unwrap_or_default().to_owned()));
                collect(&attribute, found);
            }
        }
        ("Fn::Sub", argument) => sub(argument, found),
        ("Fn::If", Value::Array(items)) => {
            found.conditions.extend(items.first().and_then(Value::as_str).map(str::to_owned));
            items.iter().for_each(|item| collect(item, found));
        }
        ("Fn::FindInMap", Value::Array(items)) => {
            found.mappings.extend(items.first().and_then(Value::as_str).map(str::to_owned));
            items.iter().for_each(|item| collect(item, found));
        }
        (name, argument) => {
            if !functions::SUPPORTED.contains(&name) {
                found.unknown.insert(name.to_owned());
            }
            collect(argument, found);
        }
    }
}

fn sub(argument: &Value, found: &mut References) {
    let (text, own) = match argument {
        Value::Array(items) => (items.first().and_then(Value::as_str), items.get(1)),
        other => (other.as_str(), None),
    };
    for part in functions::parts(text.unwrap_or_default()) {
        let functions::Part::Name(name) = part else { continue };
        if own.is_some_and(|own| own.get(name).is_some()) {
            continue;
        }
        match name.split_once('.') {
            Some((thing, attribute)) => {
                found.attributes.insert((thing.to_owned(), attribute.to_owned()));
            }
            None => {
                found.names.insert(name.to_owned());
            }
        }
    }
    if let Some(Value::Object(own)) = own {
        own.values().for_each(|value| collect(value, found));
    }
}

/// Refuses a template with a name that leads nowhere, or with a circle.
pub(super) fn check(template: &Template) -> Result<(), TemplateError> {
    conditions(template)?;
    let mut missing = Vec::new();
    for resource in &template.resources {
        let properties = Value::Object(resource.properties.clone());
        let found = references(&properties);
        section(template, &found, resource.condition.as_ref(), "Resources", &mut missing)?;
        missing.extend(resource.depends_on.iter().filter(|id| template.resource(id).is_none()).cloned());
    }
    unresolved(missing, "Resources")?;
    let mut missing = Vec::new();
    for output in &template.outputs {
        for value in std::iter::once(&output.value).chain(&output.export) {
            section(template, &references(value), output.condition.as_ref(), "Outputs", &mut missing)?;
        }
    }
    unresolved(missing, "Outputs")?;
    in_order(&dependencies(template)).map(|_| ()).map_err(|circle| {
        TemplateError(format!("Circular dependency between resources: [{}]", circle.join(", ")))
    })
}

fn unresolved(missing: Vec<String>, section: &str) -> Result<(), TemplateError> {
    let missing: BTreeSet<String> = missing.into_iter().collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.into_iter().collect::<Vec<_>>().join(", ");
    Err(TemplateError(format!(
        "Template format error: Unresolved resource dependencies [{names}] in the {section} block of the template"
    )))
}

fn section(
    template: &Template,
    found: &References,
    condition: Option<&String>,
    section: &str,
    missing: &mut Vec<String>,
) -> Result<(), TemplateError> {
    if let Some(name) = found.unknown.first() {
        let all = functions::SUPPORTED.join(", ");
        return Err(TemplateError(format!(
            "Template error: Encountered unsupported function: {name} Supported functions are: [{all}]"
        )));
    }
    for name in found.conditions.iter().chain(condition) {
        if !template.conditions.contains_key(name) {
            return Err(TemplateError(format!(
                "Template format error: Unresolved condition dependency {name} in the {section} block of the template"
            )));
        }
    }
    if let Some(name) = found.mappings.iter().find(|name| !template.mappings.contains_key(*name)) {
        return Err(no_mapping(name));
    }
    if let Some((thing, _)) = found.attributes.iter().find(|(thing, _)| template.resource(thing).is_none()) {
        return Err(TemplateError(format!(
            "Template error: instance of Fn::GetAtt references undefined resource {thing}"
        )));
    }
    missing.extend(found.names.iter().filter(|name| !is_named(template, name)).cloned());
    Ok(())
}

pub(super) fn no_mapping(name: &str) -> TemplateError {
    TemplateError(format!(
        "Template error: Mapping named '{name}' is not present in the 'Mappings' section of template."
    ))
}

fn is_named(template: &Template, name: &str) -> bool {
    PSEUDO.contains(&name)
        || template.resource(name).is_some()
        || template.parameters.iter().any(|parameter| parameter.id == name)
}

/// Conditions see parameters, mappings and each other, and no resource.
fn conditions(template: &Template) -> Result<(), TemplateError> {
    let mut graph = BTreeMap::new();
    for (name, value) in &template.conditions {
        let found = references(value);
        let known = |name: &String| {
            PSEUDO.contains(&name.as_str())
                || template.parameters.iter().any(|parameter| parameter.id == **name)
        };
        let mut missing: Vec<String> = found.names.iter().filter(|name| !known(name)).cloned().collect();
        missing.extend(found.attributes.iter().map(|(thing, _)| thing.clone()));
        if !missing.is_empty() {
            return Err(TemplateError(format!(
                "Template format error: Unresolved dependencies [{}]. Cannot reference resources in the Conditions block of the template",
                missing.join(", ")
            )));
        }
        let mut needs = found.conditions;
        named_conditions(value, &mut needs);
        if let Some(missing) = needs.iter().find(|name| !template.conditions.contains_key(*name)) {
            return Err(TemplateError(format!(
                "Template format error: Unresolved condition dependency {missing} in the Conditions block of the template"
            )));
        }
        graph.insert(name.clone(), needs);
    }
    in_order(&graph).map(|_| ()).map_err(|circle| {
        TemplateError(format!(
            "Template format error: Circular dependency between conditions: [{}]",
            circle.join(", ")
        ))
    })
}

/// Conditions that a condition names.
pub(super) fn named_conditions(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| named_conditions(item, found)),
        Value::Object(map) => {
            found.extend(map.get("Condition").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|value| named_conditions(value, found));
        }
        _ => {}
    }
}

/// Which resources each resource waits for.
pub fn dependencies(template: &Template) -> BTreeMap<String, BTreeSet<String>> {
    let ids: BTreeSet<&str> = template.resources.iter().map(|resource| resource.id.as_str()).collect();
    let of = |resource: &super::Resource| {
        let found = references(&Value::Object(resource.properties.clone()));
        let named = found.names.into_iter().chain(found.attributes.into_iter().map(|(thing, _)| thing));
        named.chain(resource.depends_on.iter().cloned()).filter(|name| ids.contains(name.as_str())).collect()
    };
    template.resources.iter().map(|resource| (resource.id.clone(), of(resource))).collect()
}

/// The names of a graph, each after those it waits for.
///
/// # Errors
/// With the names that are in circles, or between two.
pub fn in_order(graph: &BTreeMap<String, BTreeSet<String>>) -> Result<Vec<String>, Vec<String>> {
    let mut waits: BTreeMap<&str, usize> = graph
        .iter()
        .map(|(name, needs)| (name.as_str(), needs.iter().filter(|need| graph.contains_key(*need)).count()))
        .collect();
    let mut followers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, needs) in graph {
        for need in needs {
            followers.entry(need).or_default().push(name);
        }
    }
    let mut ready: Vec<&str> =
        waits.iter().filter(|(_, count)| **count == 0).map(|(name, _)| *name).collect();
    let mut order = Vec::new();
    while let Some(name) = ready.pop() {
        order.push(name.to_owned());
        waits.remove(name);
        for follower in followers.get(name).into_iter().flatten() {
            if let Some(count) = waits.get_mut(follower) {
                *count -= 1;
                if *count == 0 {
                    ready.push(follower);
                }
            }
        }
    }
    if waits.is_empty() {
        return Ok(order);
    }
    // What only waits for a circle is not in it.
    loop {
        let outside: Vec<&str> = waits
            .keys()
            .filter(|name| !followers.get(*name).into_iter().flatten().any(|next| waits.contains_key(next)))
            .copied()
            .collect();
        if outside.is_empty() {
            return Err(waits.keys().map(|name| (*name).to_owned()).collect());
        }
        outside.iter().for_each(|name| {
            waits.remove(name);
        });
    }
}
