//! `AWS::IAM::Role`.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::sandbox::services::cloudformation::{
    diff::Recreation::{self, Always, Never},
    template::Made,
};

use super::{
    super::{At, Kind, Naming, Outcome, Properties, shape},
    document, found, gone, made, retag, shown, texts,
};

pub(in super::super) struct Role;

async fn described(at: &At, name: &str) -> Outcome<Option<Value>> {
    Ok(found(at.call("iam", "GetRole", json!({ "RoleName": name })).await)?
        .map(|answer| answer["Role"].clone()))
}

fn told(role: &Value) -> Made {
    let name = role["RoleName"].as_str().unwrap_or_default();
    made(name, json!({ "Arn": role["Arn"], "RoleId": role["RoleId"] }))
}

/// Inline policies, by name.
fn inline(properties: &Properties) -> Vec<(String, Value)> {
    let all = properties.get("Policies").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let one = |policy: &Value| {
        Some((policy["PolicyName"].as_str()?.to_owned(), document(&policy["PolicyDocument"])))
    };
    all.iter().filter_map(one).collect()
}

/// Gives it the policies that it is to have, and takes those that it is not.
async fn policies(at: &At, name: &str, old: &Properties, new: &Properties) -> Outcome<()> {
    let (had, has) = (inline(old), inline(new));
    for (policy, _) in had.iter().filter(|(policy, _)| !has.iter().any(|(kept, _)| kept == policy)) {
        let input = json!({ "RoleName": name, "PolicyName": policy });
        gone(at.call("iam", "DeleteRolePolicy", input).await)?;
    }
    for (policy, document) in has.iter().filter(|one| !had.contains(one)) {
        let input = json!({ "RoleName": name, "PolicyName": policy, "PolicyDocument": document });
        at.call("iam", "PutRolePolicy", input).await?;
    }
    let (had, has) = (texts(old.get("ManagedPolicyArns")), texts(new.get("ManagedPolicyArns")));
    for arn in had.iter().filter(|arn| !has.contains(arn)) {
        let input = json!({ "RoleName": name, "PolicyArn": arn });
        gone(at.call("iam", "DetachRolePolicy", input).await)?;
    }
    for arn in has.iter().filter(|arn| !had.contains(arn)) {
        at.call("iam", "AttachRolePolicy", json!({ "RoleName": name, "PolicyArn": arn })).await?;
    }
    Ok(())
}

#[async_trait]
impl Kind for Role {
    fn name(&self) -> &'static str {
        "AWS::IAM::Role"
    }

    fn properties(&self) -> &'static [(&'static str, Recreation)] {
        &[
            ("AssumeRolePolicyDocument", Never),
            ("Description", Never),
            ("ManagedPolicyArns", Never),
            ("MaxSessionDuration", Never),
            ("Path", Always),
            ("PermissionsBoundary", Never),
            ("Policies", Never),
            ("RoleName", Always),
            ("Tags", Never),
        ]
    }

    fn required(&self) -> &'static [&'static str] {
        &["AssumeRolePolicyDocument"]
    }

    fn attributes(&self) -> &'static [&'static str] {
        &["Arn", "RoleId"]
    }

    fn naming(&self) -> Option<Naming> {
        Some(Naming { property: "RoleName", longest: 64, lower: false })
    }

    async fn find(&self, at: &At, name: &str) -> Outcome<Option<Made>> {
        Ok(described(at, name).await?.as_ref().map(told))
    }

    async fn create(&self, at: &At, name: &str, properties: &Properties) -> Outcome<Made> {
        let kept = ["Description", "MaxSessionDuration", "Path", "PermissionsBoundary", "Tags"];
        let mut input = shape::only(&Value::Object(properties.clone()), &kept);
        input.insert("RoleName".to_owned(), name.into());
        let trust = properties.get("AssumeRolePolicyDocument").map(document);
        input.insert("AssumeRolePolicyDocument".to_owned(), trust.unwrap_or_default());
        let answer = at.call("iam", "CreateRole", input.into()).await?;
        policies(at, name, &Properties::new(), properties).await?;
        Ok(told(&answer["Role"]))
    }

    async fn update(&self, at: &At, physical: &str, old: &Properties, new: &Properties) -> Outcome<Made> {
        let differs = |name: &str| old.get(name) != new.get(name);
        if differs("AssumeRolePolicyDocument") {
            let trust = new.get("AssumeRolePolicyDocument").map(document);
            let input = json!({ "RoleName": physical, "PolicyDocument": trust });
            at.call("iam", "UpdateAssumeRolePolicy", input).await?;
        }
        if differs("Description") || differs("MaxSessionDuration") {
            // What is not said any more is what it was before anything was.
            let input = json!({
                "RoleName": physical,
                "Description": new.get("Description").unwrap_or(&json!("")),
                "MaxSessionDuration": new.get("MaxSessionDuration").unwrap_or(&json!(3600)),
            });
            at.call("iam", "UpdateRole", input).await?;
        }
        match (differs("PermissionsBoundary"), new.get("PermissionsBoundary")) {
            (false, _) => {}
            (true, Some(arn)) => {
                let input = json!({ "RoleName": physical, "PermissionsBoundary": arn });
                at.call("iam", "PutRolePermissionsBoundary", input).await?;
            }
            (true, None) => {
                let input = json!({ "RoleName": physical });
                gone(at.call("iam", "DeleteRolePermissionsBoundary", input).await)?;
            }
        }
        policies(at, physical, old, new).await?;
        retag(at, "Role", "RoleName", physical, old.get("Tags"), new.get("Tags")).await?;
        Ok(described(at, physical).await?.as_ref().map(told).unwrap_or_default())
    }

    async fn delete(&self, at: &At, physical: &str, properties: &Properties) -> Outcome<()> {
        if described(at, physical).await?.is_none() {
            return Ok(());
        }
        // Those that it was given by the stack; any other keeps it from being deleted.
        policies(at, physical, properties, &Properties::new()).await?;
        gone(at.call("iam", "DeleteRole", json!({ "RoleName": physical })).await)
    }

    async fn read(&self, at: &At, physical: &str) -> Outcome<Option<Properties>> {
        let Some(role) = described(at, physical).await? else { return Ok(None) };
        let mut properties =
            shape::only(&role, &["RoleName", "Path", "Description", "MaxSessionDuration", "Tags"]);
        properties.insert("AssumeRolePolicyDocument".to_owned(), shown(&role["AssumeRolePolicyDocument"]));
        if let Some(arn) = role["PermissionsBoundary"]["PermissionsBoundaryArn"].as_str() {
            properties.insert("PermissionsBoundary".to_owned(), arn.into());
        }
        let of = json!({ "RoleName": physical });
        let attached = at.call("iam", "ListAttachedRolePolicies", of.clone()).await?;
        let attached = attached["AttachedPolicies"].as_array().cloned().unwrap_or_default();
        let arns: Value = attached.iter().map(|policy| policy["PolicyArn"].clone()).collect();
        properties.insert("ManagedPolicyArns".to_owned(), arns);
        let names = at.call("iam", "ListRolePolicies", of).await?;
        let mut policies = Vec::new();
        for name in texts(Some(&names["PolicyNames"])) {
            let one = json!({ "RoleName": physical, "PolicyName": name });
            let answer = at.call("iam", "GetRolePolicy", one).await?;
            let document = shown(&answer["PolicyDocument"]);
            policies.push(json!({ "PolicyName": name, "PolicyDocument": document }));
        }
        properties.insert("Policies".to_owned(), policies.into());
        Ok(Some(properties))
    }
}
