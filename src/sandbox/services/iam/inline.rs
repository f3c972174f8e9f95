//! Policies that are part of a role, and the boundary of what its policies can give.

use serde_json::json;

use crate::sandbox::{
    call::{Answer, ServiceError},
    policy::{Kind, Policy},
};

use super::{
    Call, done,
    input::check_length,
    model::{encoded, size},
    refuse, roles,
};

/// Characters of all inline policies of a role. Source: IAM user guide, "IAM and AWS STS quotas".
const LONGEST_ALL: usize = 10_240;

/// A document of what an identity may do.
pub(super) fn document(call: &Call<'_>) -> Result<String, ServiceError> {
    let document = call.input.need("PolicyDocument")?;
    check_length("PolicyDocument", document, 1, 131_072)?;
    Policy::read(document, Kind::Identity).map_err(|why| refuse::malformed(&why))?;
    Ok(document.to_owned())
}

fn no_inline(name: &str) -> ServiceError {
    refuse::missing(format!("The role policy with name {name} cannot be found."))
}

pub(super) fn put(call: &Call<'_>) -> Answer {
    call.input.only(&["RoleName", "PolicyName", "PolicyDocument"])?;
    let (role, name) = (call.input.name("RoleName", 64)?, call.input.name("PolicyName", 128)?);
    let document = document(call)?;
    done(call.update(|account| {
        let role = account.own_role(&role)?;
        role.inline.insert(name, document);
        if role.inline.values().map(|document| size(document)).sum::<usize>() > LONGEST_ALL {
            let role = &role.name;
            return Err(refuse::limit(format!(
                "Maximum policy size of {LONGEST_ALL} bytes exceeded for role {role}"
            )));
        }
        Ok(())
    }))
}

pub(super) fn get(call: &Call<'_>) -> Answer {
    call.input.only(&["RoleName", "PolicyName"])?;
    let (role, name) = (call.input.name("RoleName", 64)?, call.input.name("PolicyName", 128)?);
    call.read(|account| {
        let role = account.role(&role)?;
        let document = role.inline.get(&name).ok_or_else(|| no_inline(&name))?;
        Ok(json!({ "RoleName": role.name, "PolicyName": name, "PolicyDocument": encoded(document) }))
    })
}

pub(super) fn list(call: &Call<'_>) -> Answer {
    call.input.only(&["RoleName", "Marker", "MaxItems"])?;
    let name = call.input.name("RoleName", 64)?;
    let names = |name: &String| (name.clone(), json!(name));
    let entries = call
        .read(|account| account.role(&name).map(|role| role.inline.keys().map(names).collect::<Vec<_>>()))?;
    call.input.page("PolicyNames", entries)
}

pub(super) fn delete(call: &Call<'_>) -> Answer {
    call.input.only(&["RoleName", "PolicyName"])?;
    let (role, name) = (call.input.name("RoleName", 64)?, call.input.name("PolicyName", 128)?);
    done(call.update(|account| account.own_role(&role)?.inline.remove(&name).ok_or_else(|| no_inline(&name))))
}

pub(super) fn put_boundary(call: &Call<'_>) -> Answer {
    call.input.only(&["RoleName", "PermissionsBoundary"])?;
    let name = call.input.name("RoleName", 64)?;
    let arn = call.input.need("PermissionsBoundary")?.to_owned();
    done(call.update(|account| {
        account.own_role(&name)?;
        roles::attachable(account, &arn)?;
        account.role_mut(&name)?.boundary = Some(arn);
        Ok(())
    }))
}

pub(super) fn delete_boundary(call: &Call<'_>) -> Answer {
    call.input.only(&["RoleName"])?;
    let name = call.input.name("RoleName", 64)?;
    done(call.update(|account| {
        let boundary = account.own_role(&name)?.boundary.take();
        boundary.ok_or_else(|| refuse::missing(format!("The role {name} has no permissions boundary.")))
    }))
}
