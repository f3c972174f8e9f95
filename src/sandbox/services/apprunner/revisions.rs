//! Autoscaling and observability configurations and VPC connectors: made in revisions, found by whole or partial ARNs, deleted when unused.
//!
//! Source: App Runner API reference, the operations of each kind.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value, json};

use crate::sandbox::{
    call::{Answer, Caller, ServiceError},
    world::World,
};

use super::{
    Index,
    family::{DEFAULT, FAMILIES, Family, default_configuration, invalid},
    model::{DELETED, now},
    page,
};

/// Configurations of one kind by ARN, in the service's own shape.
pub(super) type Kept = BTreeMap<String, Value>;

fn missing(arn: &str) -> ServiceError {
    ServiceError::client("ResourceNotFoundException", format!("there is no active configuration {arn}"))
}

/// Whether a living service uses a configuration.
fn users<'a>(index: &'a Index, arn: &'a str) -> impl Iterator<Item = &'a str> {
    let living = index.services.values().filter(|service| service.status != DELETED);
    living.filter(move |service| service.uses().contains(&arn)).map(|service| service.arn.as_str())
}

/// The active configuration that an ARN names: a whole one, `.../name/revision`, or `.../name` for the latest.
fn find(family: &Family, kept: &Kept, arn: &str) -> Option<String> {
    let active = |one: &Value| one["Status"] == "ACTIVE";
    if kept.get(arn).is_some_and(active) {
        return Some(arn.to_owned());
    }
    let mut parts = arn.split_once(&format!(":{}/", family.arn))?.1.split('/');
    let (name, revision) = (parts.next()?, parts.next());
    let fitting = kept.iter().filter(|(_, one)| active(one) && one[family.member("Name")] == name);
    let number = |one: &Value| one[family.member("Revision")].as_i64().unwrap_or_default();
    match revision {
        None => fitting.max_by_key(|(_, one)| number(one)),
        Some(revision) => {
            let revision: i64 = revision.parse().ok()?;
            fitting.clone().find(|(_, one)| number(one) == revision)
        }
    }
    .map(|(arn, _)| arn.clone())
}

/// The ARN of the active configuration that a service asks for.
pub(super) fn resolve(index: &Index, what: &str, arn: &str) -> Result<String, ServiceError> {
    let family = FAMILIES.iter().find(|family| family.what == what).expect("a kind of the table");
    let kept = index.kept(family);
    kept.and_then(|kept| find(family, kept, arn)).ok_or_else(|| missing(arn))
}

/// Answers one operation of one of these kinds.
pub(super) fn handle(
    world: &Arc<World>,
    (family, verb): (&'static Family, &str),
    input: &Map<String, Value>,
    caller: &Caller,
) -> Answer {
    let index = &world.apprunner.index;
    let arn = || {
        let key = family.member("Arn");
        input.get(&key).and_then(Value::as_str).ok_or_else(|| invalid(format!("{key} is required")))
    };
    match verb {
        "Create" => index.update(|index| create(index, family, input, caller)),
        "Describe" => {
            let arn = arn()?;
            index.read(|index| {
                // What was deleted is still described by its whole ARN.
                let kept = index.kept(family).ok_or_else(|| missing(arn))?;
                let whole =
                    if kept.contains_key(arn) { Some(arn.to_owned()) } else { find(family, kept, arn) };
                let whole = whole.ok_or_else(|| missing(arn))?;
                Ok(json!({ family.what: shown(index, family, &whole) }))
            })
        }
        "Delete" => {
            let all = input.get("DeleteAllRevisions").and_then(Value::as_bool).unwrap_or(false);
            let arn = arn()?.to_owned();
            index.update(|index| delete(index, family, &arn, all))
        }
        _ => {
            let wanted = input.get(&family.member("Name")).and_then(Value::as_str);
            let latest = input.get("LatestOnly").and_then(Value::as_bool).unwrap_or(false);
            index.read(|index| {
                let kept = index.kept(family);
                let fitting: Vec<Value> = kept
                    .into_iter()
                    .flatten()
                    .filter(|(_, one)| one["Status"] == "ACTIVE" && (!latest || one["Latest"] == true))
                    .filter(|(_, one)| wanted.is_none_or(|name| one[family.member("Name")] == name))
                    .map(|(arn, _)| family.summary(&shown(index, family, arn)))
                    .collect();
                page(input, family.list, &fitting)
            })
        }
    }
}

fn shown(index: &Index, family: &Family, arn: &str) -> Value {
    let mut shown = index.kept(family).and_then(|kept| kept.get(arn)).cloned().unwrap_or_default();
    if family.what == "AutoScalingConfiguration" {
        shown["HasAssociatedService"] = json!(users(index, arn).next().is_some());
    } else if family.what == "VpcConnector"
        && let Some(map) = shown.as_object_mut()
    {
        map.remove("Latest");
    }
    shown
}

fn create(index: &mut Index, family: &Family, input: &Map<String, Value>, caller: &Caller) -> Answer {
    let key = family.member("Name");
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let name = input.get(&key).and_then(Value::as_str);
    let name = name
        .filter(|name| (4..=32).contains(&name.len()) && name.bytes().all(plain))
        .filter(|name| *name != DEFAULT)
        .ok_or_else(|| {
            invalid(format!("{key} must have 4 to 32 letters, digits, - or _, and not be reserved"))
        })?;
    let own = (family.members)(input)?;
    let kept = index.configurations.entry(family.what.to_owned()).or_default();
    let number = |one: &Value| one[family.member("Revision")].as_i64().unwrap_or_default();
    let active = kept.values().filter(|one| one["Status"] == "ACTIVE");
    let names: std::collections::BTreeSet<&str> =
        active.clone().filter_map(|one| one[&key].as_str()).filter(|name| *name != DEFAULT).collect();
    let revisions = active.filter(|one| one[&key] == name).count();
    let full = |what: String| ServiceError::client("ServiceQuotaExceededException", what);
    if revisions >= family.revisions {
        return Err(full(format!("{name} has {revisions} active revisions, which is the most")));
    }
    if !names.contains(name) && names.len() >= family.names {
        return Err(full(format!("there are {} names of this kind, which is the most", names.len())));
    }
    let revision = kept.values().filter(|one| one[&key] == name).map(number).max().unwrap_or(0) + 1;
    for other in kept.values_mut().filter(|one| one[&key] == name) {
        other["Latest"] = json!(false);
    }
    let id = hex::encode(rand::random::<[u8; 16]>());
    let arn = format!(
        "arn:aws:apprunner:{}:{}:{}/{name}/{revision}/{id}",
        caller.region, caller.account, family.arn
    );
    let mut made = json!({
        family.member("Arn"): arn,
        family.member("Name"): name,
        family.member("Revision"): revision,
        "Latest": true,
        "Status": "ACTIVE",
        "CreatedAt": now(),
    });
    if let Some(map) = made.as_object_mut() {
        map.extend(own);
    }
    kept.insert(arn.clone(), made);
    let tags = input.get("Tags").and_then(Value::as_array).cloned().unwrap_or_default();
    index.tags.insert(arn.clone(), tags);
    Ok(json!({ family.what: shown(index, family, &arn) }))
}

fn delete(index: &mut Index, family: &Family, arn: &str, all: bool) -> Answer {
    let kept = index.kept(family).ok_or_else(|| missing(arn))?;
    let latest = find(family, kept, arn).ok_or_else(|| missing(arn))?;
    let name = kept[&latest][family.member("Name")].clone();
    if name == DEFAULT {
        return Err(invalid(format!("{DEFAULT} is every account's and cannot be deleted")));
    }
    let doomed: Vec<String> = if all {
        let same =
            kept.iter().filter(|(_, one)| one["Status"] == "ACTIVE" && one[family.member("Name")] == name);
        same.map(|(arn, _)| arn.clone()).collect()
    } else {
        vec![latest.clone()]
    };
    for arn in &doomed {
        if let Some(user) = users(index, arn).next() {
            return Err(invalid(format!("{arn} is used by {user} and cannot be deleted")));
        }
        if index.kept(family).is_some_and(|kept| kept[arn]["IsDefault"] == true) {
            return Err(invalid(format!("{arn} is the default and cannot be deleted")));
        }
    }
    let kept = index.configurations.entry(family.what.to_owned()).or_default();
    for arn in &doomed {
        if let Some(one) = kept.get_mut(arn) {
            one["Status"] = json!("INACTIVE");
            one["Latest"] = json!(false);
            one["DeletedAt"] = json!(now());
        }
    }
    let newest = kept
        .iter()
        .filter(|(_, one)| one["Status"] == "ACTIVE" && one[family.member("Name")] == name)
        .max_by_key(|(_, one)| one[family.member("Revision")].as_i64())
        .map(|(arn, _)| arn.clone());
    if let Some(one) = newest.and_then(|arn| kept.get_mut(&arn)) {
        one["Latest"] = json!(true);
    }
    Ok(json!({ family.what: shown(index, family, &latest) }))
}

/// Gives an account the configuration that it has from the beginning, and to services that have none of their own.
pub(super) fn begin(index: &mut Index, account: &str, region: &str) {
    let mut made = default_configuration(account, region);
    let arn = made["AutoScalingConfigurationArn"].as_str().unwrap_or_default().to_owned();
    let chosen = index.default_autoscaling().is_some();
    let kept = index.configurations.entry(FAMILIES[0].what.to_owned()).or_default();
    if kept.contains_key(&arn) {
        return;
    }
    made["IsDefault"] = json!(!chosen);
    made["CreatedAt"] = json!(now());
    kept.insert(arn.clone(), made);
    for service in index.services.values_mut() {
        service.config.entry("AutoScalingConfigurationArn").or_insert_with(|| json!(arn));
    }
    index.tags.entry(arn).or_default();
}

/// `UpdateDefaultAutoScalingConfiguration`: what services without one get from now on.
pub(super) fn make_default(index: &mut Index, arn: &str) -> Answer {
    let family = &FAMILIES[0];
    let chosen = resolve(index, family.what, arn)?;
    for (arn, one) in index.configurations.entry(family.what.to_owned()).or_default() {
        one["IsDefault"] = json!(*arn == chosen);
    }
    Ok(json!({ family.what: shown(index, family, &chosen) }))
}

/// `ListServicesForAutoScalingConfiguration`.
pub(super) fn services_of(index: &Index, input: &Map<String, Value>) -> Answer {
    let arn = input.get("AutoScalingConfigurationArn").and_then(Value::as_str).unwrap_or_default();
    let arn = resolve(index, FAMILIES[0].what, arn)?;
    let services: Vec<Value> = users(index, &arn).map(|arn| json!(arn)).collect();
    page(input, "ServiceArnList", &services)
}
