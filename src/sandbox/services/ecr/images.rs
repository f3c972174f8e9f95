//! Images of a repository: described, listed, read and removed.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::{
    call::{Answer, ServiceError},
    world::World,
};

use super::{
    api::{Input, no_repository, paged},
    store::{Image, Repository},
};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Filter {
    tag_status: Option<String>,
}

impl Filter {
    fn takes(&self, tagged: bool) -> bool {
        match self.tag_status.as_deref() {
            Some("TAGGED") => tagged,
            Some("UNTAGGED") => !tagged,
            _ => true,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ImageId {
    image_digest: Option<String>,
    image_tag: Option<String>,
}

impl ImageId {
    fn shown(&self) -> Value {
        let mut id = json!({});
        if let Some(digest) = &self.image_digest {
            id["imageDigest"] = digest.as_str().into();
        }
        if let Some(tag) = &self.image_tag {
            id["imageTag"] = tag.as_str().into();
        }
        id
    }
}

/// Removes a tag, or an image with all its tags; the last tag takes the image with it. Says which tags went.
fn remove(
    repository: &mut Repository,
    wanted: &ImageId,
) -> Result<(String, Vec<String>), (&'static str, &'static str)> {
    let missing = ("ImageNotFound", "Requested image not found");
    let digest = match (&wanted.image_digest, &wanted.image_tag) {
        (Some(digest), _) => digest.clone(),
        (None, Some(tag)) => repository.by_tag(tag).cloned().ok_or(missing)?,
        (None, None) => {
            return Err((
                "MissingDigestAndTag",
                "Invalid request parameters: both tag and digest cannot be null",
            ));
        }
    };
    let image = repository.images.get(&digest).ok_or(missing)?;
    let tags: Vec<String> = match &wanted.image_tag {
        Some(tag) if !image.tags.contains(tag) => {
            return Err(("ImageTagDoesNotMatchDigest", "The image tag is another image's"));
        }
        Some(tag) => vec![tag.clone()],
        None => image.tags.iter().cloned().collect(),
    };
    if tags.len() < image.tags.len() {
        if let Some(image) = repository.images.get_mut(&digest) {
            tags.iter().for_each(|tag| {
                image.tags.remove(tag);
            });
        }
        return Ok((digest, tags));
    }
    if repository.images.values().any(|other| other.names.contains(&digest)) {
        return Err(("ImageReferencedByManifestList", "Requested image referenced by manifest list"));
    }
    repository.images.remove(&digest);
    Ok((digest, tags))
}

/// Answers one of the operations that look at images.
pub(super) fn answer(
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
            let details: Vec<(String, Value)> = match &input.image_ids {
                None => repository
                    .images
                    .iter()
                    .filter(|(_, image)| input.filter.takes(!image.tags.is_empty()))
                    .map(|(digest, image)| (digest.clone(), detail(digest, image)))
                    .collect(),
                Some(ids) => ids
                    .iter()
                    .map(|id| {
                        let digest = resolve(id).ok_or_else(|| {
                            ServiceError::client(
                                "ImageNotFoundException",
                                format!("The image with imageId {id:?} does not exist within the repository with name '{name}'"),
                            )
                        })?;
                        let shown = detail(&digest, &repository.images[&digest]);
                        Ok((digest, shown))
                    })
                    .collect::<Result<_, ServiceError>>()?,
            };
            let (page, next) = paged(details, input.max_results, input.next_token.as_deref())?;
            let mut answer = json!({ "imageDetails": page });
            if let Some(next) = next {
                answer["nextToken"] = next.into();
            }
            Ok(answer)
        }
        "ListImages" => {
            let mut ids = Vec::new();
            for (digest, image) in &repository.images {
                if !input.filter.takes(!image.tags.is_empty()) {
                    continue;
                }
                ids.extend(image.tags.iter().map(|tag| (format!("{digest} {tag}"), id(digest, Some(tag)))));
                if image.tags.is_empty() {
                    ids.push((digest.clone(), id(digest, None)));
                }
            }
            let (page, next) = paged(ids, input.max_results, input.next_token.as_deref())?;
            let mut answer = json!({ "imageIds": page });
            if let Some(next) = next {
                answer["nextToken"] = next.into();
            }
            Ok(answer)
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
                    None => failures.push(json!({
                        "imageId": wanted.shown(),
                        "failureCode": "ImageNotFound",
                        "failureReason": "Requested image not found",
                    })),
                }
            }
            Ok(json!({ "images": found, "failures": failures }))
        }
        _ => {
            let (mut gone, mut failures) = (Vec::new(), Vec::new());
            world.ecr.store.index.update(|i| {
                let stored = i.repositories.get_mut(name).ok_or_else(|| no_repository(name, account))?;
                for wanted in input.image_ids.as_deref().unwrap_or_default() {
                    match remove(stored, wanted) {
                        Ok((digest, tags)) => {
                            gone.extend(tags.iter().map(|tag| id(&digest, Some(tag))));
                            if tags.is_empty() {
                                gone.push(id(&digest, None));
                            }
                        }
                        Err((code, reason)) => failures.push(json!({
                            "imageId": wanted.shown(),
                            "failureCode": code,
                            "failureReason": reason,
                        })),
                    }
                }
                Ok::<_, ServiceError>(())
            })?;
            Ok(json!({ "imageIds": gone, "failures": failures }))
        }
    }
}
