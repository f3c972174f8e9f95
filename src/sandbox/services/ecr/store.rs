//! Repositories in one index, blobs in files named by their digest.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::sandbox::persisted::{Persisted, write_atomically};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Index {
    pub repositories: BTreeMap<String, Repository>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Repository {
    /// Seconds since the epoch.
    pub created: i64,
    pub immutable_tags: bool,
    /// Tags that may move all the same; `*` stands for any text at the end.
    #[serde(default)]
    pub mutable_tags: Vec<String>,
    pub scan_on_push: bool,
    pub lifecycle_policy: Option<String>,
    pub images: BTreeMap<String, Image>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Image {
    pub tags: BTreeSet<String>,
    /// Seconds since the epoch.
    pub pushed: i64,
    pub size: u64,
    pub media_type: String,
}

impl Repository {
    fn may_move(&self, tag: &str) -> bool {
        let excluded = |filter: &String| match filter.strip_suffix('*') {
            Some(start) => tag.starts_with(start),
            None => filter == tag,
        };
        !self.immutable_tags || self.mutable_tags.iter().any(excluded)
    }

    pub fn by_tag(&self, tag: &str) -> Option<&String> {
        self.images.iter().find(|(_, image)| image.tags.contains(tag)).map(|(digest, _)| digest)
    }
}

/// Why an image is not taken.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No such repository.
    #[error("The repository with name '{0}' does not exist")]
    NoRepository(String),
    /// The manifest is not one.
    #[error("the manifest is not a valid image manifest: {0}")]
    BadManifest(String),
    /// The manifest names a blob that is not here.
    #[error("the manifest names {0}, which was never uploaded")]
    NoLayer(String),
    /// The tag is taken by another image, and tags of this repository do not move.
    #[error(
        "The image tag '{0}' already exists and cannot be overwritten because the repository is immutable"
    )]
    TagTaken(String),
    /// The same image already has this tag.
    #[error("the image {0} already has this tag")]
    AlreadyThere(String),
    /// The disk refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

#[derive(Debug)]
pub(super) struct Store {
    pub index: Persisted<Index>,
    blobs: PathBuf,
}

pub(super) fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// The hex part of a digest, or `None` where it is not one: what comes from a client never becomes a path unchecked.
fn hex_of(digest: &str) -> Option<&str> {
    let hex = digest.strip_prefix("sha256:")?;
    (hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())).then_some(hex)
}

impl Store {
    pub fn open(dir: &Path) -> io::Result<Self> {
        let blobs = dir.join("blobs");
        fs::create_dir_all(&blobs)?;
        Ok(Self { index: Persisted::open(dir.join("index.json"))?, blobs })
    }

    pub fn put_blob(&self, bytes: &[u8]) -> io::Result<String> {
        let digest = digest_of(bytes);
        let path = self.blobs.join(hex_of(&digest).expect("a digest made here is one"));
        if !path.exists() {
            write_atomically(&path, bytes)?;
        }
        Ok(digest)
    }

    pub fn blob(&self, digest: &str) -> Option<PathBuf> {
        let path = self.blobs.join(hex_of(digest)?);
        path.is_file().then_some(path)
    }

    /// The manifest file of an image that is in a repository.
    pub fn image(&self, repository: &str, digest: &str) -> Option<PathBuf> {
        let there = self
            .index
            .read(|index| index.repositories.get(repository).is_some_and(|r| r.images.contains_key(digest)));
        if there { self.blob(digest) } else { None }
    }

    pub fn put_image(
        &self,
        repository: &str,
        tag: Option<&str>,
        manifest: &[u8],
    ) -> Result<String, StoreError> {
        let parsed: Value =
            serde_json::from_slice(manifest).map_err(|error| StoreError::BadManifest(error.to_string()))?;
        let mut size = 0;
        let layers = parsed["layers"].as_array().map(Vec::as_slice).unwrap_or_default();
        for blob in std::iter::once(&parsed["config"]).chain(layers) {
            let digest = blob["digest"]
                .as_str()
                .ok_or_else(|| StoreError::BadManifest("a blob has no digest".to_owned()))?;
            let path = self.blob(digest).ok_or_else(|| StoreError::NoLayer(digest.to_owned()))?;
            size += fs::metadata(path)?.len();
        }
        let digest = self.put_blob(manifest)?;
        let media_type = parsed["mediaType"].as_str().unwrap_or("application/vnd.oci.image.manifest.v1+json");
        self.index.update(|index| {
            let stored = index
                .repositories
                .get_mut(repository)
                .ok_or_else(|| StoreError::NoRepository(repository.to_owned()))?;
            if let Some(tag) = tag {
                match stored.by_tag(tag).cloned() {
                    Some(other) if other == digest => return Err(StoreError::AlreadyThere(digest.clone())),
                    Some(_) if !stored.may_move(tag) => return Err(StoreError::TagTaken(tag.to_owned())),
                    Some(other) => {
                        if let Some(image) = stored.images.get_mut(&other) {
                            image.tags.remove(tag);
                        }
                    }
                    None => {}
                }
            }
            let image = stored.images.entry(digest.clone()).or_insert_with(|| Image {
                tags: BTreeSet::new(),
                pushed: time::OffsetDateTime::now_utc().unix_timestamp(),
                size,
                media_type: media_type.to_owned(),
            });
            image.tags.extend(tag.map(str::to_owned));
            Ok(digest.clone())
        })
    }
}
