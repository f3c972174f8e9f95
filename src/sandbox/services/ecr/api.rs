//! The operations of ECR.

use std::sync::Arc;

use base64::Engine as _;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::{
    call::{Answer, Caller, ServiceError},
    world::World,
};

use super::store::{Image, Repository, StoreError};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Input {
    repository_name: Option<String>,
    repository_names: Option<Vec<String>>,
    image_tag_mutability: Option<String>,
    image_tag_mutability_exclusion_filters: Vec<ExclusionFilter>,
    image_scanning_configuration: Option<Value>,
    image_ids: Option<Vec<ImageId>>,
    image_manifest: Option<String>,
    image_tag: Option<String>,
    lifecycle_policy_text: Option<String>,
    force: bool,
}

#[derive(Debug, Deserialize)]
struct ExclusionFilter {
    filter: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ImageId {
    image_digest: Option<String>,
    image_tag: Option<String>,
}

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidParameterException", message)
}

fn no_repository(name: &str, account: &str) -> ServiceError {
    ServiceError::client(
        "RepositoryNotFoundException",
        format!("The repository with name '{name}' does not exist in the registry with id '{account}'"),
    )
}

/// Names that ECR takes. Source: ECR API reference, CreateRepository.
fn valid_name(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
            && part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.ends_with(|c: char| c.is_ascii_alphanumeric())
    };
    (2..=256).contains(&name.len()) && name.split('/').all(part)
}

/// Answers one operation.
pub(super) fn handle(world: &Arc<World>, operation: &str, input: Value, caller: &Caller) -> Answer {
    let input: Input = serde_json::from_value(input).map_err(|error| invalid(error.to_string()))?;
    let index = &world.ecr.store.index;
    let name = || input.repository_name.as_deref().ok_or_else(|| invalid("repositoryName is required"));
    let account = caller.account.as_str();
    let find = |name: &str| -> Result<Repository, ServiceError> {
        index.read(|i| i.repositories.get(name).cloned()).ok_or_else(|| no_repository(name, account))
    };
    let shown = |name: &str, repository: &Repository| {
        json!({
            "repositoryArn": format!("arn:aws:ecr:{}:{account}:repository/{name}", caller.region),
            "registryId": account,
            "repositoryName": name,
            "repositoryUri": format!("{}/{name}", world.addresses.api),
            "createdAt": repository.created,
            "imageTagMutability": match (repository.immutable_tags, repository.mutable_tags.is_empty()) {
                (false, _) => "MUTABLE",
                (true, true) => "IMMUTABLE",
                (true, false) => "IMMUTABLE_WITH_EXCLUSION",
            },
            "imageScanningConfiguration": { "scanOnPush": repository.scan_on_push },
            "encryptionConfiguration": { "encryptionType": "AES256" },
        })
    };
    match operation {
        "CreateRepository" => {
            let name = name()?;
            if !valid_name(name) {
                return Err(invalid(format!("Invalid parameter at 'repositoryName': '{name}'")));
            }
            let repository = Repository {
                created: time::OffsetDateTime::now_utc().unix_timestamp(),
                immutable_tags: input
                    .image_tag_mutability
                    .as_deref()
                    .is_some_and(|m| m.starts_with("IMMUTABLE")),
                mutable_tags: input
                    .image_tag_mutability_exclusion_filters
                    .iter()
                    .map(|f| f.filter.clone())
                    .collect(),
                scan_on_push: input
                    .image_scanning_configuration
                    .as_ref()
                    .is_some_and(|c| c["scanOnPush"] == true),
                ..Repository::default()
            };
            let answer = json!({ "repository": shown(name, &repository) });
            index.update(|i| {
                if i.repositories.contains_key(name) {
                    return Err(ServiceError::client(
                        "RepositoryAlreadyExistsException",
                        format!("The repository with name '{name}' already exists in the registry with id '{account}'"),
                    ));
                }
                i.repositories.insert(name.to_owned(), repository);
                Ok(())
            })?;
            Ok(answer)
        }
        "DescribeRepositories" => {
            let names = match &input.repository_names {
                Some(names) => names.clone(),
                None => index.read(|i| i.repositories.keys().cloned().collect()),
            };
            let all: Result<Vec<Value>, ServiceError> =
                names.iter().map(|name| Ok(shown(name, &find(name)?))).collect();
            Ok(json!({ "repositories": all? }))
        }
        "DeleteRepository" => {
            let name = name()?;
            let repository = find(name)?;
            if !repository.images.is_empty() && !input.force {
                return Err(ServiceError::client(
                    "RepositoryNotEmptyException",
                    "The repository is not empty",
                ));
            }
            index.update(|i| {
                i.repositories.remove(name);
                Ok::<_, ServiceError>(())
            })?;
            Ok(json!({ "repository": shown(name, &repository) }))
        }
        "GetAuthorizationToken" => {
            let token = base64::prelude::BASE64_STANDARD.encode(format!("AWS:{}", world.ecr.token));
            let expires = time::OffsetDateTime::now_utc().unix_timestamp() + 12 * 3600;
            Ok(json!({ "authorizationData": [{
                "authorizationToken": token,
                "expiresAt": expires,
                "proxyEndpoint": format!("http://{}", world.addresses.api),
            }] }))
        }
        "PutLifecyclePolicy" => {
            let name = name()?;
            let text = input
                .lifecycle_policy_text
                .clone()
                .ok_or_else(|| invalid("lifecyclePolicyText is required"))?;
            has_rules(&text)?;
            index.update(|i| {
                let repository = i.repositories.get_mut(name).ok_or_else(|| no_repository(name, account))?;
                repository.lifecycle_policy = Some(text.clone());
                Ok::<_, ServiceError>(())
            })?;
            Ok(json!({ "registryId": account, "repositoryName": name, "lifecyclePolicyText": text }))
        }
        "DescribeImages" | "ListImages" | "BatchGetImage" | "BatchDeleteImage" => {
            let repository = find(name()?)?;
            images(world, operation, name()?, &repository, &input, account)
        }
        "PutImage" => {
            let repository = name()?;
            let manifest =
                input.image_manifest.as_deref().ok_or_else(|| invalid("imageManifest is required"))?;
            let digest = world
                .ecr
                .put_image(repository, input.image_tag.as_deref(), manifest.as_bytes())
                .map_err(|error| refused(&error, account))?;
            Ok(json!({ "image": {
                "registryId": account,
                "repositoryName": repository,
                "imageId": { "imageDigest": digest, "imageTag": input.image_tag },
                "imageManifest": manifest,
            } }))
        }
        _ => Err(ServiceError::not_in_sandbox("ECR", operation)),
    }
}

/// Refuses a lifecycle policy that has no rules. Source: Amazon ECR user guide, "Lifecycle policy properties".
fn has_rules(text: &str) -> Result<(), ServiceError> {
    let rules =
        serde_json::from_str::<Value>(text).ok().and_then(|policy| Some(policy["rules"].as_array()?.len()));
    if rules.unwrap_or_default() == 0 {
        return Err(invalid(
            "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure: it has no rules'",
        ));
    }
    Ok(())
}

fn refused(error: &StoreError, account: &str) -> ServiceError {
    let code = match error {
        StoreError::NoRepository(name) => return no_repository(name, account),
        StoreError::BadManifest(_) => "InvalidParameterException",
        StoreError::NoLayer(_) => "LayersNotFoundException",
        StoreError::TagTaken(_) => "ImageTagAlreadyExistsException",
        StoreError::AlreadyThere(_) => "ImageAlreadyExistsException",
        StoreError::Io(error) => return ServiceError::internal(error.to_string()),
    };
    ServiceError::client(code, error.to_string())
}

/// An image of a batch that is not there.
fn not_found(wanted: &ImageId) -> Value {
    let mut named = json!({});
    for (name, value) in [("imageDigest", &wanted.image_digest), ("imageTag", &wanted.image_tag)] {
        if let Some(value) = value {
            named[name] = json!(value);
        }
    }
    json!({ "imageId": named, "failureCode": "ImageNotFound", "failureReason": "Requested image not found" })
}

fn images(
    world: &Arc<World>,
    operation: &str,
    name: &str,
    repository: &Repository,
    input: &Input,
    account: &str,
) -> Answer {
    let resolve = |id: &ImageId| -> Option<String> {
        match (&id.image_digest, &id.image_tag) {
            (Some(digest), _) => repository.images.contains_key(digest).then(|| digest.clone()),
            (None, Some(tag)) => repository.by_tag(tag).cloned(),
            (None, None) => None,
        }
    };
    let detail = |digest: &String, image: &Image| {
        json!({
            "registryId": account,
            "repositoryName": name,
            "imageDigest": digest,
            "imageTags": image.tags,
            "imageSizeInBytes": image.size,
            "imagePushedAt": image.pushed,
            "imageManifestMediaType": image.media_type,
        })
    };
    let id = |digest: &str, tag: Option<&String>| match tag {
        Some(tag) => json!({ "imageDigest": digest, "imageTag": tag }),
        None => json!({ "imageDigest": digest }),
    };
    match operation {
        "DescribeImages" => {
            let details: Vec<Value> = match &input.image_ids {
                None => repository.images.iter().map(|(digest, image)| detail(digest, image)).collect(),
                Some(ids) => ids
                    .iter()
                    .map(|id| {
                        let digest = resolve(id).ok_or_else(|| {
                            ServiceError::client(
                                "ImageNotFoundException",
                                format!("The image with imageId {id:?} does not exist within the repository with name '{name}'"),
                            )
                        })?;
                        Ok(detail(&digest, &repository.images[&digest]))
                    })
                    .collect::<Result<_, ServiceError>>()?,
            };
            Ok(json!({ "imageDetails": details }))
        }
        "ListImages" => {
            let mut ids = Vec::new();
            for (digest, image) in &repository.images {
                ids.extend(image.tags.iter().map(|tag| id(digest, Some(tag))));
                if image.tags.is_empty() {
                    ids.push(id(digest, None));
                }
            }
            Ok(json!({ "imageIds": ids }))
        }
        "BatchGetImage" => {
            let (mut found, mut failures) = (Vec::new(), Vec::new());
            for wanted in input.image_ids.as_deref().unwrap_or_default() {
                let manifest = resolve(wanted).and_then(|digest| {
                    let text = std::fs::read_to_string(world.ecr.store.image(name, &digest)?).ok()?;
                    Some((digest, text))
                });
                match manifest {
                    Some((digest, text)) => found.push(json!({
                        "registryId": account,
                        "repositoryName": name,
                        "imageId": id(&digest, wanted.image_tag.as_ref()),
                        "imageManifest": text,
                        "imageManifestMediaType": repository.images[&digest].media_type,
                    })),
                    None => failures.push(not_found(wanted)),
                }
            }
            Ok(json!({ "images": found, "failures": failures }))
        }
        _ => {
            let ids = input.image_ids.clone().unwrap_or_default();
            let (there, missing): (Vec<ImageId>, Vec<ImageId>) =
                ids.into_iter().partition(|wanted| resolve(wanted).is_some());
            let gone: Vec<Value> = there
                .iter()
                .filter_map(|wanted| Some(id(&resolve(wanted)?, wanted.image_tag.as_ref())))
                .collect();
            world.ecr.store.index.update(|i| {
                if let Some(stored) = i.repositories.get_mut(name) {
                    for wanted in &there {
                        match (&wanted.image_digest, &wanted.image_tag) {
                            (Some(digest), _) => {
                                stored.images.remove(digest);
                            }
                            (None, Some(tag)) => {
                                // An image goes with its last tag. Source: API reference, BatchDeleteImage.
                                stored
                                    .images
                                    .retain(|_, image| !image.tags.remove(tag) || !image.tags.is_empty());
                            }
                            (None, None) => {}
                        }
                    }
                }
                Ok::<_, ServiceError>(())
            })?;
            let failures: Vec<Value> = missing.iter().map(not_found).collect();
            Ok(json!({ "imageIds": gone, "failures": failures }))
        }
    }
}
