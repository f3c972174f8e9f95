//! Subnet groups. There is no EC2 that would know a subnet, its network or its zone: they are looked at by their form, and
//! told without them.

use serde_json::{Value, json};

use crate::sandbox::call::{Answer, ServiceError};

use super::{
    Call,
    input::{Input, invalid, not_found},
    lists::{Wanted, filters},
    model::SubnetGroup,
    show,
};

/// Most groups, and most subnets of one. Source: RDS user guide, "Quotas and constraints".
const MOST: (usize, usize) = (50, 20);

fn missing(name: &str) -> ServiceError {
    not_found("DBSubnetGroupNotFoundFault", format!("DB subnet group '{name}' does not exist."))
}

fn check_subnet(id: &str) -> Result<(), ServiceError> {
    let hex = |digits: &str| {
        [8, 17].contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
    };
    if id.strip_prefix("subnet-").is_some_and(hex) {
        return Ok(());
    }
    Err(ServiceError::client("InvalidSubnet", format!("The subnet ID '{id}' does not exist")))
}

fn check_subnets(subnets: &[String]) -> Result<(), ServiceError> {
    subnets.iter().try_for_each(|id| check_subnet(id))?;
    let mut different = subnets.to_vec();
    different.sort();
    different.dedup();
    if different.len() < 2 {
        let text = "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Add subnets to cover at least 2 AZs.";
        return Err(ServiceError::client("DBSubnetGroupDoesNotCoverEnoughAZs", text));
    }
    if different.len() > MOST.1 {
        let text = format!("A DB subnet group has at most {} subnets.", MOST.1);
        return Err(ServiceError::client("DBSubnetQuotaExceededFault", text));
    }
    Ok(())
}

pub(super) fn create(call: &Call<'_>, mut input: Input) -> Answer {
    let name = input.needed("DBSubnetGroupName")?.to_lowercase();
    let description = input.needed("DBSubnetGroupDescription")?;
    let subnets = input.list("SubnetIds")?.unwrap_or_default();
    let tags = input.tags()?;
    input.done()?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || " ._-".contains(c);
    if name.len() > 255 || !name.chars().all(allowed) || name == "default" {
        return Err(invalid("The parameter DBSubnetGroupName is not a valid name of a subnet group."));
    }
    check_subnets(&subnets)?;
    call.index().update(|index| {
        if index.subnet_groups.contains_key(&name) {
            let text = format!("The DB subnet group '{name}' already exists.");
            return Err(ServiceError::client("DBSubnetGroupAlreadyExists", text));
        }
        if index.subnet_groups.len() >= MOST.0 {
            let text = "Request would result in user exceeding the allowed number of DB subnet groups.";
            return Err(ServiceError::client("DBSubnetGroupQuotaExceeded", text));
        }
        let group = SubnetGroup { name: name.clone(), description, subnets, tags };
        let shown = show::subnet_group(&group, call.place());
        index.subnet_groups.insert(name.clone(), group);
        Ok(json!({ "DBSubnetGroup": shown }))
    })
}

pub(super) fn modify(call: &Call<'_>, mut input: Input) -> Answer {
    let name = input.needed("DBSubnetGroupName")?.to_lowercase();
    let description = input.text("DBSubnetGroupDescription")?;
    let subnets = input.list("SubnetIds")?.unwrap_or_default();
    input.done()?;
    check_subnets(&subnets)?;
    call.index().update(|index| {
        let group = index.subnet_groups.get_mut(&name).ok_or_else(|| missing(&name))?;
        group.subnets = subnets;
        if let Some(description) = description {
            group.description = description;
        }
        Ok::<_, ServiceError>(json!({ "DBSubnetGroup": show::subnet_group(group, call.place()) }))
    })
}

pub(super) fn describe(call: &Call<'_>, mut input: Input) -> Answer {
    let name = input.text("DBSubnetGroupName")?.map(|name| name.to_lowercase());
    filters(&mut input, &[])?;
    let wanted = Wanted::read(&mut input)?;
    input.done()?;
    let found: Vec<(String, Value)> = call.index().read(|index| {
        let all = index.subnet_groups.values();
        let all = all.filter(|group| name.as_ref().is_none_or(|name| group.name == *name));
        all.map(|group| (group.name.clone(), show::subnet_group(group, call.place()))).collect()
    });
    match name {
        Some(name) if found.is_empty() => Err(missing(&name)),
        _ => wanted.page("DBSubnetGroups", found),
    }
}

pub(super) fn delete(call: &Call<'_>, mut input: Input) -> Answer {
    let name = input.needed("DBSubnetGroupName")?.to_lowercase();
    input.done()?;
    call.index().update(|index| {
        if !index.subnet_groups.contains_key(&name) {
            return Err(missing(&name));
        }
        if let Some(user) =
            index.instances.values().find(|instance| instance.subnet_group.as_ref() == Some(&name))
        {
            let text = format!(
                "Cannot delete the subnet group '{name}' because at least one database instance: {} is still using it.",
                user.id
            );
            return Err(ServiceError::client("InvalidDBSubnetGroupStateFault", text));
        }
        index.subnet_groups.remove(&name);
        Ok(json!({}))
    })
}

/// Whether a group can be used.
pub(super) fn known(index: &super::model::Index, name: &str) -> Result<(), ServiceError> {
    index.subnet_groups.contains_key(name).then_some(()).ok_or_else(|| missing(name))
}
