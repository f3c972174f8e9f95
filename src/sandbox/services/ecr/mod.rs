//! ECR: image repositories, and the OCI distribution registry behind them.
//!
//! Invariant: a blob is stored under the SHA-256 of what it holds, and an image only once all its blobs are there.

mod api;
mod blobs;
mod images;
mod layers;
mod lifecycle;
mod policies;
mod push;
mod registry;
mod settings;
mod store;
mod token;
mod uploads;

use std::{io, path::Path, path::PathBuf, sync::Arc};

use http::{Request, Response};
use s3s::Body;
use serde_json::Value;

use crate::sandbox::{
    call::{Answer, Caller},
    world::World,
};

use registry::Arriving;
use store::Store;
pub use store::StoreError;

/// What it answers.
pub const OPERATIONS: &[&str] = &[
    "BatchCheckLayerAvailability",
    "BatchDeleteImage",
    "BatchGetImage",
    "CompleteLayerUpload",
    "CreateRepository",
    "DeleteLifecyclePolicy",
    "DeleteRepository",
    "DeleteRepositoryPolicy",
    "DescribeImageScanFindings",
    "DescribeImages",
    "DescribeRegistry",
    "DescribeRepositories",
    "GetAuthorizationToken",
    "GetDownloadUrlForLayer",
    "GetLifecyclePolicy",
    "GetLifecyclePolicyPreview",
    "GetRepositoryPolicy",
    "InitiateLayerUpload",
    "ListImages",
    "ListTagsForResource",
    "PutImage",
    "PutImageScanningConfiguration",
    "PutImageTagMutability",
    "PutLifecyclePolicy",
    "SetRepositoryPolicy",
    "StartImageScan",
    "StartLifecyclePolicyPreview",
    "TagResource",
    "UntagResource",
    "UploadLayerPart",
];

/// State of the service.
#[derive(Debug)]
pub struct Ecr {
    store: Store,
    /// The registry's password, new for each life of the sandbox.
    token: String,
}

impl Ecr {
    /// Opens the state kept in `dir`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(dir: &Path) -> io::Result<Self> {
        Ok(Self { store: Store::open(dir)?, token: hex::encode(rand::random::<[u8; 24]>()) })
    }

    /// User and password of the registry.
    pub fn login(&self) -> (&'static str, &str) {
        ("AWS", &self.token)
    }

    /// Stores a blob in a repository and returns its digest, `sha256:…`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_blob(&self, repository: &str, bytes: &[u8]) -> Result<String, StoreError> {
        self.store.put_blob(repository, bytes)
    }

    /// Gives a repository a blob that another has already; says whether one has.
    pub fn share_blob(&self, repository: &str, digest: &str) -> bool {
        self.store.share(repository, digest)
    }

    /// The file of a blob, for whoever has the manifest that names it.
    pub fn blob(&self, digest: &str) -> Option<PathBuf> {
        self.store.file(digest)
    }

    /// Stores an image manifest under a tag and returns its digest.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_image(
        &self,
        repository: &str,
        tag: Option<&str>,
        manifest: &[u8],
    ) -> Result<String, StoreError> {
        self.store.put_image(repository, tag, manifest)
    }

    /// Who may do what with a repository, if that is said.
    pub fn policy(&self, repository: &str) -> Option<String> {
        self.store.index.read(|index| index.repositories.get(repository)?.policy.clone())
    }

    /// The manifest of an image of a repository by digest.
    pub fn manifest(&self, repository: &str, digest: &str) -> Option<Value> {
        let path = self.store.image(repository, digest)?;
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    }
}

/// Answers one operation.
///
/// # Errors
/// The service's own.
pub async fn handle(world: &Arc<World>, operation: &str, input: Value, caller: &Caller) -> Answer {
    api::handle(world, operation, input, caller)
}

/// Answers one request to the OCI distribution API.
pub async fn registry(world: &Arc<World>, request: Request<impl Arriving>) -> Response<Body> {
    registry::handle(world, request).await
}
