//! Bucket policies: whether a text is one and lets anyone in. What it says to a call, `access` finds out.

use s3s::{S3Error, S3Request, S3Result, dto::*, s3_error};
use serde_json::Value;

use crate::sandbox::policy::{Kind, Policy};

use super::{Api, settings::blocked};

/// The setting of a bucket that is its policy.
pub const POLICY: &str = "policy";

/// Longest policy. Source: S3 user guide, "Bucket policies for Amazon S3".
const LONGEST: usize = 20 * 1024;

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

/// Whether a text is a policy of this bucket.
fn read_policy(name: &str, text: &str) -> S3Result<Value> {
    let wrong = |words: &str| S3Error::with_message(s3s::S3ErrorCode::MalformedPolicy, words.to_owned());
    if text.len() > LONGEST {
        return Err(wrong("Policy exceeds the maximum allowed document size."));
    }
    let policy: Value = serde_json::from_str(text)
        .map_err(|_| wrong("Policies must be valid JSON and the first byte must be '{'"))?;
    Policy::read(text, Kind::Resource).map_err(|why| wrong(&why.to_string()))?;
    let all = match &policy["Statement"] {
        Value::Array(list) => list.iter().collect(),
        one => vec![one],
    };
    let arn = format!("arn:aws:s3:::{name}");
    for one in all {
        if one["Resource"].is_null() && one["NotResource"].is_null() {
            return Err(wrong("Missing required field Resource"));
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

pub(super) async fn get(api: &Api, req: S3Request<GetBucketPolicyInput>) -> S3Result<GetBucketPolicyOutput> {
    let name = &req.input.bucket;
    let kept =
        api.state.read(|index| index.bucket(name).map(|bucket| bucket.settings.get(POLICY).cloned()))?;
    Ok(GetBucketPolicyOutput { policy: Some(kept.ok_or_else(no_policy)?) })
}

pub(super) async fn status(
    api: &Api,
    req: S3Request<GetBucketPolicyStatusInput>,
) -> S3Result<GetBucketPolicyStatusOutput> {
    let kept: Option<Value> = api.setting(&req.input.bucket, POLICY)?;
    let is_public = Some(is_public(&kept.ok_or_else(no_policy)?));
    Ok(GetBucketPolicyStatusOutput { policy_status: Some(PolicyStatus { is_public }) })
}

pub(super) async fn put(api: &Api, req: S3Request<PutBucketPolicyInput>) -> S3Result<PutBucketPolicyOutput> {
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

pub(super) async fn delete(
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
        let policy = read_policy("b", &text(r#"{"AWS":"123456789012"}"#, "arn:aws:s3:::b")).expect("is one");
        assert!(!is_public(&policy));
        for wrong in [text("\"*\"", "arn:aws:s3:::bb/*"), "[]".to_owned(), "{}".to_owned(), "x".to_owned()] {
            assert!(read_policy("b", &wrong).is_err(), "{wrong}");
        }
    }
}
