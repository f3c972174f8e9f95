//! What S3 knows of buckets, objects and uploads under way.

use std::collections::BTreeMap;

use s3s::{S3Error, dto::ETagCondition, s3_error};
use serde::{Deserialize, Serialize};

/// All buckets.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Index {
    pub buckets: BTreeMap<String, Bucket>,
    pub uploads: BTreeMap<String, Upload>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Bucket {
    /// Seconds since the epoch.
    pub created: i64,
    pub objects: BTreeMap<String, Object>,
    /// Settings that are kept and shown but change nothing here, by name.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Object {
    /// Name of its file.
    pub file: String,
    pub size: u64,
    pub etag: String,
    /// Seconds since the epoch.
    pub modified: i64,
    pub content_type: Option<String>,
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Upload {
    pub bucket: String,
    pub key: String,
    pub content_type: Option<String>,
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    pub parts: BTreeMap<i32, Object>,
}

impl Index {
    pub fn bucket(&self, name: &str) -> Result<&Bucket, S3Error> {
        self.buckets.get(name).ok_or_else(|| s3_error!(NoSuchBucket, "The specified bucket does not exist"))
    }

    /// Makes a bucket unless it is there; returns whether it was made.
    pub fn make_bucket(&mut self, name: &str, created: i64) -> bool {
        let missing = !self.buckets.contains_key(name);
        if missing {
            self.buckets.insert(name.to_owned(), Bucket { created, ..Bucket::default() });
        }
        missing
    }

    pub fn bucket_mut(&mut self, name: &str) -> Result<&mut Bucket, S3Error> {
        self.buckets
            .get_mut(name)
            .ok_or_else(|| s3_error!(NoSuchBucket, "The specified bucket does not exist"))
    }

    pub fn object(&self, bucket: &str, key: &str) -> Result<&Object, S3Error> {
        self.bucket(bucket)?
            .objects
            .get(key)
            .ok_or_else(|| s3_error!(NoSuchKey, "The specified key does not exist."))
    }
}

impl Bucket {
    /// Whether a conditional write may go on. Source: S3 user guide, "Conditional writes".
    pub fn allows(
        &self,
        key: &str,
        if_match: Option<&ETagCondition>,
        if_none_match: Option<&ETagCondition>,
    ) -> Result<(), S3Error> {
        let current = self.objects.get(key);
        if let Some(condition) = if_match {
            let object = current.ok_or_else(|| s3_error!(NoSuchKey, "The specified key does not exist."))?;
            if condition.as_etag().is_some_and(|wanted| wanted.value() != object.etag) {
                return Err(s3_error!(
                    PreconditionFailed,
                    "At least one of the preconditions you specified did not hold"
                ));
            }
        }
        if if_none_match.is_some() && current.is_some() {
            return Err(s3_error!(
                PreconditionFailed,
                "At least one of the preconditions you specified did not hold"
            ));
        }
        Ok(())
    }
}
