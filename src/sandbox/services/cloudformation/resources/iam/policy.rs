//! `AWS::IAM::Policy`: one inline policy of one or several roles.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::sandbox::services::cloudformation::{
    diff::Recreation::{self, Always, Never},
    template::Made,
};

use super::{
    super::{At, Kind, Naming, Outcome, Properties},
    document, gone, invalid, made, shown, texts,
};

pub(in super::super) struct InlinePolicy;

/// The name that its roles know it by.
fn named(properties: &Properties) -> Value {
    properties.get("PolicyName").cloned().unwrap_or_default()
}

async fn put(at: &At, role: &str, properties: &Properties) -> Outcome<()> {
    let document = properties.get("PolicyDocument").map(document);
    let input = json!({ "RoleName": role, "PolicyName": named(properties), "PolicyDocument": document });
    at.call("iam", "PutRolePolicy", input).await.map(|_| ())
}

async fn take(at: &At, role: &str, properties: &Properties) -> Outcome<()> {
    let input = json!({ "RoleName": role, "PolicyName": named(properties) });
    gone(at.call("iam", "DeleteRolePolicy", input).await)
}

#[async_trait]
impl Kind for InlinePolicy {
    fn name(&self) -> &'static str {
        "AWS::IAM::Policy"
    }

    fn properties(&self) -> &'static [(&'static str, Recreation)] {
        &[("PolicyDocument", Never), ("PolicyName", Always), ("Roles", Never)]
    }

    fn required(&self) -> &'static [&'static str] {
        &["PolicyDocument", "PolicyName", "Roles"]
    }

    /// Source: CloudFormation user guide, `AWS::IAM::Policy`.
    fn drifts(&self) -> bool {
        false
    }

    /// Its name is one within its roles, and may be there in others.
    fn naming(&self) -> Option<Naming> {
        None
    }

    async fn find(&self, _: &At, _: &str) -> Outcome<Option<Made>> {
        Ok(None)
    }

    async fn create(&self, at: &At, _: &str, properties: &Properties) -> Outcome<Made> {
        let roles = texts(properties.get("Roles"));
        if roles.is_empty() {
            return Err(invalid("At least one of [Groups,Roles,Users] must be non-empty."));
        }
        for role in &roles {
            if let Err(error) = put(at, role, properties).await {
                // Half of it would be nobody's.
                for done in roles.iter().take_while(|done| *done != role) {
                    take(at, done, properties).await?;
                }
                return Err(error);
            }
        }
        Ok(made(named(properties).as_str().unwrap_or_default(), json!({})))
    }

    async fn update(&self, at: &At, physical: &str, old: &Properties, new: &Properties) -> Outcome<Made> {
        let (had, has) = (texts(old.get("Roles")), texts(new.get("Roles")));
        for role in &has {
            put(at, role, new).await?;
        }
        for role in had.iter().filter(|role| !has.contains(role)) {
            take(at, role, old).await?;
        }
        Ok(made(physical, json!({})))
    }

    async fn delete(&self, at: &At, _: &str, properties: &Properties) -> Outcome<()> {
        for role in texts(properties.get("Roles")) {
            take(at, &role, properties).await?;
        }
        Ok(())
    }

    async fn read(&self, at: &At, physical: &str) -> Outcome<Option<Properties>> {
        let roles = at.call("iam", "ListRoles", json!({ "MaxItems": 1000 })).await?;
        let (mut having, mut document) = (Vec::new(), Value::Null);
        for role in roles["Roles"].as_array().into_iter().flatten() {
            let one = json!({ "RoleName": role["RoleName"], "PolicyName": physical });
            if let Ok(answer) = at.call("iam", "GetRolePolicy", one).await {
                having.push(role["RoleName"].clone());
                document = shown(&answer["PolicyDocument"]);
            }
        }
        let found = json!({ "PolicyName": physical, "Roles": having, "PolicyDocument": document });
        Ok(found.as_object().cloned().filter(|_| !having.is_empty()))
    }
}
