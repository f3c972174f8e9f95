//! What comes with an object beside its bytes: headers, metadata, tags, encryption, and what of it is refused.

use std::collections::BTreeMap;

use http::HeaderMap;
use s3s::{S3Result, dto::*, s3_error};

use super::index::{About, Bucket};

/// Most bytes of user metadata. Source: S3 user guide, "Working with object metadata".
const METADATA: usize = 2048;

/// Source: API reference, PutObject, `x-amz-storage-class`.
const CLASSES: [&str; 9] = [
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "DEEP_ARCHIVE",
    "GLACIER_IR",
    "EXPRESS_ONEZONE",
];

/// Refuses what the sandbox would have to act on and cannot, in any request.
pub(super) fn refuse(headers: &HeaderMap, account: &str) -> S3Result<()> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    for name in ["x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner"] {
        if text(name).is_some_and(|owner| owner != account) {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
    }
    let unable =
        ["x-amz-server-side-encryption-customer", "x-amz-copy-source-server-side", "x-amz-object-lock"];
    if let Some(name) =
        headers.keys().map(http::HeaderName::as_str).find(|n| unable.iter().any(|start| n.starts_with(start)))
    {
        return Err(s3_error!(NotImplemented, "the sandbox does not have what {name} asks for"));
    }
    if headers.keys().any(|name| name.as_str().starts_with("x-amz-grant-"))
        || text("x-amz-acl").is_some_and(|acl| !["private", "bucket-owner-full-control"].contains(&acl))
    {
        // As in every bucket that did not choose otherwise: its owner owns all objects.
        return Err(s3_error!(AccessControlListNotSupported, "The bucket does not allow ACLs"));
    }
    Ok(())
}

/// The same members of three operations' inputs.
macro_rules! about {
    ($input:expr, $bucket:expr) => {{
        let input = &mut $input;
        $crate::sandbox::services::s3::about::checked(
            $crate::sandbox::services::s3::index::About {
                content_type: input.content_type.take(),
                cache_control: input.cache_control.take(),
                content_disposition: input.content_disposition.take(),
                content_encoding: input.content_encoding.take(),
                content_language: input.content_language.take(),
                expires: input.expires.take(),
                redirect: input.website_redirect_location.take(),
                storage_class: input.storage_class.take().map(|class| class.as_str().to_owned()),
                encryption: input.server_side_encryption.take().map(|one| one.as_str().to_owned()),
                key_id: input.ssekms_key_id.take(),
                metadata: input.metadata.take().unwrap_or_default().into_iter().collect(),
            },
            $bucket,
        )
    }};
}
pub(super) use about;

/// Fills in what the bucket says where the request says nothing.
pub(super) fn checked(mut about: About, bucket: &Bucket) -> S3Result<About> {
    let size: usize = about.metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > METADATA {
        return Err(s3_error!(
            MetadataTooLarge,
            "Your metadata headers exceed the maximum allowed metadata size"
        ));
    }
    if about.storage_class.as_deref().is_some_and(|class| !CLASSES.contains(&class)) {
        return Err(s3_error!(InvalidStorageClass, "The storage class you specified is not valid"));
    }
    if !matches!(about.encryption.as_deref(), None | Some("AES256" | "aws:kms" | "aws:kms:dsse")) {
        return Err(s3_error!(InvalidArgument, "The encryption method specified is not supported"));
    }
    // How the wire wrapped the body is no property of the object.
    about.content_encoding = about.content_encoding.and_then(|text| {
        let left: Vec<&str> = text.split(',').map(str::trim).filter(|one| *one != "aws-chunked").collect();
        (!left.is_empty()).then(|| left.join(","))
    });
    if about.encryption.is_none() {
        let default = super::settings::default_encryption(bucket);
        about.encryption = Some(default.sse_algorithm.as_str().to_owned());
        about.key_id = default.kms_master_key_id;
    }
    Ok(about)
}

/// Shows it in the answers that describe an object.
macro_rules! describe {
    ($about:expr, $out:expr) => {{
        let about = $about;
        $out.content_type = Some(about.content_type.unwrap_or_else(|| "binary/octet-stream".to_owned()));
        $out.cache_control = about.cache_control;
        $out.content_disposition = about.content_disposition;
        $out.content_encoding = about.content_encoding;
        $out.content_language = about.content_language;
        $out.expires = about.expires;
        $out.website_redirect_location = about.redirect;
        // The usual class is not told.
        $out.storage_class = about.storage_class.filter(|class| class != "STANDARD").map(Into::into);
        $out.server_side_encryption = about.encryption.map(Into::into);
        $out.ssekms_key_id = about.key_id;
        $out.metadata = Some(about.metadata.into_iter().collect());
    }};
}
pub(super) use describe;

/// Tags of one object or bucket. Source: S3 user guide, "Categorizing your storage using tags".
pub(super) fn tags(set: Vec<(String, String)>, most: usize) -> S3Result<BTreeMap<String, String>> {
    if set.len() > most {
        return Err(super::error("BadRequest", 400, "There are more tags than one may have"));
    }
    let mut tags = BTreeMap::new();
    let allowed =
        |text: &str| text.chars().all(|c| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c));
    for (name, value) in set {
        if name.is_empty() || name.chars().count() > 128 || !allowed(&name) || name.starts_with("aws:") {
            return Err(s3_error!(InvalidTag, "The TagKey you have provided is invalid"));
        }
        if value.chars().count() > 256 || !allowed(&value) {
            return Err(s3_error!(InvalidTag, "The TagValue you have provided is invalid"));
        }
        if tags.insert(name, value).is_some() {
            return Err(s3_error!(InvalidTag, "Cannot provide multiple Tags with the same key"));
        }
    }
    Ok(tags)
}

/// Tags as `x-amz-tagging` carries them.
pub(super) fn tags_in_header(header: Option<&str>) -> S3Result<BTreeMap<String, String>> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(header.unwrap_or_default())
        .map_err(|_| s3_error!(InvalidArgument, "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates."))?;
    tags(pairs, 10)
}

pub(super) fn tag_set(tags: &BTreeMap<String, String>) -> TagSet {
    tags.iter().map(|(name, value)| Tag { key: Some(name.clone()), value: Some(value.clone()) }).collect()
}
