//! What is said of a repository beside its images: lifecycle and access policies, tags, whether tags move, scanning.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::{
    call::{Answer, Caller, ServiceError},
    policy::{Kind, Policy},
    tags::Tag,
    world::World,
};

use super::{
    api::{invalid, no_repository, paged},
    lifecycle,
    settings::{filters, mutability, put_tags, set_mutability},
    store::{Preview, Repository},
};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Input {
    repository_name: String,
    lifecycle_policy_text: Option<String>,
    policy_text: Option<String>,
    resource_arn: Option<String>,
    tags: Vec<Tag>,
    tag_keys: Vec<String>,
    image_tag_mutability: Option<String>,
    image_tag_mutability_exclusion_filters: Vec<Value>,
    image_scanning_configuration: Value,
    image_id: Value,
    max_results: Option<usize>,
    next_token: Option<String>,
}

fn client(code: &'static str, message: impl Into<String>) -> ServiceError {
    ServiceError::client(code, message)
}

/// Answers one operation; none where it is not one of these.
pub(super) fn handle(world: &Arc<World>, operation: &str, input: &Value, caller: &Caller) -> Option<Answer> {
    let known = [
        "PutLifecyclePolicy",
        "GetLifecyclePolicy",
        "DeleteLifecyclePolicy",
        "StartLifecyclePolicyPreview",
        "GetLifecyclePolicyPreview",
        "PutImageTagMutability",
        "PutImageScanningConfiguration",
        "StartImageScan",
        "DescribeImageScanFindings",
        "SetRepositoryPolicy",
        "GetRepositoryPolicy",
        "DeleteRepositoryPolicy",
        "TagResource",
        "UntagResource",
        "ListTagsForResource",
        "DescribeRegistry",
    ];
    known.contains(&operation).then(|| answer(world, operation, input, caller))
}

fn answer(world: &Arc<World>, operation: &str, input: &Value, caller: &Caller) -> Answer {
    let account = caller.account.as_str();
    if operation == "DescribeRegistry" {
        return Ok(json!({ "registryId": account, "replicationConfiguration": { "rules": [] } }));
    }
    let mut input: Input =
        serde_json::from_value(input.clone()).map_err(|error| invalid(error.to_string()))?;
    if let Some(arn) = &input.resource_arn {
        let start = format!("arn:aws:ecr:{}:{account}:repository/", caller.region);
        let name = arn.strip_prefix(&start).ok_or_else(|| invalid("Invalid parameter at 'resourceArn'"))?;
        input.repository_name = name.to_owned();
    }
    let name = input.repository_name.clone();
    let mut answer = json!({ "registryId": account, "repositoryName": name });
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let index = &world.ecr.store.index;
    let reads =
        operation.starts_with("Get") || operation.starts_with("List") || operation.starts_with("Describe");
    if reads || operation == "StartImageScan" {
        let repository = index.read(|i| i.repositories.get(&name).cloned());
        let repository = repository.ok_or_else(|| no_repository(&name, account))?;
        read(&repository, operation, &input, &mut answer)?;
        return Ok(answer);
    }
    index.update(|i| {
        let repository = i.repositories.get_mut(&name).ok_or_else(|| no_repository(&name, account))?;
        change(repository, operation, input, now, &mut answer)
    })?;
    Ok(answer)
}

fn no_policy(name: &str) -> ServiceError {
    let text = format!("Lifecycle policy does not exist for the repository with name '{name}'");
    client("LifecyclePolicyNotFoundException", text)
}

fn read(
    repository: &Repository,
    operation: &str,
    input: &Input,
    answer: &mut Value,
) -> Result<(), ServiceError> {
    let name = &input.repository_name;
    match operation {
        "GetLifecyclePolicy" => {
            let text = repository.lifecycle_policy.as_ref().ok_or_else(|| no_policy(name))?;
            answer["lifecyclePolicyText"] = text.as_str().into();
            // The epoch stands for never.
            answer["lastEvaluatedAt"] = repository.evaluated.unwrap_or(0).into();
        }
        "GetLifecyclePolicyPreview" => {
            let preview = repository.preview.as_ref().ok_or_else(|| {
                let text = format!("There is no lifecycle policy preview for the repository '{name}'");
                client("LifecyclePolicyPreviewNotFoundException", text)
            })?;
            let shown = preview.expiring.iter().filter_map(|(digest, priority)| {
                let image = repository.images.get(digest)?;
                let result = json!({
                    "imageTags": image.tags,
                    "imageDigest": digest,
                    "imagePushedAt": image.pushed,
                    "action": { "type": "EXPIRE" },
                    "appliedRulePriority": priority,
                });
                Some((digest.clone(), result))
            });
            let shown: Vec<_> = shown.collect();
            let count = shown.len();
            let (page, next) = paged(shown, input.max_results, input.next_token.as_deref())?;
            answer["lifecyclePolicyText"] = preview.text.as_str().into();
            answer["status"] = "COMPLETE".into();
            answer["previewResults"] = page.into();
            answer["summary"] = json!({ "expiringImageTotalCount": count });
            if let Some(next) = next {
                answer["nextToken"] = next.into();
            }
        }
        "GetRepositoryPolicy" => {
            let text = repository.policy.as_ref().ok_or_else(|| no_access_policy(name))?;
            answer["policyText"] = text.as_str().into();
        }
        "ListTagsForResource" => {
            let tag = |(key, value): (&String, &String)| json!({ "Key": key, "Value": value });
            *answer = json!({ "tags": repository.tags.iter().map(tag).collect::<Vec<_>>() });
        }
        _ => {
            // Without knowledge of vulnerabilities there is no scan, and so none is said to have been made.
            let digest = input.image_id["imageDigest"].as_str().map(str::to_owned);
            let tagged = || repository.by_tag(input.image_id["imageTag"].as_str()?).cloned();
            let digest = digest.or_else(tagged).filter(|digest| repository.images.contains_key(digest));
            let digest = digest.ok_or_else(|| {
                let text = format!("The image does not exist within the repository with name '{name}'");
                client("ImageNotFoundException", text)
            })?;
            return Err(if operation == "StartImageScan" {
                let text = "the sandbox knows no vulnerabilities and scans no image";
                client("UnsupportedImageTypeException", text)
            } else {
                client(
                    "ScanNotFoundException",
                    format!("Image scan does not exist for the image with '{digest}'"),
                )
            });
        }
    }
    Ok(())
}

fn no_access_policy(name: &str) -> ServiceError {
    let text = format!("Repository policy does not exist for the repository with name '{name}'");
    client("RepositoryPolicyNotFoundException", text)
}

fn policy(text: &str) -> Result<lifecycle::Policy, ServiceError> {
    lifecycle::read(text).map_err(|why| {
        let start = "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint:";
        invalid(format!("{start} 'Lifecycle policy validation failure: {why}'"))
    })
}

fn change(
    repository: &mut Repository,
    operation: &str,
    input: Input,
    now: i64,
    answer: &mut Value,
) -> Result<(), ServiceError> {
    let name = &input.repository_name;
    match operation {
        "PutLifecyclePolicy" => {
            let text =
                input.lifecycle_policy_text.ok_or_else(|| invalid("lifecyclePolicyText is required"))?;
            policy(&text)?;
            answer["lifecyclePolicyText"] = text.as_str().into();
            repository.lifecycle_policy = Some(text);
            repository.expire(now);
        }
        "DeleteLifecyclePolicy" => {
            let text = repository.lifecycle_policy.take().ok_or_else(|| no_policy(name))?;
            answer["lifecyclePolicyText"] = text.into();
            answer["lastEvaluatedAt"] = repository.evaluated.take().unwrap_or(0).into();
        }
        "StartLifecyclePolicyPreview" => {
            let text = input.lifecycle_policy_text.or_else(|| repository.lifecycle_policy.clone());
            let text = text.ok_or_else(|| no_policy(name))?;
            let expiring = lifecycle::expired(&policy(&text)?, repository, now);
            answer["lifecyclePolicyText"] = text.as_str().into();
            answer["status"] = "IN_PROGRESS".into();
            repository.preview = Some(Preview { text, expiring });
        }
        "PutImageTagMutability" => {
            let filter = |one: &Value| one["filter"].as_str().map(str::to_owned);
            let wanted: Vec<String> =
                input.image_tag_mutability_exclusion_filters.iter().filter_map(filter).collect();
            set_mutability(repository, input.image_tag_mutability.as_deref(), wanted)?;
            answer["imageTagMutability"] = mutability(repository).into();
            answer["imageTagMutabilityExclusionFilters"] = filters(repository);
        }
        "PutImageScanningConfiguration" => {
            repository.scan_on_push = input.image_scanning_configuration["scanOnPush"] == true;
            answer["imageScanningConfiguration"] = json!({ "scanOnPush": repository.scan_on_push });
        }
        "SetRepositoryPolicy" => {
            let text = input.policy_text.unwrap_or_default();
            Policy::read(&text, Kind::Resource).map_err(|_| {
                invalid(
                    "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'",
                )
            })?;
            answer["policyText"] = text.as_str().into();
            repository.policy = Some(text);
        }
        "DeleteRepositoryPolicy" => {
            let text = repository.policy.take().ok_or_else(|| no_access_policy(name))?;
            answer["policyText"] = text.into();
        }
        "TagResource" => {
            put_tags(repository, input.tags)?;
            *answer = json!({});
        }
        _ => {
            for key in &input.tag_keys {
                repository.tags.remove(key);
            }
            *answer = json!({});
        }
    }
    Ok(())
}
