//! What S3 knows: buckets, the versions of their objects, uploads under way and their parts, as one ordered map on disk.
//!
//! Invariant: a change is decided on and written under one lock, whole or not at all; each file has one owner.

use std::{cmp::Reverse, collections::BTreeMap, io, path::Path};

use s3s::{S3Error, S3Result, dto::Timestamp, s3_error};
use serde::{Deserialize, Serialize};

use crate::sandbox::journal::Journal;

use super::checksum::{Algorithm, Sum};

/// The id of the one version that a bucket without versioning keeps of an object.
pub(super) const NULL: &str = "null";

/// Under what a record stands. The order is that of listings: keys by their bytes, the newest version first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Id {
    Bucket(String),
    /// Bucket, key, and how new it is among the versions of its key.
    Version(String, String, Reverse<u64>),
    /// Bucket, key, upload id.
    Upload(String, String, String),
    /// Upload id and number.
    Part(String, i32),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Record {
    Bucket(Bucket),
    Version(Version),
    Upload(Upload),
    Part(Part),
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Bucket {
    /// Seconds since the epoch.
    pub created: i64,
    /// `Enabled`, `Suspended`, or none where it never was on.
    #[serde(default)]
    pub versioning: Option<String>,
    /// Configurations, each as JSON, by name.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Version {
    pub id: String,
    /// Milliseconds since the epoch.
    pub modified: i64,
    /// None for a delete marker.
    pub object: Option<Object>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Object {
    /// Name of its file.
    pub file: String,
    pub size: u64,
    pub etag: String,
    #[serde(default)]
    pub sum: Option<Sum>,
    #[serde(default)]
    pub about: About,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Of what it was put together.
    #[serde(default)]
    pub parts: Vec<Piece>,
}

/// A part as it is remembered in the object it became a part of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Piece {
    pub number: i32,
    pub size: u64,
    pub sum: Option<Sum>,
}

/// What a client says of an object and gets back with it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct About {
    pub content_type: Option<String>,
    pub cache_control: Option<String>,
    pub content_disposition: Option<String>,
    pub content_encoding: Option<String>,
    pub content_language: Option<String>,
    pub expires: Option<Timestamp>,
    pub redirect: Option<String>,
    pub storage_class: Option<String>,
    pub encryption: Option<String>,
    pub key_id: Option<String>,
    pub metadata: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Upload {
    /// Milliseconds since the epoch.
    pub begun: i64,
    pub about: About,
    pub tags: BTreeMap<String, String>,
    pub algorithm: Algorithm,
    /// The client named the algorithm.
    pub named: bool,
    /// The object's checksum is one of its parts' checksums.
    pub composite: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Part {
    pub file: String,
    pub size: u64,
    pub etag: String,
    pub sum: Sum,
    /// Milliseconds since the epoch.
    pub modified: i64,
}

/// What is to become of the map, and the files that nobody owns afterwards.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub list: Vec<(Id, Option<Record>)>,
    pub doomed: Vec<String>,
}

impl Changes {
    pub fn put(&mut self, id: Id, record: Record) {
        self.list.push((id, Some(record)));
    }

    pub fn remove(&mut self, id: Id) {
        self.list.push((id, None));
    }

    pub fn remove_version(&mut self, id: Id, version: &Version) {
        self.remove(id);
        self.doomed.extend(version.object.as_ref().map(|object| object.file.clone()));
    }
}

#[derive(Debug)]
pub(super) struct Index(Journal<Id, Record>);

fn no_bucket() -> S3Error {
    s3_error!(NoSuchBucket, "The specified bucket does not exist")
}

pub(super) fn no_upload() -> S3Error {
    s3_error!(
        NoSuchUpload,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
    )
}

impl Index {
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(Journal::open(path)?))
    }

    pub fn apply(&mut self, list: Vec<(Id, Option<Record>)>) -> io::Result<()> {
        self.0.apply(list)
    }

    pub fn buckets(&self) -> impl Iterator<Item = (&str, &Bucket)> {
        self.0.map().iter().map_while(|(id, record)| match (id, record) {
            (Id::Bucket(name), Record::Bucket(bucket)) => Some((name.as_str(), bucket)),
            _ => None,
        })
    }

    pub fn get_bucket(&self, name: &str) -> Option<&Bucket> {
        match self.0.map().get(&Id::Bucket(name.to_owned())) {
            Some(Record::Bucket(bucket)) => Some(bucket),
            _ => None,
        }
    }

    pub fn bucket(&self, name: &str) -> S3Result<&Bucket> {
        self.get_bucket(name).ok_or_else(no_bucket)
    }

    /// Versions from a place on, in the order of listings, to the end of the bucket.
    pub fn versions_from<'a>(
        &'a self,
        bucket: &'a str,
        key: &str,
        newest: u64,
    ) -> impl Iterator<Item = (&'a Id, &'a str, &'a Version)> {
        let start = Id::Version(bucket.to_owned(), key.to_owned(), Reverse(newest));
        self.0.map().range(start..).map_while(move |(id, record)| match (id, record) {
            (Id::Version(of, key, _), Record::Version(version)) if of == bucket => {
                Some((id, key.as_str(), version))
            }
            _ => None,
        })
    }

    /// All versions of one key, the newest first.
    pub fn versions<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
    ) -> impl Iterator<Item = (&'a Id, &'a Version)> {
        let all = self.versions_from(bucket, key, u64::MAX);
        all.take_while(move |(_, of, _)| *of == key).map(|(id, _, version)| (id, version))
    }

    pub fn current<'a>(&'a self, bucket: &'a str, key: &'a str) -> Option<&'a Version> {
        self.versions(bucket, key).next().map(|(_, version)| version)
    }

    /// The object that reads of a key see now.
    pub fn object<'a>(&'a self, bucket: &'a str, key: &'a str) -> Option<&'a Object> {
        self.current(bucket, key)?.object.as_ref()
    }

    pub fn upload(&self, bucket: &str, key: &str, upload: &str) -> S3Result<&Upload> {
        let id = Id::Upload(bucket.to_owned(), key.to_owned(), upload.to_owned());
        match self.0.map().get(&id) {
            Some(Record::Upload(upload)) => Ok(upload),
            _ => Err(no_upload()),
        }
    }

    /// The uploads of a bucket, by key and id.
    pub fn uploads<'a>(&'a self, bucket: &'a str) -> impl Iterator<Item = (&'a str, &'a str, &'a Upload)> {
        let start = Id::Upload(bucket.to_owned(), String::new(), String::new());
        self.0.map().range(start..).map_while(move |(id, record)| match (id, record) {
            (Id::Upload(of, key, id), Record::Upload(upload)) if of == bucket => {
                Some((key.as_str(), id.as_str(), upload))
            }
            _ => None,
        })
    }

    pub fn parts<'a>(&'a self, upload: &'a str) -> impl Iterator<Item = (i32, &'a Part)> {
        self.0.map().range(Id::Part(upload.to_owned(), i32::MIN)..).map_while(move |(id, record)| {
            match (id, record) {
                (Id::Part(of, number), Record::Part(part)) if of == upload => Some((*number, part)),
                _ => None,
            }
        })
    }

    /// Names of all files that belong to something.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.0.map().values().filter_map(|record| match record {
            Record::Version(version) => version.object.as_ref().map(|object| object.file.as_str()),
            Record::Part(part) => Some(part.file.as_str()),
            Record::Bucket(_) | Record::Upload(_) => None,
        })
    }

    /// Ends an upload: it and its parts go.
    pub fn end_upload(&self, bucket: &str, key: &str, upload: &str, changes: &mut Changes) {
        changes.remove(Id::Upload(bucket.to_owned(), key.to_owned(), upload.to_owned()));
        for (number, part) in self.parts(upload) {
            changes.remove(Id::Part(upload.to_owned(), number));
            changes.doomed.push(part.file.clone());
        }
    }
}
