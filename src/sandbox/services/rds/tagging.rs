//! Tags of everything that has an ARN.

use serde_json::json;

use crate::sandbox::{
    call::{Answer, ServiceError},
    tags::{self, Tag},
};

use super::{
    Call, groups,
    input::{Input, check_tags, invalid, not_found},
    instances::missing,
    model::Index,
    snapshots::missing_snapshot,
};

/// The tags of what an ARN names.
fn of<'a>(call: &Call<'_>, index: &'a mut Index, arn: &str) -> Result<&'a mut Vec<Tag>, ServiceError> {
    let place = call.place();
    let beginning = format!("arn:aws:rds:{}:{}:", place.region, place.account);
    let rest = arn.strip_prefix(&beginning).and_then(|rest| rest.split_once(':'));
    let (kind, name) = rest.ok_or_else(|| invalid(format!("Invalid resource name: {arn}")))?;
    match kind {
        "db" => index.instances.get_mut(name).map(|one| &mut one.tags).ok_or_else(|| missing(name)),
        "snapshot" => {
            index.snapshots.get_mut(name).map(|one| &mut one.tags).ok_or_else(|| missing_snapshot(name))
        }
        "pg" => {
            index.parameter_groups.get_mut(name).map(|one| &mut one.tags).ok_or_else(|| groups::missing(name))
        }
        "subgrp" => index.subnet_groups.get_mut(name).map(|one| &mut one.tags).ok_or_else(|| {
            not_found("DBSubnetGroupNotFoundFault", format!("DB subnet group '{name}' does not exist."))
        }),
        _ => Err(invalid(format!("Invalid resource name: {arn}"))),
    }
}

pub(super) fn add(call: &Call<'_>, mut input: Input) -> Answer {
    let arn = input.needed("ResourceName")?;
    let new = input.tags()?;
    input.done()?;
    call.index().update(|index| {
        let kept = of(call, index, &arn)?;
        tags::put(kept, new);
        check_tags(kept)?;
        Ok(json!({}))
    })
}

pub(super) fn remove(call: &Call<'_>, mut input: Input) -> Answer {
    let arn = input.needed("ResourceName")?;
    let keys = input.list("TagKeys")?.unwrap_or_default();
    input.done()?;
    call.index().update(|index| {
        of(call, index, &arn)?.retain(|tag| !keys.contains(&tag.key));
        Ok::<_, ServiceError>(json!({}))
    })
}

pub(super) fn list(call: &Call<'_>, mut input: Input) -> Answer {
    let arn = input.needed("ResourceName")?;
    super::lists::filters(&mut input, &[])?;
    input.done()?;
    let mut index = call.index().read(Index::clone);
    Ok(json!({ "TagList": of(call, &mut index, &arn)? }))
}
