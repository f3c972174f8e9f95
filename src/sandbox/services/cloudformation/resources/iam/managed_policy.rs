//! `AWS::IAM::ManagedPolicy`.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::sandbox::services::cloudformation::{
    diff::Recreation::{self, Always, Never},
    template::Made,
};

use super::{
    super::{At, Kind, Naming, Outcome, Properties, shape},
    document, found, gone, made, shown, texts,
};

pub(in super::super) struct ManagedPolicy;

/// Versions that a policy may have.
const MOST_VERSIONS: usize = 5;

fn told(policy: &Value) -> Made {
    let kept = [
        "AttachmentCount",
        "CreateDate",
        "DefaultVersionId",
        "IsAttachable",
        "PermissionsBoundaryUsageCount",
        "PolicyId",
        "UpdateDate",
    ];
    let mut attributes = shape::only(policy, &kept);
    let arn = policy["Arn"].as_str().unwrap_or_default();
    attributes.insert("PolicyArn".to_owned(), arn.into());
    made(arn, attributes.into())
}

async fn described(at: &At, arn: &str) -> Outcome<Option<Value>> {
    let answer = at.call("iam", "GetPolicy", json!({ "PolicyArn": arn })).await;
    Ok(found(answer)?.map(|answer| answer["Policy"].clone()))
}

async fn each(at: &At, operation: &str, arn: &str, roles: &[String]) -> Outcome<()> {
    for role in roles {
        let answer = at.call("iam", operation, json!({ "RoleName": role, "PolicyArn": arn })).await;
        match operation {
            "DetachRolePolicy" => gone(answer)?,
            _ => answer.map(|_| ())?,
        }
    }
    Ok(())
}

/// Versions that are not in force, the oldest last.
async fn spare(at: &At, arn: &str) -> Outcome<Vec<Value>> {
    let versions = at.call("iam", "ListPolicyVersions", json!({ "PolicyArn": arn })).await?;
    let all = versions["Versions"].as_array().cloned().unwrap_or_default();
    Ok(all.into_iter().filter(|version| version["IsDefaultVersion"] == false).collect())
}

async fn forget(at: &At, arn: &str, versions: &[Value]) -> Outcome<()> {
    for version in versions {
        let input = json!({ "PolicyArn": arn, "VersionId": version["VersionId"] });
        gone(at.call("iam", "DeletePolicyVersion", input).await)?;
    }
    Ok(())
}

#[async_trait]
impl Kind for ManagedPolicy {
    fn name(&self) -> &'static str {
        "AWS::IAM::ManagedPolicy"
    }

    fn properties(&self) -> &'static [(&'static str, Recreation)] {
        &[
            ("Description", Always),
            ("ManagedPolicyName", Always),
            ("Path", Always),
            ("PolicyDocument", Never),
            ("Roles", Never),
        ]
    }

    fn required(&self) -> &'static [&'static str] {
        &["PolicyDocument"]
    }

    fn attributes(&self) -> &'static [&'static str] {
        &[
            "AttachmentCount",
            "CreateDate",
            "DefaultVersionId",
            "IsAttachable",
            "PermissionsBoundaryUsageCount",
            "PolicyArn",
            "PolicyId",
            "UpdateDate",
        ]
    }

    fn naming(&self) -> Option<Naming> {
        Some(Naming { property: "ManagedPolicyName", longest: 128, lower: false })
    }

    async fn find(&self, at: &At, name: &str) -> Outcome<Option<Made>> {
        let mut input = json!({ "Scope": "Local", "MaxItems": 1000 });
        loop {
            let answer = at.call("iam", "ListPolicies", input.clone()).await?;
            let mut all = answer["Policies"].as_array().into_iter().flatten();
            if let Some(policy) = all.find(|policy| policy["PolicyName"] == name) {
                return Ok(Some(told(policy)));
            }
            if answer["IsTruncated"] != true {
                return Ok(None);
            }
            input["Marker"] = answer["Marker"].clone();
        }
    }

    async fn create(&self, at: &At, name: &str, properties: &Properties) -> Outcome<Made> {
        let mut input = shape::only(&Value::Object(properties.clone()), &["Description", "Path"]);
        input.insert("PolicyName".to_owned(), name.into());
        let text = properties.get("PolicyDocument").map(document).unwrap_or_default();
        input.insert("PolicyDocument".to_owned(), text);
        let answer = at.call("iam", "CreatePolicy", input.into()).await?;
        let policy = told(&answer["Policy"]);
        each(at, "AttachRolePolicy", &policy.physical, &texts(properties.get("Roles"))).await?;
        Ok(described(at, &policy.physical).await?.as_ref().map(told).unwrap_or(policy))
    }

    async fn update(&self, at: &At, physical: &str, old: &Properties, new: &Properties) -> Outcome<Made> {
        if old.get("PolicyDocument") != new.get("PolicyDocument") {
            let spare = spare(at, physical).await?;
            if spare.len() + 1 >= MOST_VERSIONS {
                forget(at, physical, &spare[spare.len() - 1..]).await?;
            }
            let document = new.get("PolicyDocument").map(document);
            let input = json!({ "PolicyArn": physical, "PolicyDocument": document, "SetAsDefault": true });
            at.call("iam", "CreatePolicyVersion", input).await?;
        }
        let (had, has) = (texts(old.get("Roles")), texts(new.get("Roles")));
        let only = |one: &[String], other: &[String]| -> Vec<String> {
            one.iter().filter(|role| !other.contains(role)).cloned().collect()
        };
        each(at, "AttachRolePolicy", physical, &only(&has, &had)).await?;
        each(at, "DetachRolePolicy", physical, &only(&had, &has)).await?;
        Ok(described(at, physical).await?.as_ref().map(told).unwrap_or_default())
    }

    async fn delete(&self, at: &At, physical: &str, properties: &Properties) -> Outcome<()> {
        if described(at, physical).await?.is_none() {
            return Ok(());
        }
        each(at, "DetachRolePolicy", physical, &texts(properties.get("Roles"))).await?;
        let spare = spare(at, physical).await?;
        forget(at, physical, &spare).await?;
        gone(at.call("iam", "DeletePolicy", json!({ "PolicyArn": physical })).await)
    }

    async fn read(&self, at: &At, physical: &str) -> Outcome<Option<Properties>> {
        let Some(policy) = described(at, physical).await? else { return Ok(None) };
        let mut properties = shape::only(&policy, &["Description", "Path"]);
        properties.insert("ManagedPolicyName".to_owned(), policy["PolicyName"].clone());
        let version = json!({ "PolicyArn": physical, "VersionId": policy["DefaultVersionId"] });
        let version = at.call("iam", "GetPolicyVersion", version).await?;
        properties.insert("PolicyDocument".to_owned(), shown(&version["PolicyVersion"]["Document"]));
        let input = json!({ "PolicyArn": physical, "PolicyUsageFilter": "PermissionsPolicy" });
        let having = at.call("iam", "ListEntitiesForPolicy", input).await?;
        let roles = having["PolicyRoles"].as_array().into_iter().flatten();
        let roles: Value = roles.map(|role| role["RoleName"].clone()).collect();
        properties.insert("Roles".to_owned(), roles);
        Ok(Some(properties))
    }
}
