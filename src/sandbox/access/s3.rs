//! Calls of S3, whose actions have other names than its operations.
//!
//! Source: Amazon S3 user guide, "Required permissions for Amazon S3 API operations".

use crate::sandbox::{
    auth::Keys as _,
    call::{Caller, ServiceError},
    world::World,
};

use super::{Need, Session, check};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The operation.
    pub operation: &'a str,
    /// The bucket, if one is named.
    pub bucket: Option<&'a str>,
    /// The key, if one is.
    pub key: Option<&'a str>,
    /// The query, as sent.
    pub query: &'a str,
}

fn action(operation: &str) -> &str {
    match operation {
        "CompleteMultipartUpload" | "CreateMultipartUpload" | "UploadPart" => "PutObject",
        "HeadObject" => "GetObject",
        "HeadBucket" | "ListObjects" | "ListObjectsV2" => "ListBucket",
        "DeleteObjects" => "DeleteObject",
        "ListBuckets" => "ListAllMyBuckets",
        "PutPublicAccessBlock" => "PutBucketPublicAccessBlock",
        other => other,
    }
}

/// Whether a call may be made.
///
/// # Errors
/// S3's own refusal, in the words of AWS.
pub fn permit(world: &World, access_key_id: &str, asked: Asked<'_>) -> Result<(), ServiceError> {
    let Some(session) = Session::find(world, access_key_id) else { return Ok(()) };
    let Some(key) = world.key(access_key_id) else { return Ok(()) };
    let caller = Caller {
        access_key_id: access_key_id.to_owned(),
        account: world.identity.account.clone(),
        region: world.identity.region.clone(),
        arn: key.arn,
        user_id: key.user_id,
    };
    let resource = match (asked.bucket, asked.key) {
        (Some(bucket), Some(key)) => format!("arn:aws:s3:::{bucket}/{key}"),
        (Some(bucket), None) => format!("arn:aws:s3:::{bucket}"),
        // Every bucket. Policies name it so, or by `*`.
        (None, _) => "arn:aws:s3:::*".to_owned(),
    };
    let mut need = Need::new(format!("s3:{}", action(asked.operation)), resource);
    let pairs = serde_urlencoded::from_str::<Vec<(String, String)>>(asked.query).unwrap_or_default();
    for name in ["prefix", "delimiter", "max-keys"] {
        let value = pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        need = need.with(&format!("s3:{name}"), value);
    }
    check(&session, &caller, "s3", vec![need])?;
    // Who may not list a bucket is not told what it does not hold. Source: Amazon S3 API reference, GetObject.
    if let ("GetObject" | "HeadObject", Some(bucket), Some(key)) = (asked.operation, asked.bucket, asked.key)
        && world.s3.object_path(bucket, key).is_none()
    {
        let list = Need::new("s3:ListBucket", format!("arn:aws:s3:::{bucket}"));
        return check(&session, &caller, "s3", vec![list]);
    }
    Ok(())
}
