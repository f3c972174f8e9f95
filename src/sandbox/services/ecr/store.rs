//! Repositories and their images, in one index.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::sandbox::persisted::Persisted;

use super::{lifecycle, uploads::Uploads};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Index {
    pub repositories: BTreeMap<String, Repository>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Repository {
    /// Seconds since the epoch.
    pub created: i64,
    pub immutable_tags: bool,
    /// Filters of tags for which the other way holds; `*` stands for any text.
    #[serde(default, alias = "mutable_tags")]
    pub exclusions: Vec<String>,
    pub scan_on_push: bool,
    pub lifecycle_policy: Option<String>,
    /// When the policy was last applied; seconds since the epoch.
    #[serde(default)]
    pub evaluated: Option<i64>,
    /// What a policy would do, as it was last asked.
    #[serde(default)]
    pub preview: Option<Preview>,
    /// Who may do what.
    #[serde(default)]
    pub policy: Option<String>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Digests of what was pushed to it or mounted in it.
    #[serde(default)]
    pub blobs: BTreeSet<String>,
    pub images: BTreeMap<String, Image>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Image {
    pub tags: BTreeSet<String>,
    /// Seconds since the epoch.
    pub pushed: i64,
    pub size: u64,
    pub media_type: String,
    /// The images that an index names.
    #[serde(default)]
    pub names: BTreeSet<String>,
}

/// The answer to a preview of a lifecycle policy.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Preview {
    pub text: String,
    /// Each image that would go, by its digest, with the rule's priority.
    pub expiring: BTreeMap<String, u32>,
}

/// Whether a text fits a pattern in which `*` stands for any text.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        match left.find(piece) {
            Some(at) => left = &left[at + piece.len()..],
            None => return false,
        }
    }
    left.ends_with(last)
}

impl Repository {
    fn may_move(&self, tag: &str) -> bool {
        self.immutable_tags == self.exclusions.iter().any(|filter| matches(filter, tag))
    }

    /// Applies the lifecycle policy, if there is one.
    pub fn expire(&mut self, now: i64) {
        let policy = self.lifecycle_policy.as_deref().and_then(|text| lifecycle::read(text).ok());
        if let Some(policy) = policy {
            for digest in lifecycle::expired(&policy, self, now).into_keys() {
                self.images.remove(&digest);
            }
            self.evaluated = Some(now);
        }
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
    /// The index names an image that is not here.
    #[error("the index names the image {0}, which is not in the repository")]
    NoImage(String),
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
    pub uploads: Uploads,
    pub blobs: PathBuf,
}

/// Longest manifest. Source: ECR quotas.
const MANIFEST: usize = 4 * 1024 * 1024;

pub(super) fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

impl Index {
    pub fn repository(&mut self, name: &str) -> Result<&mut Repository, StoreError> {
        self.repositories.get_mut(name).ok_or_else(|| StoreError::NoRepository(name.to_owned()))
    }

    /// Whether any repository has a blob or an image of this digest.
    pub fn has(&self, digest: &str) -> bool {
        self.repositories.values().any(|one| one.blobs.contains(digest) || one.images.contains_key(digest))
    }
}

impl Store {
    pub fn open(dir: &Path) -> io::Result<Self> {
        let blobs = dir.join("blobs");
        fs::create_dir_all(&blobs)?;
        for entry in fs::read_dir(&blobs)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(".tmp") {
                // What a kill left of a write that nobody was told of.
                fs::remove_file(entry.path())?;
            }
        }
        let uploads = Uploads::open(&dir.join("uploads"))?;
        Ok(Self { index: Persisted::open(dir.join("index.json"))?, uploads, blobs })
    }

    pub fn has(&self, repository: &str) -> bool {
        self.index.read(|index| index.repositories.contains_key(repository))
    }

    /// The manifest file of an image that is in a repository.
    pub fn image(&self, repository: &str, digest: &str) -> Option<PathBuf> {
        let there = self
            .index
            .read(|index| index.repositories.get(repository).is_some_and(|r| r.images.contains_key(digest)));
        if there { self.file(digest) } else { None }
    }

    pub fn put_image(
        &self,
        repository: &str,
        tag: Option<&str>,
        manifest: &[u8],
    ) -> Result<String, StoreError> {
        if manifest.len() > MANIFEST {
            return Err(StoreError::BadManifest(format!("it is longer than {MANIFEST} bytes")));
        }
        if !self.has(repository) {
            return Err(StoreError::NoRepository(repository.to_owned()));
        }
        let parsed: Value =
            serde_json::from_slice(manifest).map_err(|error| StoreError::BadManifest(error.to_string()))?;
        let digests = |list: &[Value]| -> Result<Vec<String>, StoreError> {
            let digest = |one: &Value| one["digest"].as_str().map(str::to_owned);
            let missing = || StoreError::BadManifest("what it names has no digest".to_owned());
            list.iter().map(|one| digest(one).ok_or_else(missing)).collect()
        };
        let (mut size, mut names) = (0, BTreeSet::new());
        if let Some(images) = parsed["manifests"].as_array() {
            for digest in digests(images)? {
                self.image(repository, &digest).ok_or_else(|| StoreError::NoImage(digest.clone()))?;
                names.insert(digest);
            }
        } else {
            let layers = parsed["layers"].as_array().map(Vec::as_slice).unwrap_or_default();
            for digest in digests(&[std::slice::from_ref(&parsed["config"]), layers].concat())? {
                let path = self.blob(repository, &digest).ok_or(StoreError::NoLayer(digest))?;
                size += fs::metadata(path)?.len();
            }
        }
        let digest = digest_of(manifest);
        let media_type = parsed["mediaType"].as_str().unwrap_or("application/vnd.oci.image.manifest.v1+json");
        self.index.update(|index| {
            let stored = index.repository(repository)?;
            self.put_manifest(&digest, manifest)?;
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
                names,
            });
            image.tags.extend(tag.map(str::to_owned));
            stored.expire(time::OffsetDateTime::now_utc().unix_timestamp());
            Ok(digest.clone())
        })
    }
}
