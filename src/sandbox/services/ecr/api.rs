//! The operations of ECR.

use std::sync::Arc;

use base64::Engine as _;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::{
    call::{Answer, Caller, ServiceError},
    world::World,
};

use super::{
    images::{self, Filter, ImageId},
    layers, policies, settings,
    store::{Repository, StoreError},
    token,
};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Input {
    repository_name: Option<String>,
    repository_names: Option<Vec<String>>,
    image_tag_mutability: Option<String>,
    image_tag_mutability_exclusion_filters: Vec<ExclusionFilter>,
    image_scanning_configuration: Option<Value>,
    pub image_ids: Option<Vec<ImageId>>,
    image_manifest: Option<String>,
    image_tag: Option<String>,
    force: bool,
    pub max_results: Option<usize>,
    pub next_token: Option<String>,
    pub filter: Filter,
    tags: Vec<crate::sandbox::tags::Tag>,
}

/// One page of a list whose entries have names. Source: ECR API reference: 100 entries where nothing is asked, at most 1000.
pub(super) fn paged<T>(
    entries: Vec<(String, T)>,
    most: Option<usize>,
    token: Option<&str>,
) -> Result<(Vec<T>, Option<String>), ServiceError> {
    let most = most.unwrap_or(100);
    if !(1..=1000).contains(&most) {
        return Err(invalid(
            "Invalid parameter at 'maxResults' failed to satisfy constraint: 'must be between 1 and 1000'",
        ));
    }
    crate::sandbox::page::page(entries, false, most, token)
        .ok_or_else(|| invalid("Invalid parameter at 'nextToken'"))
}

#[derive(Debug, Deserialize)]
struct ExclusionFilter {
    filter: String,
}

pub(super) fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidParameterException", message)
}

pub(super) fn no_repository(name: &str, account: &str) -> ServiceError {
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
    if let Some(answer) = layers::handle(world, operation, &input, caller) {
        return answer;
    }
    if let Some(answer) = policies::handle(world, operation, &input, caller) {
        return answer;
    }
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
            "imageTagMutability": settings::mutability(repository),
            "imageTagMutabilityExclusionFilters": settings::filters(repository),
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
            let mut repository = Repository {
                created: time::OffsetDateTime::now_utc().unix_timestamp(),
                scan_on_push: input
                    .image_scanning_configuration
                    .as_ref()
                    .is_some_and(|c| c["scanOnPush"] == true),
                ..Repository::default()
            };
            let filters =
                input.image_tag_mutability_exclusion_filters.iter().map(|f| f.filter.clone()).collect();
            settings::set_mutability(&mut repository, input.image_tag_mutability.as_deref(), filters)?;
            settings::put_tags(&mut repository, input.tags.clone())?;
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
            let all: Result<Vec<(String, Value)>, ServiceError> =
                names.iter().map(|name| Ok((name.clone(), shown(name, &find(name)?)))).collect();
            let (page, next) = paged(all?, input.max_results, input.next_token.as_deref())?;
            let mut answer = json!({ "repositories": page });
            if let Some(next) = next {
                answer["nextToken"] = next.into();
            }
            Ok(answer)
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
            world.ecr.store.remove(name)?;
            Ok(json!({ "repository": shown(name, &repository) }))
        }
        "GetAuthorizationToken" => {
            let token =
                base64::prelude::BASE64_STANDARD.encode(format!("AWS:{}", token::password(world, caller)));
            let expires = time::OffsetDateTime::now_utc().unix_timestamp() + 12 * 3600;
            Ok(json!({ "authorizationData": [{
                "authorizationToken": token,
                "expiresAt": expires,
                "proxyEndpoint": format!("http://{}", world.addresses.api),
            }] }))
        }
        "DescribeImages" | "ListImages" | "BatchGetImage" | "BatchDeleteImage" => {
            let repository = find(name()?)?;
            images::answer(world, operation, name()?, &repository, &input, account)
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

pub(super) fn refused(error: &StoreError, account: &str) -> ServiceError {
    let code = match error {
        StoreError::NoRepository(name) => return no_repository(name, account),
        StoreError::BadManifest(_) => "InvalidParameterException",
        StoreError::NoLayer(_) => "LayersNotFoundException",
        StoreError::NoImage(_) => "ReferencedImagesNotFoundException",
        StoreError::TagTaken(_) => "ImageTagAlreadyExistsException",
        StoreError::AlreadyThere(_) => "ImageAlreadyExistsException",
        StoreError::Io(error) => return ServiceError::internal(error.to_string()),
    };
    ServiceError::client(code, error.to_string())
}
