//! Managed policies: the account's own, and the view of those of AWS.
//!
//! Source: IAM API reference; quotas: IAM user guide, "IAM and AWS STS quotas".

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sandbox::call::{Answer, ServiceError};

use super::{
    Call, done, inline, managed,
    model::{Account, Managed, Version, now, size},
    refuse,
};

/// Policies of an account, and characters of one.
const MOST: usize = 1500;
const LONGEST: usize = 6144;

/// A document that is short enough for a managed policy.
pub(super) fn document(call: &Call<'_>) -> Result<String, ServiceError> {
    let document = inline::document(call)?;
    if size(&document) > LONGEST { Err(refuse::quota("PolicySize", LONGEST)) } else { Ok(document) }
}

/// An ARN that is given, which may be any policy's.
pub(super) fn arn<'a>(call: &'a Call<'_>) -> Result<&'a str, ServiceError> {
    let arn = call.input.need("PolicyArn")?;
    super::input::check_length("PolicyArn", arn, 20, 2048)?;
    Ok(arn)
}

/// A policy of the account, which may be changed; those of AWS may not.
pub(super) fn own<'a>(account: &'a mut Account, arn: &str) -> Result<&'a mut Managed, ServiceError> {
    if managed::find(arn).is_some() {
        return Err(ServiceError {
            status: 403,
            code: "AccessDenied",
            message: format!("The policy {arn} is AWS's own and cannot be changed."),
        });
    }
    account.policies.get_mut(arn).ok_or_else(|| refuse::no_policy(arn))
}

pub(super) fn create(call: &Call<'_>) -> Answer {
    call.input.only(&["PolicyName", "Path", "PolicyDocument", "Description", "Tags"])?;
    let (name, path) = (call.input.name("PolicyName", 128)?, call.input.path("Path")?);
    let created = now();
    let policy = Managed {
        id: managed::new_id(),
        arn: call.arn("policy", &path, &name),
        created,
        updated: created,
        description: call.input.description()?,
        tags: call.input.tags()?,
        versions: BTreeMap::from([(1, Version { document: document(call)?, created })]),
        default: 1,
        next: 2,
        name,
        path,
    };
    call.update(|account| {
        // Names are the account's, whatever their path and case.
        if account.policies.values().any(|there| there.name.eq_ignore_ascii_case(&policy.name)) {
            let name = &policy.name;
            let text = format!("A policy called {name} already exists. Duplicate names are not allowed.");
            return Err(refuse::exists(text));
        }
        if account.policies.len() >= MOST {
            return Err(refuse::quota("PoliciesPerAccount", MOST));
        }
        let mut shown = policy.brief(account);
        if !policy.tags.is_empty() {
            shown["Tags"] = json!(policy.tags);
        }
        account.policies.insert(policy.arn.clone(), policy);
        Ok(json!({ "Policy": shown }))
    })
}

pub(super) fn get(call: &Call<'_>) -> Answer {
    call.input.only(&["PolicyArn"])?;
    let arn = arn(call)?;
    call.read(|account| {
        let own = account.policies.get(arn).map(|policy| policy.show(account));
        let shown = own.or_else(|| managed::find(arn).map(|policy| policy.brief(account)));
        shown.map(|shown| json!({ "Policy": shown })).ok_or_else(|| refuse::no_policy(arn))
    })
}

pub(super) fn list(call: &Call<'_>) -> Answer {
    call.input.only(&["Scope", "OnlyAttached", "PathPrefix", "PolicyUsageFilter", "Marker", "MaxItems"])?;
    let scope = call.input.text("Scope").unwrap_or("All");
    if !["All", "AWS", "Local"].contains(&scope) {
        return Err(refuse::broken("scope", scope, "satisfy enum value set: [All, AWS, Local]"));
    }
    let usage = call.input.text("PolicyUsageFilter");
    if !matches!(usage, None | Some("PermissionsPolicy" | "PermissionsBoundary")) {
        let rule = "satisfy enum value set: [PermissionsPolicy, PermissionsBoundary]";
        return Err(refuse::broken("policyUsageFilter", usage.unwrap_or_default(), rule));
    }
    let prefix = call.input.text("PathPrefix").unwrap_or("/");
    let only_attached = call.input.flag("OnlyAttached");
    let entries = call.read(|account| {
        let own = account.policies.values().map(|policy| policy.brief(account)).filter(|_| scope != "AWS");
        let aws = managed::ALL.iter().map(|policy| policy.brief(account)).filter(|_| scope != "Local");
        let used = |shown: &Value, as_boundary: bool| {
            let member = if as_boundary { "PermissionsBoundaryUsageCount" } else { "AttachmentCount" };
            shown[member] != 0
        };
        let wanted = |shown: &Value| {
            shown["Path"].as_str().is_some_and(|path| path.starts_with(prefix))
                && (!only_attached || used(shown, usage == Some("PermissionsBoundary")))
                && usage.is_none_or(|usage| used(shown, usage == "PermissionsBoundary"))
        };
        let key = |shown: Value| (shown["Arn"].as_str().unwrap_or_default().to_owned(), shown);
        own.chain(aws).filter(wanted).map(key).collect()
    });
    call.input.page("Policies", entries)
}

pub(super) fn entities(call: &Call<'_>) -> Answer {
    call.input.only(&[
        "PolicyArn",
        "EntityFilter",
        "PathPrefix",
        "PolicyUsageFilter",
        "Marker",
        "MaxItems",
    ])?;
    let arn = arn(call)?;
    let filter = call.input.text("EntityFilter").unwrap_or("Role");
    const KINDS: [&str; 5] = ["User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"];
    if !KINDS.contains(&filter) {
        let rule = format!("satisfy enum value set: [{}]", KINDS.join(", "));
        return Err(refuse::broken("entityFilter", filter, &rule));
    }
    let usage = call.input.text("PolicyUsageFilter");
    let prefix = call.input.text("PathPrefix").unwrap_or("/");
    let entries = call.read(|account| {
        if managed::find(arn).is_none() && !account.policies.contains_key(arn) {
            return Err(refuse::no_policy(arn));
        }
        let roles = account.roles.iter().filter(|(_, role)| {
            let attached = role.attached.iter().any(|there| there == arn);
            let bounded = role.boundary.as_deref() == Some(arn);
            let used = match usage {
                Some("PermissionsBoundary") => bounded,
                Some(_) => attached,
                None => attached || bounded,
            };
            used && role.path.starts_with(prefix) && filter == "Role"
        });
        let shown =
            roles.map(|(key, role)| (key.clone(), json!({ "RoleName": role.name, "RoleId": role.id })));
        Ok(shown.collect::<Vec<_>>())
    })?;
    let mut page = call.input.page("PolicyRoles", entries)?;
    page["PolicyGroups"] = json!([]);
    page["PolicyUsers"] = json!([]);
    Ok(page)
}

pub(super) fn delete(call: &Call<'_>) -> Answer {
    call.input.only(&["PolicyArn"])?;
    let arn = arn(call)?.to_owned();
    done(call.update(|account| {
        let versions = own(account, &arn)?.versions.len();
        if account.attachments(&arn) + account.boundaries(&arn) > 0 {
            return Err(refuse::conflict("Cannot delete a policy attached to entities."));
        }
        if versions > 1 {
            return Err(refuse::conflict(
                "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
            ));
        }
        account.policies.remove(&arn);
        Ok(())
    }))
}
