//! `AWS::ECR::Repository`.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::sandbox::services::cloudformation::{
    diff::Recreation::{self, Always, Never},
    template::Made,
};

use super::{At, Kind, Naming, Outcome, Properties, is_missing, shape};

pub(super) struct Repository;

fn made(shown: &Value) -> Made {
    let attributes = json!({ "Arn": shown["repositoryArn"], "RepositoryUri": shown["repositoryUri"] });
    let physical = shown["repositoryName"].as_str().unwrap_or_default().to_owned();
    Made { physical, attributes: attributes.as_object().cloned().unwrap_or_default() }
}

async fn described(at: &At, name: &str) -> Outcome<Option<Value>> {
    match at.call("ecr", "DescribeRepositories", json!({ "repositoryNames": [name] })).await {
        Ok(answer) => Ok(Some(answer["repositories"][0].clone())),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is said of a repository that is there.
async fn policies(at: &At, name: &str, properties: &Properties) -> Outcome<()> {
    if let Some(text) = properties.get("LifecyclePolicy").and_then(|policy| policy.get("LifecyclePolicyText"))
    {
        let input = json!({ "repositoryName": name, "lifecyclePolicyText": shape::worded(text) });
        at.call("ecr", "PutLifecyclePolicy", input).await?;
    }
    if let Some(policy) = properties.get("RepositoryPolicyText") {
        let input = json!({ "repositoryName": name, "policyText": shape::worded(policy) });
        at.call("ecr", "SetRepositoryPolicy", input).await?;
    }
    Ok(())
}

#[async_trait]
impl Kind for Repository {
    fn name(&self) -> &'static str {
        "AWS::ECR::Repository"
    }

    fn properties(&self) -> &'static [(&'static str, Recreation)] {
        &[
            ("RepositoryName", Always),
            ("EncryptionConfiguration", Always),
            ("ImageTagMutability", Never),
            ("ImageTagMutabilityExclusionFilters", Never),
            ("ImageScanningConfiguration", Never),
            ("LifecyclePolicy", Never),
            ("RepositoryPolicyText", Never),
            ("EmptyOnDelete", Never),
            ("Tags", Never),
        ]
    }

    fn attributes(&self) -> &'static [&'static str] {
        &["Arn", "RepositoryUri"]
    }

    fn naming(&self) -> Option<Naming> {
        Some(Naming { property: "RepositoryName", longest: 256, lower: true })
    }

    async fn find(&self, at: &At, name: &str) -> Outcome<Option<Made>> {
        Ok(described(at, name).await?.as_ref().map(made))
    }

    async fn create(&self, at: &At, name: &str, properties: &Properties) -> Outcome<Made> {
        let wanted = shape::only(
            &shape::typed(&properties.clone().into(), &[], &["ScanOnPush"]),
            &[
                "EncryptionConfiguration",
                "ImageTagMutability",
                "ImageTagMutabilityExclusionFilters",
                "ImageScanningConfiguration",
                "Tags",
            ],
        );
        let mut input = shape::camel(&shape::with(&wanted, "RepositoryName", name));
        if let Some(Value::Array(filters)) = input.get_mut("imageTagMutabilityExclusionFilters") {
            for filter in filters {
                *filter = json!({ "filterType": filter["imageTagMutabilityExclusionFilterType"], "filter": filter["imageTagMutabilityExclusionFilterValue"] });
            }
        }
        let answer = at.call("ecr", "CreateRepository", input).await?;
        policies(at, name, properties).await?;
        Ok(made(&answer["repository"]))
    }

    async fn update(&self, at: &At, physical: &str, old: &Properties, new: &Properties) -> Outcome<Made> {
        for (property, operation) in [
            ("ImageTagMutability", "PutImageTagMutability"),
            ("ImageScanningConfiguration", "PutImageScanningConfiguration"),
        ] {
            if old.get(property) != new.get(property) {
                let one = shape::only(&new.clone().into(), &[property]);
                let one = shape::typed(&one.into(), &[], &["ScanOnPush"]);
                let mut input = shape::camel(&one);
                input["repositoryName"] = json!(physical);
                at.call("ecr", operation, input).await?;
            }
        }
        if old.get("Tags") != new.get("Tags") {
            let arn = format!("arn:aws:ecr:{}:{}:repository/{physical}", at.caller.region, at.caller.account);
            let tags = shape::camel(&shape::only(&new.clone().into(), &["Tags"]).into());
            at.call("ecr", "TagResource", json!({ "resourceArn": arn, "tags": tags["tags"] })).await?;
        }
        if old.contains_key("LifecyclePolicy") && !new.contains_key("LifecyclePolicy") {
            at.call("ecr", "DeleteLifecyclePolicy", json!({ "repositoryName": physical })).await?;
        }
        policies(at, physical, new).await?;
        let shown = described(at, physical).await?;
        Ok(shown.as_ref().map(made).unwrap_or_default())
    }

    async fn delete(&self, at: &At, physical: &str, properties: &Properties) -> Outcome<()> {
        let force = properties.get("EmptyOnDelete").is_some_and(|flag| *flag == true || *flag == "true");
        let input = json!({ "repositoryName": physical, "force": force });
        match at.call("ecr", "DeleteRepository", input).await {
            Err(error) if !is_missing(&error) => Err(error),
            _ => Ok(()),
        }
    }

    async fn read(&self, at: &At, physical: &str) -> Outcome<Option<Properties>> {
        let shown = described(at, physical).await?;
        Ok(shown.map(|shown| {
            shape::only(
                &shape::pascal(&shown),
                &["RepositoryName", "ImageTagMutability", "ImageScanningConfiguration"],
            )
        }))
    }
}
