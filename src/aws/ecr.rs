//! Images in ECR, by digest and by tag.

use std::sync::Arc;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_ecr::{
    Client,
    types::{
        ImageIdentifier, ImageScanningConfiguration, ImageTagMutability, ImageTagMutabilityExclusionFilter,
        ImageTagMutabilityExclusionFilterType, Repository,
    },
};

use crate::engine::ports::{Image, PortError, PortResult, Registry};

use super::{
    connect::Place,
    error::{has_code, port_error},
};

const SERVICE: &str = "ECR";

/// The tag under which a generated `buildspec.yml` keeps BuildKit's cache.
const BUILD_CACHE: &str = "buildcache";

pub(super) struct Ecr {
    client: Client,
    place: Arc<Place>,
}

impl Ecr {
    pub fn new(config: &SdkConfig, place: Arc<Place>) -> Self {
        Self { client: Client::new(config), place }
    }

    async fn describe(&self) -> PortResult<Option<Repository>> {
        let name = self.place.names.base();
        let found = self
            .client
            .describe_repositories()
            .repository_names(name)
            .send()
            .await
            .map_err(port_error(SERVICE, "DescribeRepositories"));
        match found {
            Ok(found) => Ok(found.repositories.unwrap_or_default().into_iter().next()),
            Err(error) if has_code(&error, &["RepositoryNotFoundException"]) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl Registry for Ecr {
    async fn ensure(&self) -> PortResult<bool> {
        if self.describe().await?.is_some() {
            return Ok(false);
        }
        let cache = ImageTagMutabilityExclusionFilter::builder()
            .filter_type(ImageTagMutabilityExclusionFilterType::Wildcard)
            .filter(BUILD_CACHE)
            .build()
            .map_err(|error| PortError::Invalid(error.to_string()))?;
        let created = self
            .client
            .create_repository()
            .repository_name(self.place.names.base())
            // A tag names a bundle or a release, and both are for ever; only the build's cache moves.
            .image_tag_mutability(ImageTagMutability::ImmutableWithExclusion)
            .image_tag_mutability_exclusion_filters(cache)
            .image_scanning_configuration(ImageScanningConfiguration::builder().scan_on_push(true).build())
            .send()
            .await
            .map_err(port_error(SERVICE, "CreateRepository"));
        match created {
            Ok(_) => Ok(true),
            Err(error) if has_code(&error, &["RepositoryAlreadyExistsException"]) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn repository(&self) -> PortResult<String> {
        let found = self.describe().await?;
        let missing =
            || PortError::NotFound { what: format!("the ECR repository {}", self.place.names.base()) };
        found.and_then(|repository| repository.repository_uri).ok_or_else(missing)
    }

    async fn by_tag(&self, tag: &str) -> PortResult<Option<Image>> {
        let found = self
            .client
            .describe_images()
            .repository_name(self.place.names.base())
            .image_ids(ImageIdentifier::builder().image_tag(tag).build())
            .send()
            .await
            .map_err(port_error(SERVICE, "DescribeImages"));
        let found = match found {
            Ok(found) => found.image_details.unwrap_or_default(),
            Err(error) if has_code(&error, &["ImageNotFoundException", "RepositoryNotFoundException"]) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        match found.into_iter().next().and_then(|detail| detail.image_digest) {
            Some(digest) => Ok(Some(Image { digest, repository: self.repository().await? })),
            None => Ok(None),
        }
    }

    async fn tag(&self, image: &Image, tag: &str) -> PortResult<()> {
        let name = self.place.names.base();
        let got = self
            .client
            .batch_get_image()
            .repository_name(&name)
            .image_ids(ImageIdentifier::builder().image_digest(&image.digest).build())
            .send()
            .await
            .map_err(port_error(SERVICE, "BatchGetImage"))?;
        let manifest = got.images().first().and_then(|found| found.image_manifest.clone());
        let manifest =
            manifest.ok_or_else(|| PortError::NotFound { what: format!("the image {}", image.pinned()) })?;
        let put = self
            .client
            .put_image()
            .repository_name(name)
            .image_manifest(manifest)
            .image_tag(tag)
            .send()
            .await
            .map_err(port_error(SERVICE, "PutImage"));
        match put {
            Ok(_) => Ok(()),
            // The same image already has the tag.
            Err(error) if has_code(&error, &["ImageAlreadyExistsException"]) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
