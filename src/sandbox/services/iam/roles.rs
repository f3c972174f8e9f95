//! Roles, and the managed policies that are attached to them.
//!
//! Source: IAM API reference; quotas: IAM user guide, "IAM and AWS STS quotas".

use serde_json::{Value, json};

use crate::sandbox::{
    call::{Answer, ServiceError},
    policy::{Kind, Policy, PolicyError},
};

use super::{
    Call, done,
    input::check_length,
    managed,
    model::{Account, Role, fresh_id, now, size},
    refuse,
};

/// Roles of an account, characters of a trust policy, managed policies of a role.
const MOST_ROLES: usize = 1000;
const LONGEST_TRUST: usize = 2048;
const MOST_ATTACHED: usize = 10;

/// Seconds.
const SESSION: std::ops::RangeInclusive<i64> = 3600..=43_200;

/// A trust policy that is whole, and whose principals of this account are there.
fn trust(call: &Call<'_>, account: &Account, member: &str) -> Result<String, ServiceError> {
    let document = call.input.need(member)?;
    check_length(member, document, 1, 131_072)?;
    if size(document) > LONGEST_TRUST {
        return Err(refuse::quota("ACLSizePerRole", LONGEST_TRUST));
    }
    let policy = Policy::read(document, Kind::Trust).map_err(|why| refuse::malformed(&why))?;
    let own = format!("arn:aws:iam::{}:", call.account);
    for (kind, id) in policy.named_principals() {
        let there = match id.strip_prefix(&own) {
            Some(rest) if kind == "AWS" && rest.starts_with("role/") => {
                account.roles.values().any(|role| role.arn == id)
            }
            Some(rest) if kind == "AWS" && rest.starts_with("user/") => rest == "user/sandbox",
            _ => true,
        };
        if !there {
            return Err(refuse::malformed(&PolicyError::Principal(format!("\"{kind}\":\"{id}\""))));
        }
    }
    Ok(document.to_owned())
}

fn longest_session(call: &Call<'_>) -> Result<Option<i64>, ServiceError> {
    let Some(seconds) = call.input.number("MaxSessionDuration")? else { return Ok(None) };
    if !SESSION.contains(&seconds) {
        let rule =
            if seconds < 3600 { "greater than or equal to 3600" } else { "less than or equal to 43200" };
        let rule = format!("have value {rule}");
        return Err(refuse::broken("maxSessionDuration", &seconds.to_string(), &rule));
    }
    Ok(Some(seconds))
}

/// A policy that may be a boundary or be attached.
pub(super) fn attachable(account: &Account, arn: &str) -> Result<(), ServiceError> {
    check_length("policyArn", arn, 20, 2048)?;
    if !arn.starts_with("arn:") {
        return Err(refuse::input(format!("ARN {arn} is not valid.")));
    }
    let there = match managed::find(arn) {
        Some(policy) if !policy.is_attachable() => {
            return Err(ServiceError::client(
                "PolicyNotAttachable",
                format!("Cannot attach a Service Role Policy to a Customer Role: {arn}"),
            ));
        }
        Some(_) => true,
        None => account.policies.contains_key(arn),
    };
    let missing = || refuse::missing(format!("Policy {arn} does not exist or is not attachable."));
    there.then_some(()).ok_or_else(missing)
}

pub(super) fn create(call: &Call<'_>) -> Answer {
    call.input.only(&[
        "RoleName",
        "Path",
        "AssumeRolePolicyDocument",
        "Description",
        "MaxSessionDuration",
        "PermissionsBoundary",
        "Tags",
    ])?;
    let name = call.input.name("RoleName", 64)?;
    let path = call.input.path("Path")?;
    if path.starts_with("/aws-service-role/") {
        return Err(refuse::validation("The path /aws-service-role/ is reserved for service-linked roles."));
    }
    let role = Role {
        id: fresh_id("AROA"),
        arn: call.arn("role", &path, &name),
        created: now(),
        trust: String::new(),
        description: call.input.description()?,
        longest_session: longest_session(call)?.unwrap_or(*SESSION.start()),
        boundary: call.input.text("PermissionsBoundary").map(str::to_owned),
        tags: call.input.tags()?,
        inline: Default::default(),
        attached: Vec::new(),
        name,
        path,
    };
    call.update(|account| {
        let key = role.name.to_ascii_lowercase();
        if account.roles.contains_key(&key) {
            return Err(refuse::exists(format!("Role with name {} already exists.", role.name)));
        }
        if account.roles.len() >= MOST_ROLES {
            return Err(refuse::quota("RolesPerAccount", MOST_ROLES));
        }
        if let Some(boundary) = &role.boundary {
            attachable(account, boundary)?;
        }
        let role = Role { trust: trust(call, account, "AssumeRolePolicyDocument")?, ..role };
        let shown = role.show();
        account.roles.insert(key, role);
        Ok(json!({ "Role": shown }))
    })
}

pub(super) fn get(call: &Call<'_>) -> Answer {
    call.input.only(&["RoleName"])?;
    let name = call.input.name("RoleName", 64)?;
    call.read(|account| account.role(&name).map(|role| json!({ "Role": role.show() })))
}

pub(super) fn list(call: &Call<'_>) -> Answer {
    call.input.only(&["PathPrefix", "Marker", "MaxItems"])?;
    let prefix = call.input.text("PathPrefix").unwrap_or("/").to_owned();
    let shown = |account: &Account| {
        let roles = account.roles.iter().filter(|(_, role)| role.path.starts_with(&prefix));
        roles.map(|(key, role)| (key.clone(), role.brief())).collect()
    };
    call.input.page("Roles", call.read(shown))
}

pub(super) fn update(call: &Call<'_>) -> Answer {
    call.input.only(&["RoleName", "Description", "MaxSessionDuration"])?;
    let name = call.input.name("RoleName", 64)?;
    let (description, longest) = (call.input.description()?, longest_session(call)?);
    done(call.update(|account| {
        let role = account.own_role(&name)?;
        if let Some(description) = description {
            role.description = Some(description);
        }
        role.longest_session = longest.unwrap_or(role.longest_session);
        Ok(())
    }))
}

pub(super) fn update_trust(call: &Call<'_>) -> Answer {
    call.input.only(&["RoleName", "PolicyDocument"])?;
    let name = call.input.name("RoleName", 64)?;
    done(call.update(|account| {
        account.own_role(&name)?;
        let document = trust(call, account, "PolicyDocument")?;
        account.role_mut(&name)?.trust = document;
        Ok(())
    }))
}

pub(super) fn delete(call: &Call<'_>) -> Answer {
    call.input.only(&["RoleName"])?;
    let name = call.input.name("RoleName", 64)?;
    done(call.update(|account| {
        let role = account.own_role(&name)?;
        if !role.attached.is_empty() {
            return Err(refuse::conflict("Cannot delete entity, must detach all policies first."));
        }
        if !role.inline.is_empty() {
            return Err(refuse::conflict("Cannot delete entity, must delete policies first."));
        }
        account.roles.remove(&name.to_ascii_lowercase());
        Ok(())
    }))
}

pub(super) fn attach(call: &Call<'_>) -> Answer {
    call.input.only(&["RoleName", "PolicyArn"])?;
    let (name, arn) = (call.input.name("RoleName", 64)?, call.input.need("PolicyArn")?.to_owned());
    done(call.update(|account| {
        account.own_role(&name)?;
        attachable(account, &arn)?;
        let role = account.role_mut(&name)?;
        if role.attached.contains(&arn) {
            return Ok(());
        }
        if role.attached.len() >= MOST_ATTACHED {
            return Err(refuse::quota("PoliciesPerRole", MOST_ATTACHED));
        }
        role.attached.push(arn);
        Ok(())
    }))
}

pub(super) fn detach(call: &Call<'_>) -> Answer {
    call.input.only(&["RoleName", "PolicyArn"])?;
    let (name, arn) = (call.input.name("RoleName", 64)?, call.input.need("PolicyArn")?.to_owned());
    done(call.update(|account| {
        let role = account.own_role(&name)?;
        let at = role.attached.iter().position(|there| *there == arn);
        role.attached.remove(at.ok_or_else(|| refuse::no_policy(&arn))?);
        Ok(())
    }))
}

pub(super) fn attached(call: &Call<'_>) -> Answer {
    call.input.only(&["RoleName", "PathPrefix", "Marker", "MaxItems"])?;
    let name = call.input.name("RoleName", 64)?;
    let prefix = call.input.text("PathPrefix").unwrap_or("/").to_owned();
    let entries = call.read(|account| {
        let shown = |arn: &String| {
            // What is before the name is its path: `arn:aws:iam::aws:policy/service-role/Name`.
            let (_, path) = arn.split_once(":policy")?;
            let name = path.rsplit('/').next()?;
            let entry = json!({ "PolicyName": name, "PolicyArn": arn });
            path.starts_with(&prefix).then(|| (name.to_owned(), entry))
        };
        account
            .role(&name)
            .map(|role| role.attached.iter().filter_map(shown).collect::<Vec<(String, Value)>>())
    })?;
    call.input.page("AttachedPolicies", entries)
}
