//! Configurations of buckets. Each is kept and given back; of what the sandbox acts on, `about.rs` (default encryption)
//! and the policy below (blocked public policies) tell.

use s3s::{S3Error, S3Request, S3Result, dto::*, s3_error};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Api, index::Bucket};

pub(super) const POLICY: &str = "policy";
pub(super) const BLOCK: &str = "public-access-block";
pub(super) const ENCRYPTION: &str = "encryption";
pub(super) const LIFECYCLE: &str = "lifecycle";
pub(super) const OWNERSHIP: &str = "ownership";
pub(super) const TAGS: &str = "tags";

/// Longest policy. Source: S3 user guide, "Bucket policies for Amazon S3".
const LONGEST: usize = 20 * 1024;

fn get<T: DeserializeOwned>(bucket: &Bucket, name: &str) -> Option<T> {
    serde_json::from_str(bucket.settings.get(name)?).ok()
}

fn set<T: Serialize>(bucket: &mut Bucket, name: &str, value: &T) -> S3Result<()> {
    let text = serde_json::to_string(value).map_err(S3Error::internal_error)?;
    bucket.settings.insert(name.to_owned(), text);
    Ok(())
}

impl Api {
    fn setting<T: DeserializeOwned>(&self, bucket: &str, name: &str) -> S3Result<Option<T>> {
        self.state.read(|index| index.bucket(bucket).map(|bucket| get(bucket, name)))
    }

    fn keep<T: Serialize>(&self, bucket: &str, name: &str, value: &T) -> S3Result<()> {
        self.state.change_bucket(bucket, |bucket| set(bucket, name, value))
    }

    fn forget(&self, bucket: &str, name: &str) -> S3Result<()> {
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

pub(super) async fn encryption(
    api: &Api,
    req: S3Request<GetBucketEncryptionInput>,
) -> S3Result<GetBucketEncryptionOutput> {
    let found = api.state.read(|index| -> S3Result<_> {
        let bucket = index.bucket(&req.input.bucket)?;
        let usual = || ServerSideEncryptionConfiguration {
            rules: vec![ServerSideEncryptionRule {
                apply_server_side_encryption_by_default: Some(default_encryption(bucket)),
                bucket_key_enabled: Some(false),
            }],
        };
        Ok(get(bucket, ENCRYPTION).unwrap_or_else(usual))
    })?;
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
fn blocked(bucket: &Bucket) -> Option<PublicAccessBlockConfiguration> {
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

pub(super) async fn ownership(
    api: &Api,
    req: S3Request<GetBucketOwnershipControlsInput>,
) -> S3Result<GetBucketOwnershipControlsOutput> {
    let kept: Option<String> = api.setting(&req.input.bucket, OWNERSHIP)?;
    let kept = kept.unwrap_or_else(|| ObjectOwnership::BUCKET_OWNER_ENFORCED.to_owned());
    if kept.is_empty() {
        return Err(s3_error!(
            OwnershipControlsNotFoundError,
            "The bucket ownership controls were not found"
        ));
    }
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

fn no_policy() -> S3Error {
    s3_error!(NoSuchBucketPolicy, "The bucket policy does not exist")
}

/// A statement that lets anyone in. Source: S3 user guide, "The meaning of public".
fn is_public(policy: &Value) -> bool {
    let all = match &policy["Statement"] {
        Value::Array(list) => list.iter().collect(),
        one => vec![one],
    };
    let anyone = |who: &Value| {
        let aws = if who.is_object() { &who["AWS"] } else { who };
        aws == "*" || aws.as_array().is_some_and(|list| list.iter().any(|one| one == "*"))
    };
    let narrow = |one: &Value| one["Condition"].as_object().is_some_and(|map| !map.is_empty());
    all.into_iter().any(|one| one["Effect"] == "Allow" && anyone(&one["Principal"]) && !narrow(one))
}

/// Whether a text is a policy of this bucket; what it means is not looked at further.
fn read_policy(name: &str, text: &str) -> S3Result<Value> {
    let wrong = |words: &'static str| S3Error::with_message(s3s::S3ErrorCode::MalformedPolicy, words);
    if text.len() > LONGEST {
        return Err(wrong("Policy exceeds the maximum allowed document size."));
    }
    let policy: Value = serde_json::from_str(text)
        .map_err(|_| wrong("Policies must be valid JSON and the first byte must be '{'"))?;
    let all = match &policy["Statement"] {
        Value::Array(list) if !list.is_empty() => list.iter().collect(),
        one @ Value::Object(_) => vec![one],
        _ => return Err(wrong("Missing required field Statement")),
    };
    let arn = format!("arn:aws:s3:::{name}");
    for one in all {
        for (field, other) in [
            ("Effect", "Effect"),
            ("Principal", "NotPrincipal"),
            ("Action", "NotAction"),
            ("Resource", "NotResource"),
        ] {
            if one[field].is_null() && one[other].is_null() {
                return Err(S3Error::with_message(
                    s3s::S3ErrorCode::MalformedPolicy,
                    format!("Missing required field {field}"),
                ));
            }
        }
        if !matches!(one["Effect"].as_str(), Some("Allow" | "Deny")) {
            return Err(wrong("Invalid effect"));
        }
        let resources = match &one["Resource"] {
            Value::Array(list) => list.iter().collect(),
            Value::Null => Vec::new(),
            one => vec![one],
        };
        let of_it = |resource: &&Value| {
            resource.as_str().is_some_and(|text| text == arn || text.starts_with(&format!("{arn}/")))
        };
        if !resources.iter().all(of_it) {
            return Err(wrong("Policy has invalid resource"));
        }
    }
    Ok(policy)
}

pub(super) async fn policy(
    api: &Api,
    req: S3Request<GetBucketPolicyInput>,
) -> S3Result<GetBucketPolicyOutput> {
    let name = &req.input.bucket;
    let kept =
        api.state.read(|index| index.bucket(name).map(|bucket| bucket.settings.get(POLICY).cloned()))?;
    Ok(GetBucketPolicyOutput { policy: Some(kept.ok_or_else(no_policy)?) })
}

pub(super) async fn policy_status(
    api: &Api,
    req: S3Request<GetBucketPolicyStatusInput>,
) -> S3Result<GetBucketPolicyStatusOutput> {
    let kept: Option<Value> = api.setting(&req.input.bucket, POLICY)?;
    let is_public = Some(is_public(&kept.ok_or_else(no_policy)?));
    Ok(GetBucketPolicyStatusOutput { policy_status: Some(PolicyStatus { is_public }) })
}

pub(super) async fn put_policy(
    api: &Api,
    req: S3Request<PutBucketPolicyInput>,
) -> S3Result<PutBucketPolicyOutput> {
    let (name, text) = (&req.input.bucket, &req.input.policy);
    let policy = read_policy(name, text)?;
    api.state.change_bucket(name, |bucket| {
        let forbidden = blocked(bucket).and_then(|one| one.block_public_policy).unwrap_or(false);
        if forbidden && is_public(&policy) {
            return Err(s3_error!(
                AccessDenied,
                "Public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access."
            ));
        }
        bucket.settings.insert(POLICY.to_owned(), text.clone());
        Ok(())
    })?;
    Ok(PutBucketPolicyOutput::default())
}

pub(super) async fn delete_policy(
    api: &Api,
    req: S3Request<DeleteBucketPolicyInput>,
) -> S3Result<DeleteBucketPolicyOutput> {
    api.forget(&req.input.bucket, POLICY)?;
    Ok(DeleteBucketPolicyOutput::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_of_its_bucket_and_public_where_it_lets_anyone_in() {
        let text = |who: &str, what: &str| {
            format!(
                r#"{{"Statement":[{{"Effect":"Allow","Principal":{who},"Action":"s3:*","Resource":"{what}"}}]}}"#
            )
        };
        let policy = read_policy("b", &text(r#"{"AWS":["*"]}"#, "arn:aws:s3:::b/*")).expect("is one");
        assert!(is_public(&policy));
        let policy = read_policy("b", &text(r#"{"AWS":"1"}"#, "arn:aws:s3:::b")).expect("is one");
        assert!(!is_public(&policy));
        for wrong in [text("\"*\"", "arn:aws:s3:::bb/*"), "[]".to_owned(), "{}".to_owned(), "x".to_owned()] {
            assert!(read_policy("b", &wrong).is_err(), "{wrong}");
        }
    }
}
