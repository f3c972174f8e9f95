//! Calls of S3, whose actions have other names than its operations, and which may need several.
//!
//! Sources: Amazon S3 user guide, "Required permissions for Amazon S3 API operations"; Service Authorization Reference,
//! "Actions, resources, and condition keys for Amazon S3".

use http::HeaderMap;
use s3s::dto::CopySource;

use crate::sandbox::{auth::Keys as _, call::ServiceError, world::World};

use super::{Need, check};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The operation.
    pub operation: &'a str,
    /// The bucket, if one is named.
    pub bucket: Option<&'a str>,
    /// The key, if one is.
    pub key: Option<&'a str>,
    /// The version, if one is.
    pub version: Option<&'a str>,
    /// The query, as sent.
    pub query: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
}

/// Headers that are condition keys by their own names.
const CONDITIONS: [&str; 10] = [
    "if-match",
    "if-none-match",
    "x-amz-acl",
    "x-amz-content-sha256",
    "x-amz-copy-source",
    "x-amz-metadata-directive",
    "x-amz-object-ownership",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-storage-class",
];

impl<'a> Asked<'a> {
    fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The actions on what it names itself.
    fn actions(&self) -> Vec<&'a str> {
        let versioned = self.version.is_some();
        let one = |plain, of_version| vec![if versioned { of_version } else { plain }];
        match self.operation {
            "CompleteMultipartUpload" | "UploadPart" | "UploadPartCopy" => vec!["PutObject"],
            "PutObject" | "CopyObject" | "CreateMultipartUpload" => {
                let also = [("x-amz-tagging", "PutObjectTagging"), ("x-amz-acl", "PutObjectAcl")];
                let also = also.into_iter().filter(|(header, _)| self.headers.contains_key(*header));
                ["PutObject"].into_iter().chain(also.map(|(_, action)| action)).collect()
            }
            "CreateBucket" => {
                let also =
                    [("x-amz-object-ownership", "PutBucketOwnershipControls"), ("x-amz-acl", "PutBucketAcl")];
                let also = also.into_iter().filter(|(header, _)| self.headers.contains_key(*header));
                ["CreateBucket"].into_iter().chain(also.map(|(_, action)| action)).collect()
            }
            "GetObject" | "HeadObject" => one("GetObject", "GetObjectVersion"),
            "GetObjectAttributes" if versioned => vec!["GetObjectVersion", "GetObjectVersionAttributes"],
            "GetObjectAttributes" => vec!["GetObject", "GetObjectAttributes"],
            "DeleteObject" | "DeleteObjects" => one("DeleteObject", "DeleteObjectVersion"),
            "GetObjectTagging" => one("GetObjectTagging", "GetObjectVersionTagging"),
            "PutObjectTagging" => one("PutObjectTagging", "PutObjectVersionTagging"),
            "DeleteObjectTagging" => one("DeleteObjectTagging", "DeleteObjectVersionTagging"),
            "DeleteBucketEncryption" | "PutBucketEncryption" => vec!["PutEncryptionConfiguration"],
            "GetBucketEncryption" => vec!["GetEncryptionConfiguration"],
            "DeleteBucketLifecycle" | "PutBucketLifecycleConfiguration" => vec!["PutLifecycleConfiguration"],
            "GetBucketLifecycleConfiguration" => vec!["GetLifecycleConfiguration"],
            "DeleteBucketOwnershipControls" => vec!["PutBucketOwnershipControls"],
            "DeleteBucketTagging" => vec!["PutBucketTagging"],
            "DeletePublicAccessBlock" | "PutPublicAccessBlock" => vec!["PutBucketPublicAccessBlock"],
            "GetPublicAccessBlock" => vec!["GetBucketPublicAccessBlock"],
            "HeadBucket" | "ListObjects" | "ListObjectsV2" => vec!["ListBucket"],
            "ListBuckets" => vec!["ListAllMyBuckets"],
            "ListMultipartUploads" => vec!["ListBucketMultipartUploads"],
            "ListObjectVersions" => vec!["ListBucketVersions"],
            "ListParts" => vec!["ListMultipartUploadParts"],
            other => vec![other],
        }
    }

    fn resource(&self) -> String {
        match (self.bucket, self.key) {
            (Some(bucket), Some(key)) => format!("arn:aws:s3:::{bucket}/{key}"),
            (Some(bucket), None) => format!("arn:aws:s3:::{bucket}"),
            // Every bucket. Policies name it so, or by `*`.
            (None, _) => "arn:aws:s3:::*".to_owned(),
        }
    }

    /// All that it needs.
    fn needs(&self) -> Vec<Need> {
        let mut like = Need::new("", self.resource()).with("s3:VersionId", self.version);
        let pairs = serde_urlencoded::from_str::<Vec<(String, String)>>(self.query).unwrap_or_default();
        for name in ["prefix", "delimiter", "max-keys"] {
            let value = pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
            like = like.with(&format!("s3:{name}"), value);
        }
        for name in CONDITIONS {
            like = like.with(&format!("s3:{name}"), self.header(name));
        }
        // Whether an object is there afterwards. Source: Amazon S3 user guide, "Enforce conditional writes on buckets".
        let whole = matches!(self.operation, "CompleteMultipartUpload" | "CopyObject" | "PutObject");
        like = like.with("s3:ObjectCreationOperation", Some(if whole { "true" } else { "false" }));
        let tags = self.header("x-amz-tagging").unwrap_or_default();
        let tags = serde_urlencoded::from_str::<Vec<(String, String)>>(tags).unwrap_or_default();
        for (key, value) in &tags {
            like = like.with(&format!("s3:RequestObjectTag/{key}"), Some(value));
        }
        if !tags.is_empty() {
            let keys = tags.iter().map(|(key, _)| key.clone()).collect();
            like.more.push(("s3:RequestObjectTagKeys".to_owned(), keys));
        }
        let actions = self.actions().into_iter();
        let mut needs: Vec<Need> =
            actions.map(|action| Need { action: format!("s3:{action}"), ..like.clone() }).collect();
        // What is copied is read. A source that is none is refused as such.
        if let Some(Ok(CopySource::Bucket { bucket, key, version_id })) =
            self.header("x-amz-copy-source").map(CopySource::parse)
        {
            let version = version_id.as_deref();
            let action = if version.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
            let source = format!("arn:aws:s3:::{bucket}/{key}");
            needs.push(Need::new(action, source).with("s3:VersionId", version));
        }
        needs
    }
}

/// The version that a query names.
pub fn version(query: &str) -> Option<String> {
    let pairs = serde_urlencoded::from_str::<Vec<(String, String)>>(query).ok()?;
    pairs.into_iter().find(|(key, _)| key == "versionId").map(|(_, value)| value)
}

/// Whether a call may be made.
///
/// # Errors
/// S3's own refusal, in the words of AWS.
pub fn permit(world: &World, access_key_id: &str, asked: Asked<'_>) -> Result<(), ServiceError> {
    let Some(key) = world.key(access_key_id) else { return Ok(()) };
    let caller = world.identity.caller(access_key_id, key);
    check(world, &caller, "s3", asked.needs())?;
    // Who may not list a bucket is not told what it does not hold. Source: Amazon S3 API reference, GetObject.
    if let ("GetObject" | "HeadObject", Some(bucket), Some(key), None) =
        (asked.operation, asked.bucket, asked.key, asked.version)
        && world.s3.object_path(bucket, key).is_none()
    {
        let list = Need::new("s3:ListBucket", format!("arn:aws:s3:::{bucket}"));
        return check(world, &caller, "s3", vec![list]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needed(operation: &str, query: &str, headers: &[(&'static str, &'static str)]) -> Vec<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().expect("is valid"));
        }
        let version = version(query);
        let asked = Asked {
            operation,
            bucket: Some("b"),
            key: Some("k"),
            version: version.as_deref(),
            query,
            headers: &map,
        };
        asked.needs().into_iter().map(|need| format!("{} {}", need.action, need.resource)).collect()
    }

    #[test]
    fn a_version_has_actions_of_its_own() {
        assert_eq!(needed("GetObject", "", &[]), ["s3:GetObject arn:aws:s3:::b/k"]);
        assert_eq!(needed("HeadObject", "versionId=1", &[]), ["s3:GetObjectVersion arn:aws:s3:::b/k"]);
        assert_eq!(needed("DeleteObject", "versionId=1", &[]), ["s3:DeleteObjectVersion arn:aws:s3:::b/k"]);
        assert_eq!(
            needed("GetObjectTagging", "tagging&versionId=1", &[]),
            ["s3:GetObjectVersionTagging arn:aws:s3:::b/k"]
        );
    }

    #[test]
    fn a_write_with_tags_or_from_elsewhere_needs_more() {
        assert_eq!(
            needed("PutObject", "", &[("x-amz-tagging", "a=b")]),
            ["s3:PutObject arn:aws:s3:::b/k", "s3:PutObjectTagging arn:aws:s3:::b/k"]
        );
        assert_eq!(
            needed("CopyObject", "", &[("x-amz-copy-source", "other/one%20two?versionId=3")]),
            ["s3:PutObject arn:aws:s3:::b/k", "s3:GetObjectVersion arn:aws:s3:::other/one two"]
        );
        assert_eq!(
            needed("UploadPartCopy", "", &[("x-amz-copy-source", "/other/k")]),
            ["s3:PutObject arn:aws:s3:::b/k", "s3:GetObject arn:aws:s3:::other/k"]
        );
    }
}
