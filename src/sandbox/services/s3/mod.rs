//! S3 over files: an index per sandbox, and one file per object under a name of its own.
//!
//! Invariants: a key never becomes a path; a conditional write is decided and made under one lock; an object's
//! bytes are on disk before its key points at them.

mod api;
mod index;
mod rules;
mod stacks;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use time::OffsetDateTime;

use crate::sandbox::persisted::Persisted;

pub use api::Api;
use index::Index;
pub use stacks::BucketGone;

/// What it answers.
pub const OPERATIONS: &[&str] = &[
    "AbortMultipartUpload",
    "CompleteMultipartUpload",
    "CreateBucket",
    "CreateMultipartUpload",
    "DeleteBucket",
    "DeleteObject",
    "DeleteObjects",
    "GetBucketLocation",
    "GetObject",
    "HeadBucket",
    "HeadObject",
    "ListBuckets",
    "ListObjectsV2",
    "PutBucketVersioning",
    "PutObject",
    "PutPublicAccessBlock",
    "UploadPart",
];

/// State of the service.
#[derive(Debug)]
pub struct S3 {
    index: Persisted<Index>,
    objects: PathBuf,
}

/// S3 as shared between the front door and the services that read objects.
pub type SharedS3 = Arc<S3>;

impl S3 {
    /// Opens the state kept in `dir`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let objects = dir.join("objects");
        fs::create_dir_all(&objects)?;
        Ok(Self { index: Persisted::open(dir.join("index.json"))?, objects })
    }

    /// Makes a bucket unless it is there; returns whether it was made.
    ///
    /// # Errors
    /// When that cannot be kept.
    pub fn make_bucket(&self, name: &str) -> io::Result<bool> {
        self.index.update(|index| Ok(index.make_bucket(name, OffsetDateTime::now_utc().unix_timestamp())))
    }

    /// The file with an object's current content.
    pub fn object_path(&self, bucket: &str, key: &str) -> Option<PathBuf> {
        self.index.read(|index| {
            let object = index.buckets.get(bucket)?.objects.get(key)?;
            Some(self.objects.join(&object.file))
        })
    }
}
