//! Parameter groups: made, changed, told and removed.

use serde_json::{Value, json};

use crate::sandbox::{
    call::{Answer, ServiceError},
    postgres::{Installed, Kind},
};

use super::{
    Call,
    input::{Input, combination, invalid, not_found},
    lists::{Wanted, filters},
    model::{Given, ParameterGroup},
    names, parameters, show,
};

/// Most groups, and most parameters of one call. Source: RDS user guide, "Quotas"; API reference, ModifyDBParameterGroup.
const MOST: (usize, usize) = (50, 20);

pub(super) fn missing(name: &str) -> ServiceError {
    not_found("DBParameterGroupNotFound", format!("DBParameterGroup not found: {name}"))
}

fn families(all: &[Installed]) -> Vec<String> {
    let mut families: Vec<String> = all.iter().map(|one| format!("postgres{}", one.major())).collect();
    families.dedup();
    families
}

/// The group of a name, as a caller may use it for an instance of a version.
pub(super) fn usable(
    index: &super::model::Index,
    name: &str,
    major: &str,
    all: &[Installed],
) -> Result<(), ServiceError> {
    let group = parameters::group(index, name, &families(all)).ok_or_else(|| missing(name))?;
    if group.family == format!("postgres{major}") {
        return Ok(());
    }
    Err(combination(format!(
        "The parameter group {name} with DBParameterGroupFamily {} can't be used for this instance. Use a parameter \
         group with DBParameterGroupFamily postgres{major}.",
        group.family
    )))
}

fn not_default(name: &str, verb: &str) -> Result<(), ServiceError> {
    if name.starts_with("default.") {
        let text = format!("Default DBParameterGroup cannot be {verb}: {name}");
        return Err(ServiceError::client("InvalidDBParameterGroupState", text));
    }
    Ok(())
}

pub(super) fn create(call: &Call<'_>, mut input: Input) -> Answer {
    let name = names::identifier("DBParameterGroupName", &input.needed("DBParameterGroupName")?, 255)?;
    let family = input.needed("DBParameterGroupFamily")?;
    let description = input.needed("Description")?;
    let tags = input.tags()?;
    input.done()?;
    if !families(call.installed).contains(&family) {
        return Err(invalid(format!("ParameterGroupFamily {family} is not a valid parameter group family")));
    }
    call.index().update(|index| {
        if index.parameter_groups.contains_key(&name) {
            let text = format!("Parameter group {name} already exists");
            return Err(ServiceError::client("DBParameterGroupAlreadyExists", text));
        }
        if index.parameter_groups.len() >= MOST.0 {
            let text = "Request would result in user exceeding the allowed number of DB parameter groups.";
            return Err(ServiceError::client("DBParameterGroupQuotaExceeded", text));
        }
        let group =
            ParameterGroup { name: name.clone(), family, description, tags, ..ParameterGroup::default() };
        let shown = show::parameter_group(&group, call.place());
        index.parameter_groups.insert(name.clone(), group);
        Ok(json!({ "DBParameterGroup": shown }))
    })
}

pub(super) fn describe(call: &Call<'_>, mut input: Input) -> Answer {
    let name = input.text("DBParameterGroupName")?;
    filters(&mut input, &[])?;
    let wanted = Wanted::read(&mut input)?;
    input.done()?;
    let found: Vec<(String, Value)> = call.index().read(|index| {
        let kept = index.parameter_groups.values().cloned();
        let all = kept.chain(families(call.installed).into_iter().map(|family| parameters::default(&family)));
        let all = all.filter(|group| name.as_ref().is_none_or(|name| group.name == *name));
        all.map(|group| (group.name.clone(), show::parameter_group(&group, call.place()))).collect()
    });
    match name {
        Some(name) if found.is_empty() => Err(missing(&name)),
        _ => wanted.page("DBParameterGroups", found),
    }
}

/// The installation whose parameters a family's are.
fn of_family<'a>(all: &'a [Installed], family: &str) -> Result<&'a Installed, ServiceError> {
    let found = all.iter().find(|one| format!("postgres{}", one.major()) == family);
    found.ok_or_else(|| invalid(format!("{family} is not installed on this machine any more.")))
}

pub(super) async fn parameters(call: &Call<'_>, mut input: Input) -> Answer {
    let name = input.needed("DBParameterGroupName")?;
    let source = input.text("Source")?;
    let chosen = filters(&mut input, &["parameter-name"])?;
    let wanted = Wanted::read(&mut input)?;
    input.done()?;
    if source.as_ref().is_some_and(|source| !["user", "system", "engine-default"].contains(&source.as_str()))
    {
        return Err(invalid("Source must be one of: user, system, engine-default"));
    }
    let group = call.index().read(|index| parameters::group(index, &name, &families(call.installed)));
    let group = group.ok_or_else(|| missing(&name))?;
    let known = parameters::known(of_family(call.installed, &group.family)?).await.map_err(super::broken)?;
    let system = parameters::system(&group.family);
    let mut entries = Vec::new();
    for (name, parameter) in known {
        let setting = &parameter.setting;
        let given = group.given.get(&name);
        let default = system.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let (value, from) = match (given, default) {
            (Some(given), _) => (Some(given.value.clone()), "user"),
            (None, Some(value)) => (Some(value), "system"),
            (None, None) => (None, "engine-default"),
        };
        let named = chosen.iter().all(|(_, names)| names.contains(&name));
        if !named || source.as_ref().is_some_and(|source| source != from) {
            continue;
        }
        let kind = match setting.kind {
            Kind::Flag => "boolean",
            Kind::Integer => "integer",
            Kind::Real => "float",
            Kind::Word | Kind::Text => "string",
        };
        let method = given.map_or("pending-reboot", |given| given.method.as_str());
        let shown = json!({
            "ParameterName": name,
            "ParameterValue": value,
            "Description": setting.description,
            "Source": from,
            "ApplyType": if setting.fixed { "static" } else { "dynamic" },
            "DataType": kind,
            "AllowedValues": parameters::allowed(setting),
            "IsModifiable": parameter.modifiable,
            "ApplyMethod": method,
        });
        entries.push((name, shown));
    }
    wanted.page("Parameters", entries)
}

pub(super) async fn modify(call: &Call<'_>, mut input: Input) -> Answer {
    let name = input.needed("DBParameterGroupName")?;
    let mut changes: Vec<(String, Given)> = Vec::new();
    for mut one in input.structures("Parameters")? {
        let method = one.text("ApplyMethod")?.unwrap_or_else(|| "pending-reboot".to_owned());
        let change = (one.needed("ParameterName")?, Given { value: one.needed("ParameterValue")?, method });
        // What a listing tells of a parameter may be given back.
        for told in [
            "Description",
            "Source",
            "ApplyType",
            "DataType",
            "AllowedValues",
            "IsModifiable",
            "MinimumEngineVersion",
        ] {
            one.text(told)?;
        }
        one.done()?;
        changes.push(change);
    }
    input.done()?;
    not_default(&name, "modified")?;
    if changes.is_empty() || changes.len() > MOST.1 {
        return Err(invalid(format!("A request modifies from 1 to {} parameters.", MOST.1)));
    }
    let family =
        call.index().read(|index| index.parameter_groups.get(&name).map(|group| group.family.clone()));
    let family = family.ok_or_else(|| missing(&name))?;
    let known = parameters::known(of_family(call.installed, &family)?).await.map_err(super::broken)?;
    for (name, given) in &changes {
        let parameter =
            known.get(name).ok_or_else(|| invalid(format!("Could not find parameter with name: {name}")))?;
        parameters::check(name, parameter, &given.value)?;
        match given.method.as_str() {
            "pending-reboot" => {}
            "immediate" if !parameter.setting.fixed => {}
            "immediate" => {
                return Err(combination(format!(
                    "cannot use immediate apply method for static parameter {name}"
                )));
            }
            other => return Err(invalid(format!("Invalid ApplyMethod: {other}"))),
        }
    }
    let touched: Vec<String> = call.index().update(|index| {
        let group = index.parameter_groups.get_mut(&name).ok_or_else(|| missing(&name))?;
        group.given.extend(changes.iter().cloned());
        index.tell("db-parameter-group", &name, call.place().arn("pg", &name), "", "Updated parameter group");
        let mut touched = Vec::new();
        let users: Vec<String> = index.instances.keys().cloned().collect();
        for id in users {
            let Some(instance) = index.instances.get(&id).filter(|one| one.parameter_group == name) else {
                continue;
            };
            let wanted = parameters::wanted(index, instance);
            let Some(instance) = index.instances.get_mut(&id) else { continue };
            // Nothing of it runs yet; it will start with the new values.
            if instance.in_force.is_empty() {
                continue;
            }
            for (changed, _) in changes.iter().filter(|(_, given)| given.method == "immediate") {
                if let Some(value) = wanted.get(changed) {
                    instance.in_force.insert(changed.clone(), value.clone());
                }
            }
            touched.push(instance.resource.clone());
        }
        Ok::<_, ServiceError>(touched)
    })?;
    for resource in touched {
        super::work::reload(call.world, &resource)?;
    }
    Ok(json!({ "DBParameterGroupName": name }))
}

pub(super) fn delete(call: &Call<'_>, mut input: Input) -> Answer {
    let name = input.needed("DBParameterGroupName")?;
    input.done()?;
    not_default(&name, "deleted")?;
    call.index().update(|index| {
        if !index.parameter_groups.contains_key(&name) {
            return Err(missing(&name));
        }
        if index.instances.values().any(|instance| instance.parameter_group == name) {
            let text = "One or more database instances are still members of this parameter group, so the group cannot be deleted";
            return Err(ServiceError::client("InvalidDBParameterGroupState", text));
        }
        index.parameter_groups.remove(&name);
        Ok(json!({}))
    })
}
