//! Tags of roles, policies and providers.

use serde_json::json;

use crate::sandbox::{
    call::{Answer, ServiceError},
    tags::{self, Tag},
};

use super::{Call, done, model::Account, policies, providers, refuse};

/// The member that names what is tagged.
fn member(operation: &str) -> &'static str {
    match operation {
        _ if operation.contains("Role") => "RoleName",
        _ if operation.contains("Provider") => "OpenIDConnectProviderArn",
        _ => "PolicyArn",
    }
}

fn tags_of<'a>(
    account: &'a mut Account,
    member: &str,
    value: &str,
) -> Result<&'a mut Vec<Tag>, ServiceError> {
    Ok(match member {
        "RoleName" => &mut account.own_role(value)?.tags,
        "PolicyArn" => &mut policies::own(account, value)?.tags,
        _ => &mut account.providers.get_mut(value).ok_or_else(|| providers::missing(value))?.tags,
    })
}

pub(super) fn tag(call: &Call<'_>, operation: &str) -> Answer {
    let member = member(operation);
    call.input.only(&[member, "Tags"])?;
    let (value, new) = (call.input.need(member)?.to_owned(), call.input.tags()?);
    done(call.update(|account| {
        let there = tags_of(account, member, &value)?;
        tags::put(there, new);
        if there.len() > tags::MOST { Err(refuse::quota("TagsPerEntity", tags::MOST)) } else { Ok(()) }
    }))
}

pub(super) fn untag(call: &Call<'_>, operation: &str) -> Answer {
    let member = member(operation);
    call.input.only(&[member, "TagKeys"])?;
    let (value, keys) = (call.input.need(member)?.to_owned(), call.input.texts("TagKeys"));
    done(call.update(|account| {
        tags_of(account, member, &value)?.retain(|tag| !keys.contains(&tag.key));
        Ok::<_, ServiceError>(())
    }))
}

pub(super) fn list(call: &Call<'_>, operation: &str) -> Answer {
    let member = member(operation);
    call.input.only(&[member, "Marker", "MaxItems"])?;
    let value = call.input.need(member)?;
    let tags = call.read(|account| match member {
        "RoleName" => account.role(value).map(|role| role.tags.clone()),
        // What AWS keeps has no tags.
        "PolicyArn" => match account.policies.get(value) {
            Some(policy) => Ok(policy.tags.clone()),
            None => super::managed::find(value).map(|_| Vec::new()).ok_or_else(|| refuse::no_policy(value)),
        },
        _ => {
            account.providers.get(value).map(|one| one.tags.clone()).ok_or_else(|| providers::missing(value))
        }
    })?;
    call.input.page("Tags", tags.into_iter().map(|tag| (tag.key.clone(), json!(tag))).collect())
}
