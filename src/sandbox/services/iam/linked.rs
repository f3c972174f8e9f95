//! Service-linked roles: those that belong to a service, with the policy that AWS keeps for it.
//!
//! Source: IAM API reference, CreateServiceLinkedRole; App Runner developer guide, "Using service-linked roles".

use serde_json::json;

use crate::sandbox::call::Answer;

use super::{
    Call,
    model::{Role, fresh_id, now},
    refuse,
};

/// Services that have one here: service, name of the role, ARN of its policy.
const SERVICES: &[(&str, &str, &str)] = &[(
    "apprunner.amazonaws.com",
    "AWSServiceRoleForAppRunner",
    "arn:aws:iam::aws:policy/aws-service-role/AppRunnerServiceRolePolicy",
)];

pub(super) fn create(call: &Call<'_>) -> Answer {
    call.input.only(&["AWSServiceName", "Description", "CustomSuffix"])?;
    let service = call.input.need("AWSServiceName")?;
    let (_, name, policy) = SERVICES
        .iter()
        .find(|(known, _, _)| *known == service)
        .ok_or_else(|| refuse::input(format!("The sandbox has no service-linked role of {service}")))?;
    if call.input.text("CustomSuffix").is_some() {
        return Err(refuse::input("Custom suffix is not allowed for this service."));
    }
    let path = format!("/aws-service-role/{service}/");
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": [service] },
            "Action": ["sts:AssumeRole"],
        }],
    });
    let role = Role {
        name: (*name).to_owned(),
        id: fresh_id("AROA"),
        arn: call.arn("role", &path, name),
        path,
        created: now(),
        trust: trust.to_string(),
        description: call.input.description()?,
        longest_session: 3600,
        boundary: None,
        tags: Vec::new(),
        inline: Default::default(),
        attached: vec![(*policy).to_owned()],
    };
    call.update(|account| {
        let key = name.to_ascii_lowercase();
        if account.roles.contains_key(&key) {
            return Err(refuse::input(format!(
                "Service role name {name} has been taken in this account, please try a different suffix."
            )));
        }
        let shown = role.show();
        account.roles.insert(key, role);
        Ok(json!({ "Role": shown }))
    })
}
