//! Configurations of buckets. Each is kept and given back; of what the sandbox acts on, `about.rs` (default encryption)
//! and `policy.rs` (blocked public policies) tell.

use s3s::{S3Error, S3Request, S3Result, dto::*, s3_error};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Api, index::Bucket};

pub(super) const BLOCK: &str = "public-access-block";
pub(super) const ENCRYPTION: &str = "encryption";
pub(super) const LIFECYCLE: &str = "lifecycle";
pub(super) const OWNERSHIP: &str = "ownership";
pub(super) const TAGS: &str = "tags";

pub(super) fn get<T: DeserializeOwned>(bucket: &Bucket, name: &str) -> Option<T> {
    serde_json::from_str(bucket.settings.get(name)?).ok()
}

fn set<T: Serialize>(bucket: &mut Bucket, name: &str, value: &T) -> S3Result<()> {
    let text = serde_json::to_string(value).map_err(S3Error::internal_error)?;
    bucket.settings.insert(name.to_owned(), text);
    Ok(())
}

impl Api {
    pub(super) fn setting<T: DeserializeOwned>(&self, bucket: &str, name: &str) -> S3Result<Option<T>> {
        self.state.read(|index| index.bucket(bucket).map(|bucket| get(bucket, name)))
    }

    fn keep<T: Serialize>(&self, bucket: &str, name: &str, value: &T) -> S3Result<()> {
        self.state.change_bucket(bucket, |bucket| set(bucket, name, value))
    }

    pub(super) fn forget(&self, bucket: &str, name: &str) -> S3Result<()> {
        self.state.change_bucket(bucket, |bucket| {
            bucket.settings.remove(name);
            Ok(())
        })
    }
}

/// How a bucket encrypts. Source: S3 user guide: since January 2023, SSE-S3 where nothing else was said.
pub(super) fn default_encryption(bucket: &Bucket) -> ServerSideEncryptionByDefault {
    let kept: Option<ServerSideEncryptionConfiguration> = get(bucket, ENCRYPTION);
    let rule =
        kept.and_then(|kept| kept.rules.into_iter().find_map(|r| r.apply_server_side_encryption_by_default));
    rule.unwrap_or_else(|| ServerSideEncryptionByDefault {
        kms_master_key_id: None,
        sse_algorithm: ServerSideEncryption::from_static(ServerSideEncryption::AES256),
    })
}

/// The same, as a whole configuration.
pub(super) fn encrypted(bucket: &Bucket) -> ServerSideEncryptionConfiguration {
    get(bucket, ENCRYPTION).unwrap_or_else(|| ServerSideEncryptionConfiguration {
        rules: vec![ServerSideEncryptionRule {
            apply_server_side_encryption_by_default: Some(default_encryption(bucket)),
            bucket_key_enabled: Some(false),
        }],
    })
}

pub(super) async fn encryption(
    api: &Api,
    req: S3Request<GetBucketEncryptionInput>,
) -> S3Result<GetBucketEncryptionOutput> {
    let found = api.state.read(|index| index.bucket(&req.input.bucket).map(encrypted))?;
    Ok(GetBucketEncryptionOutput { server_side_encryption_configuration: Some(found) })
}

pub(super) async fn put_encryption(
    api: &Api,
    req: S3Request<PutBucketEncryptionInput>,
) -> S3Result<PutBucketEncryptionOutput> {
    let asked = req.input.server_side_encryption_configuration;
    let known = |rule: &ServerSideEncryptionRule| {
        rule.apply_server_side_encryption_by_default
            .as_ref()
            .is_none_or(|one| ["AES256", "aws:kms", "aws:kms:dsse"].contains(&one.sse_algorithm.as_str()))
    };
    if asked.rules.len() != 1 || !asked.rules.iter().all(known) {
        return Err(malformed());
    }
    api.keep(&req.input.bucket, ENCRYPTION, &asked)?;
    Ok(PutBucketEncryptionOutput::default())
}

pub(super) async fn delete_encryption(
    api: &Api,
    req: S3Request<DeleteBucketEncryptionInput>,
) -> S3Result<DeleteBucketEncryptionOutput> {
    api.forget(&req.input.bucket, ENCRYPTION)?;
    Ok(DeleteBucketEncryptionOutput::default())
}

fn malformed() -> S3Error {
    s3_error!(
        MalformedXML,
        "The XML you provided was not well-formed or did not validate against our published schema"
    )
}

/// New buckets block everything since April 2023.
fn all_blocked() -> PublicAccessBlockConfiguration {
    PublicAccessBlockConfiguration {
        block_public_acls: Some(true),
        block_public_policy: Some(true),
        ignore_public_acls: Some(true),
        restrict_public_buckets: Some(true),
    }
}

/// What is blocked; none where that was taken away.
pub(super) fn blocked(bucket: &Bucket) -> Option<PublicAccessBlockConfiguration> {
    match bucket.settings.get(BLOCK) {
        None => Some(all_blocked()),
        Some(text) => serde_json::from_str(text).ok(),
    }
}

pub(super) async fn block(
    api: &Api,
    req: S3Request<GetPublicAccessBlockInput>,
) -> S3Result<GetPublicAccessBlockOutput> {
    let found = api.state.read(|index| index.bucket(&req.input.bucket).map(blocked))?;
    let found = found.ok_or_else(|| {
        let words = "The public access block configuration was not found";
        super::error("NoSuchPublicAccessBlockConfiguration", 404, words)
    })?;
    Ok(GetPublicAccessBlockOutput { public_access_block_configuration: Some(found) })
}

pub(super) async fn put_block(
    api: &Api,
    req: S3Request<PutPublicAccessBlockInput>,
) -> S3Result<PutPublicAccessBlockOutput> {
    let asked = req.input.public_access_block_configuration;
    let whole = PublicAccessBlockConfiguration {
        block_public_acls: Some(asked.block_public_acls.unwrap_or(false)),
        block_public_policy: Some(asked.block_public_policy.unwrap_or(false)),
        ignore_public_acls: Some(asked.ignore_public_acls.unwrap_or(false)),
        restrict_public_buckets: Some(asked.restrict_public_buckets.unwrap_or(false)),
    };
    api.keep(&req.input.bucket, BLOCK, &whole)?;
    Ok(PutPublicAccessBlockOutput::default())
}

pub(super) async fn delete_block(
    api: &Api,
    req: S3Request<DeletePublicAccessBlockInput>,
) -> S3Result<DeletePublicAccessBlockOutput> {
    api.keep(&req.input.bucket, BLOCK, &Value::from("none"))?;
    Ok(DeletePublicAccessBlockOutput::default())
}

pub(super) fn set_ownership(bucket: &mut Bucket, asked: &ObjectOwnership) -> S3Result<()> {
    if !["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"].contains(&asked.as_str()) {
        return Err(malformed());
    }
    set(bucket, OWNERSHIP, &asked.as_str())
}

/// Who owns objects; nothing where that was taken away.
pub(super) fn owned(bucket: &Bucket) -> Option<String> {
    let kept = get(bucket, OWNERSHIP).unwrap_or_else(|| ObjectOwnership::BUCKET_OWNER_ENFORCED.to_owned());
    Some(kept).filter(|kept| !kept.is_empty())
}

pub(super) async fn ownership(
    api: &Api,
    req: S3Request<GetBucketOwnershipControlsInput>,
) -> S3Result<GetBucketOwnershipControlsOutput> {
    let kept = api.state.read(|index| index.bucket(&req.input.bucket).map(owned))?;
    let kept = kept.ok_or_else(|| {
        s3_error!(OwnershipControlsNotFoundError, "The bucket ownership controls were not found")
    })?;
    let rules = vec![OwnershipControlsRule { object_ownership: kept.into() }];
    Ok(GetBucketOwnershipControlsOutput { ownership_controls: Some(OwnershipControls { rules }) })
}

pub(super) async fn put_ownership(
    api: &Api,
    req: S3Request<PutBucketOwnershipControlsInput>,
) -> S3Result<PutBucketOwnershipControlsOutput> {
    let rules = req.input.ownership_controls.rules;
    let [rule] = rules.as_slice() else { return Err(malformed()) };
    api.state.change_bucket(&req.input.bucket, |bucket| set_ownership(bucket, &rule.object_ownership))?;
    Ok(PutBucketOwnershipControlsOutput::default())
}

pub(super) async fn delete_ownership(
    api: &Api,
    req: S3Request<DeleteBucketOwnershipControlsInput>,
) -> S3Result<DeleteBucketOwnershipControlsOutput> {
    api.keep(&req.input.bucket, OWNERSHIP, &"")?;
    Ok(DeleteBucketOwnershipControlsOutput::default())
}
