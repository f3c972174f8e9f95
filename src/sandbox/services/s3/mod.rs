//! S3 over files: one ordered map of all versions, and one file per object under a name of its own.
//!
//! Invariants: a key never becomes a path; a conditional write is decided and made under one lock; an object's
//! bytes are on disk before its key points at them; a file that no key points at is removed at the next start.

mod about;
mod api;
mod body;
mod buckets;
mod checksum;
mod index;
mod listing;
mod multipart;
mod parts;
mod pending;
mod policy;
mod read;
mod settings;
mod stacks;
mod tagging;
#[cfg(test)]
mod tests;
mod versions;
mod words;
mod write;

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::StatusCode;
use s3s::{S3Error, S3ErrorCode, S3Result};
use time::OffsetDateTime;

pub use api::Api;
pub(in crate::sandbox) use body::send;
use index::{Bucket, Changes, Id, Index, Record};
pub use policy::POLICY;
pub use stacks::BucketGone;
pub use words::worded;
pub use write::Refused;

/// What it answers.
pub const OPERATIONS: &[&str] = &[
    "AbortMultipartUpload",
    "CompleteMultipartUpload",
    "CopyObject",
    "CreateBucket",
    "CreateMultipartUpload",
    "DeleteBucket",
    "DeleteBucketEncryption",
    "DeleteBucketLifecycle",
    "DeleteBucketOwnershipControls",
    "DeleteBucketPolicy",
    "DeleteBucketTagging",
    "DeleteObject",
    "DeleteObjectTagging",
    "DeleteObjects",
    "DeletePublicAccessBlock",
    "GetBucketEncryption",
    "GetBucketLifecycleConfiguration",
    "GetBucketLocation",
    "GetBucketOwnershipControls",
    "GetBucketPolicy",
    "GetBucketPolicyStatus",
    "GetBucketTagging",
    "GetBucketVersioning",
    "GetObject",
    "GetObjectAttributes",
    "GetObjectTagging",
    "GetPublicAccessBlock",
    "HeadBucket",
    "HeadObject",
    "ListBuckets",
    "ListMultipartUploads",
    "ListObjectVersions",
    "ListObjects",
    "ListObjectsV2",
    "ListParts",
    "PutBucketEncryption",
    "PutBucketLifecycleConfiguration",
    "PutBucketOwnershipControls",
    "PutBucketPolicy",
    "PutBucketTagging",
    "PutBucketVersioning",
    "PutObject",
    "PutObjectTagging",
    "PutPublicAccessBlock",
    "UploadPart",
    "UploadPartCopy",
];

/// State of the service.
#[derive(Debug)]
pub struct S3 {
    index: Mutex<Index>,
    objects: PathBuf,
}

/// S3 as shared between the front door and the services that read objects.
pub type SharedS3 = Arc<S3>;

/// Milliseconds since the epoch.
fn now() -> i64 {
    (OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000) as i64
}

fn at(milliseconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// An error whose code the library has no word for.
fn error(code: &'static str, status: u16, words: &'static str) -> S3Error {
    let code = S3ErrorCode::from_bytes(code.as_bytes()).unwrap_or(S3ErrorCode::InvalidRequest);
    let mut error = S3Error::with_message(code, words);
    error.set_status_code(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST));
    error
}

impl S3 {
    /// Opens the state kept in `dir`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let objects = dir.join("objects");
        fs::create_dir_all(&objects)?;
        let index = Index::open(&dir.join("index.journal"))?;
        tidy(&objects, &index)?;
        Ok(Self { index: Mutex::new(index), objects })
    }

    fn lock(&self) -> MutexGuard<'_, Index> {
        // A panic while holding the lock cannot leave a half-made index: changes are applied at once or not at all.
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<R>(&self, look: impl FnOnce(&Index) -> R) -> R {
        look(&self.lock())
    }

    /// Decides on changes and makes them, with nobody in between; files they leave without an owner are removed.
    fn update<R>(&self, decide: impl FnOnce(&Index, &mut Changes) -> S3Result<R>) -> S3Result<R> {
        let mut changes = Changes::default();
        let result = {
            let mut index = self.lock();
            let result = decide(&index, &mut changes)?;
            index.apply(changes.list).map_err(S3Error::internal_error)?;
            result
        };
        for file in changes.doomed {
            // A file that stays behind wastes space until the next start, and nothing else.
            let _ = fs::remove_file(self.objects.join(file));
        }
        Ok(result)
    }

    fn change_bucket(&self, name: &str, change: impl FnOnce(&mut Bucket) -> S3Result<()>) -> S3Result<()> {
        self.update(|index, changes| {
            let mut bucket = index.bucket(name)?.clone();
            change(&mut bucket)?;
            changes.put(Id::Bucket(name.to_owned()), Record::Bucket(bucket));
            Ok(())
        })
    }

    /// Makes a bucket unless it is there; returns whether it was made.
    ///
    /// # Errors
    /// When that cannot be kept.
    pub fn make_bucket(&self, name: &str) -> io::Result<bool> {
        let made = self.update(|index, changes| {
            let missing = index.get_bucket(name).is_none();
            if missing {
                let bucket = Bucket { created: now() / 1000, ..Bucket::default() };
                changes.put(Id::Bucket(name.to_owned()), Record::Bucket(bucket));
            }
            Ok(missing)
        });
        made.map_err(io::Error::other)
    }

    /// The file with an object's current content.
    pub fn object_path(&self, bucket: &str, key: &str) -> Option<PathBuf> {
        self.read(|index| Some(self.objects.join(&index.object(bucket, key)?.file)))
    }
}

/// Removes the files that writes left which nobody was told of.
fn tidy(objects: &Path, index: &Index) -> io::Result<()> {
    let owned: BTreeSet<&str> = index.files().collect();
    for entry in fs::read_dir(objects)? {
        let entry = entry?;
        if !entry.file_name().to_str().is_some_and(|name| owned.contains(name)) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
