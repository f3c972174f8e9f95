//! `AWS::S3::Bucket` and `AWS::S3::BucketPolicy`.
//!
//! Settings are kept with the bucket as S3's own operations would keep them, and read from there.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::sandbox::{
    call::ServiceError,
    policy::{self, Policy},
    services::{
        cloudformation::{
            diff::Recreation::{self, Always, Never},
            template::Made,
        },
        s3::{BucketGone, POLICY},
    },
};

use super::{At, Kind, Naming, Outcome, Properties};

pub(super) struct Bucket;
pub(super) struct BucketPolicy;

fn invalid(text: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidRequest", text)
}

/// Source: S3 user guide, "General purpose bucket naming rules".
fn check_name(name: &str) -> Outcome<()> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    let ends = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = name.as_bytes();
    if (3..=63).contains(&name.len())
        && name.bytes().all(plain)
        && ends(bytes.first().copied())
        && ends(bytes.last().copied())
        && !name.contains("..")
    {
        return Ok(());
    }
    Err(ServiceError::client("InvalidBucketName", format!("Bucket name {name} is not valid")))
}

fn made(at: &At, name: &str) -> Made {
    let region = &at.caller.region;
    let domain = format!("{name}.s3.amazonaws.com");
    let regional = format!("{name}.s3.{region}.amazonaws.com");
    let attributes = json!({ "Arn": format!("arn:aws:s3:::{name}"), "DomainName": domain, "RegionalDomainName": regional });
    Made { physical: name.to_owned(), attributes: attributes.as_object().cloned().unwrap_or_default() }
}

/// The actions that properties of a bucket need. Source: the handlers of the resource type's schema.
const ACTIONS: [(&str, &str); 5] = [
    ("PublicAccessBlockConfiguration", "PutBucketPublicAccessBlock"),
    ("OwnershipControls", "PutBucketOwnershipControls"),
    ("BucketEncryption", "PutEncryptionConfiguration"),
    ("VersioningConfiguration", "PutBucketVersioning"),
    ("Tags", "PutBucketTagging"),
];

/// Whether whoever makes the stack may change what it changes.
fn may_configure(at: &At, name: &str, old: &Properties, new: &Properties) -> Outcome<()> {
    for (property, action) in ACTIONS {
        if old.get(property) != new.get(property) {
            at.may("s3", action, &format!("arn:aws:s3:::{name}"))?;
        }
    }
    Ok(())
}

#[async_trait]
impl Kind for Bucket {
    fn name(&self) -> &'static str {
        "AWS::S3::Bucket"
    }

    fn properties(&self) -> &'static [(&'static str, Recreation)] {
        &[
            ("BucketName", Always),
            ("PublicAccessBlockConfiguration", Never),
            ("OwnershipControls", Never),
            ("BucketEncryption", Never),
            ("VersioningConfiguration", Never),
            ("Tags", Never),
        ]
    }

    fn attributes(&self) -> &'static [&'static str] {
        &["Arn", "DomainName", "RegionalDomainName"]
    }

    fn naming(&self) -> Option<Naming> {
        Some(Naming { property: "BucketName", longest: 63, lower: true })
    }

    async fn find(&self, at: &At, name: &str) -> Outcome<Option<Made>> {
        Ok(at.world.s3.has_bucket(name).then(|| made(at, name)))
    }

    async fn create(&self, at: &At, name: &str, properties: &Properties) -> Outcome<Made> {
        check_name(name)?;
        at.may("s3", "CreateBucket", &format!("arn:aws:s3:::{name}"))?;
        may_configure(at, name, &Properties::default(), properties)?;
        if !at.world.s3.make_bucket(name)? {
            let text = "Your previous request to create the named bucket succeeded and you already own it.";
            return Err(ServiceError {
                status: 409,
                code: "BucketAlreadyOwnedByYou",
                message: text.to_owned(),
            });
        }
        at.world.s3.configure(name, properties)?;
        Ok(made(at, name))
    }

    async fn update(&self, at: &At, physical: &str, old: &Properties, new: &Properties) -> Outcome<Made> {
        may_configure(at, physical, old, new)?;
        at.world.s3.configure(physical, new)?;
        Ok(made(at, physical))
    }

    async fn delete(&self, at: &At, physical: &str, _: &Properties) -> Outcome<()> {
        at.may("s3", "DeleteBucket", &format!("arn:aws:s3:::{physical}"))?;
        match at.world.s3.remove_bucket(physical)? {
            BucketGone::NotEmpty => Err(ServiceError {
                status: 409,
                code: "BucketNotEmpty",
                message: "The bucket you tried to delete is not empty".to_owned(),
            }),
            BucketGone::Removed | BucketGone::NotThere => Ok(()),
        }
    }

    async fn read(&self, at: &At, physical: &str) -> Outcome<Option<Properties>> {
        Ok(at.world.s3.configured(physical))
    }
}

#[async_trait]
impl Kind for BucketPolicy {
    fn name(&self) -> &'static str {
        "AWS::S3::BucketPolicy"
    }

    fn properties(&self) -> &'static [(&'static str, Recreation)] {
        &[("Bucket", Always), ("PolicyDocument", Never)]
    }

    fn required(&self) -> &'static [&'static str] {
        &["Bucket", "PolicyDocument"]
    }

    fn naming(&self) -> Option<Naming> {
        Some(Naming { property: "Bucket", longest: 63, lower: true })
    }

    async fn find(&self, at: &At, name: &str) -> Outcome<Option<Made>> {
        let found = at.world.s3.setting(name, POLICY);
        Ok(found.map(|_| Made { physical: name.to_owned(), ..Made::default() }))
    }

    async fn create(&self, at: &At, name: &str, properties: &Properties) -> Outcome<Made> {
        self.update(at, name, properties, properties).await
    }

    async fn update(&self, at: &At, physical: &str, _: &Properties, new: &Properties) -> Outcome<Made> {
        let document = new.get("PolicyDocument").unwrap_or(&Value::Null);
        let text = document.to_string();
        Policy::read(&text, policy::Kind::Resource)
            .map_err(|why| ServiceError::client("MalformedPolicy", why.to_string()))?;
        if !at.world.s3.has_bucket(physical) {
            return Err(ServiceError {
                status: 404,
                code: "NoSuchBucket",
                message: "The specified bucket does not exist".to_owned(),
            });
        }
        at.may("s3", "PutBucketPolicy", &format!("arn:aws:s3:::{physical}"))?;
        at.world.s3.set(physical, POLICY, Some(text)).map_err(|error| invalid(error.to_string()))?;
        Ok(Made { physical: physical.to_owned(), ..Made::default() })
    }

    async fn delete(&self, at: &At, physical: &str, _: &Properties) -> Outcome<()> {
        if at.world.s3.has_bucket(physical) {
            at.may("s3", "DeleteBucketPolicy", &format!("arn:aws:s3:::{physical}"))?;
            at.world.s3.set(physical, POLICY, None)?;
        }
        Ok(())
    }

    async fn read(&self, at: &At, physical: &str) -> Outcome<Option<Properties>> {
        let Some(text) = at.world.s3.setting(physical, POLICY) else { return Ok(None) };
        let document: Value = serde_json::from_str(&text).unwrap_or_default();
        Ok(json!({ "Bucket": physical, "PolicyDocument": document }).as_object().cloned())
    }
}
