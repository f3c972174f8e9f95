//! How versions of an object come and go.
//!
//! Source: S3 user guide, "How S3 Versioning works", "Working with objects in a versioning-suspended bucket" and
//! "Conditional requests".

use std::cmp::Reverse;

use s3s::{
    S3Error, S3Result,
    dto::{ETagCondition, Timestamp},
    s3_error,
};

use super::index::{Changes, Id, Index, NULL, Object, Record, Version};

/// What a write or removal made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Made {
    /// The version that answers name: none in a bucket that never kept any.
    pub version: Option<String>,
    /// It is, or was, a delete marker.
    pub marker: bool,
}

pub(super) fn no_key() -> S3Error {
    s3_error!(NoSuchKey, "The specified key does not exist.")
}

pub(super) fn failed() -> S3Error {
    s3_error!(PreconditionFailed, "At least one of the pre-conditions you specified did not hold")
}

fn no_version() -> S3Error {
    s3_error!(NoSuchVersion, "The specified version does not exist.")
}

/// What a conditional write asks for.
#[derive(Debug, Clone, Default)]
pub(super) struct Condition {
    pub if_match: Option<ETagCondition>,
    pub if_none_match: Option<ETagCondition>,
    pub if_size: Option<i64>,
    pub if_modified: Option<Timestamp>,
}

impl Condition {
    pub fn new(if_match: Option<ETagCondition>, if_none_match: Option<ETagCondition>) -> S3Result<Self> {
        if if_none_match.as_ref().is_some_and(|condition| !condition.is_any()) {
            return Err(s3_error!(
                NotImplemented,
                "A header you provided implies functionality that is not implemented"
            ));
        }
        Ok(Self { if_match, if_none_match, ..Self::default() })
    }

    /// Whether the write may go on.
    pub fn check(&self, index: &Index, bucket: &str, key: &str) -> S3Result<()> {
        let current = index.current(bucket, key);
        let object = current.and_then(|version| version.object.as_ref());
        if self.if_none_match.is_some() && object.is_some() {
            return Err(failed());
        }
        if self.if_match.is_none() && self.if_size.is_none() && self.if_modified.is_none() {
            return Ok(());
        }
        let (object, version) = object.zip(current).ok_or_else(no_key)?;
        let etag = self.if_match.as_ref().and_then(ETagCondition::as_etag);
        let modified = Timestamp::from(super::at(version.modified));
        if etag.is_some_and(|wanted| wanted.value() != object.etag)
            || self.if_size.is_some_and(|wanted| wanted != object.size as i64)
            || self.if_modified.as_ref().is_some_and(|wanted| *wanted != modified)
        {
            return Err(failed());
        }
        Ok(())
    }
}

/// The version that a request names, or the newest.
pub(super) fn find<'a>(
    index: &'a Index,
    bucket: &'a str,
    key: &'a str,
    version: Option<&str>,
) -> S3Result<(&'a Id, &'a Version)> {
    index.bucket(bucket)?;
    match version {
        None => index.versions(bucket, key).next().ok_or_else(no_key),
        Some(wanted) => {
            index.versions(bucket, key).find(|(_, version)| version.id == wanted).ok_or_else(no_version)
        }
    }
}

/// The object that a request names; a delete marker is none, and the answer says that there is one.
pub(super) fn object<'a>(
    index: &'a Index,
    bucket: &'a str,
    key: &'a str,
    wanted: Option<&str>,
) -> S3Result<(&'a Version, &'a Object)> {
    let (_, version) = find(index, bucket, key, wanted)?;
    if let Some(object) = &version.object {
        return Ok((version, object));
    }
    let mut error = match wanted {
        None => no_key(),
        Some(_) => {
            s3_error!(MethodNotAllowed, "The specified method is not allowed against this resource.")
        }
    };
    let mut headers = http::HeaderMap::new();
    headers.insert("x-amz-delete-marker", http::HeaderValue::from_static("true"));
    if let Ok(id) = http::HeaderValue::from_str(&version.id) {
        headers.insert("x-amz-version-id", id);
    }
    if wanted.is_some() {
        let mut text = Vec::new();
        let format = s3s::dto::TimestampFormat::HttpDate;
        let written = Timestamp::from(super::at(version.modified)).format(format, &mut text);
        if let (Ok(()), Ok(value)) = (written, http::HeaderValue::from_bytes(&text)) {
            headers.insert("last-modified", value);
        }
    }
    error.set_headers(headers);
    Err(error)
}

/// The version id as answers show it: buckets that never kept versions show none.
pub(super) fn shown(index: &Index, bucket: &str, version: &Version) -> Option<String> {
    let kept = index.get_bucket(bucket).is_some_and(|bucket| bucket.versioning.is_some());
    kept.then(|| version.id.clone())
}

fn fresh_version() -> String {
    // 32 letters and digits, as S3's own look.
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";
    rand::random::<[u8; 32]>().iter().map(|byte| char::from(letters[usize::from(byte % 64)])).collect()
}

/// Puts a version (an object, or a delete marker) on top.
pub(super) fn put(
    index: &Index,
    changes: &mut Changes,
    (bucket, key): (&str, &str),
    object: Option<Object>,
    now: i64,
) -> S3Result<Made> {
    let versioning = index.bucket(bucket)?.versioning.as_deref();
    let newest = match index.versions(bucket, key).next() {
        Some((Id::Version(_, _, Reverse(newest)), _)) => newest + 1,
        _ => 0,
    };
    let marker = object.is_none();
    let id = if versioning == Some("Enabled") {
        fresh_version()
    } else {
        for (id, old) in index.versions(bucket, key).filter(|(_, version)| version.id == NULL) {
            changes.remove_version(id.clone(), old);
        }
        NULL.to_owned()
    };
    let made = Made { version: versioning.map(|_| id.clone()), marker };
    let version = Version { id, modified: now, object };
    changes.put(Id::Version(bucket.to_owned(), key.to_owned(), Reverse(newest)), Record::Version(version));
    Ok(made)
}

/// Removes a version, or hides the object, or (in a bucket without versions) removes it.
pub(super) fn remove(
    index: &Index,
    changes: &mut Changes,
    (bucket, key): (&str, &str),
    version: Option<&str>,
    now: i64,
) -> S3Result<Made> {
    let versioning = index.bucket(bucket)?.versioning.as_deref();
    let Some(wanted) = version else {
        if versioning.is_some() {
            return put(index, changes, (bucket, key), None, now);
        }
        if let Some((id, old)) = index.versions(bucket, key).next() {
            changes.remove_version(id.clone(), old);
        }
        return Ok(Made::default());
    };
    let found = index.versions(bucket, key).find(|(_, version)| version.id == wanted);
    // What is not there is removed already.
    let mut made = Made { version: Some(wanted.to_owned()), marker: false };
    if let Some((id, old)) = found {
        made.marker = old.object.is_none();
        changes.remove_version(id.clone(), old);
    }
    Ok(made)
}
