//! Buckets as stacks make, read and remove them.

use std::io;

use s3s::{S3Error, dto::ServerSideEncryptionRule};
use serde_json::{Map, Value, json};

use super::{S3, buckets, settings};

/// What came of removing a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BucketGone {
    /// It is gone.
    Removed,
    /// There was none.
    NotThere,
    /// It has objects, and stays.
    NotEmpty,
}

fn failed(error: S3Error) -> io::Error {
    io::Error::other(error)
}

/// Whether a template says yes, in JSON or in words.
fn yes(value: &Value) -> bool {
    *value == true || value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

impl S3 {
    /// Whether there is a bucket of this name.
    pub fn has_bucket(&self, name: &str) -> bool {
        self.read(|index| index.get_bucket(name).is_some())
    }

    /// Removes a bucket that has no objects.
    ///
    /// # Errors
    /// When that cannot be kept.
    pub fn remove_bucket(&self, name: &str) -> io::Result<BucketGone> {
        let gone = self.update(|index, changes| {
            if index.get_bucket(name).is_none() {
                return Ok(BucketGone::NotThere);
            }
            if !buckets::is_empty(index, name) {
                return Ok(BucketGone::NotEmpty);
            }
            buckets::drop_bucket(index, name, changes);
            Ok(BucketGone::Removed)
        });
        gone.map_err(failed)
    }

    /// A setting that is kept with a bucket.
    pub fn setting(&self, bucket: &str, name: &str) -> Option<String> {
        self.read(|index| index.get_bucket(bucket)?.settings.get(name).cloned())
    }

    /// Keeps such a setting, or removes it.
    ///
    /// # Errors
    /// When there is no such bucket, or that cannot be kept.
    pub fn set(&self, bucket: &str, name: &str, value: Option<String>) -> io::Result<()> {
        let done = self.change_bucket(bucket, |bucket| {
            match value {
                Some(value) => bucket.settings.insert(name.to_owned(), value),
                None => bucket.settings.remove(name),
            };
            Ok(())
        });
        done.map_err(failed)
    }

    /// Makes of a template's properties what the operations of S3 would have made.
    ///
    /// # Errors
    /// When there is no such bucket, or that cannot be kept.
    pub fn configure(&self, name: &str, properties: &Map<String, Value>) -> io::Result<()> {
        let none = Value::Null;
        let of = |name: &str| properties.get(name).unwrap_or(&none);
        let mut wanted: Vec<(&str, Option<Value>)> = Vec::new();
        let block = of("PublicAccessBlockConfiguration");
        wanted.push((
            settings::BLOCK,
            block.is_object().then(|| {
                json!({
                    "block_public_acls": yes(&block["BlockPublicAcls"]),
                    "block_public_policy": yes(&block["BlockPublicPolicy"]),
                    "ignore_public_acls": yes(&block["IgnorePublicAcls"]),
                    "restrict_public_buckets": yes(&block["RestrictPublicBuckets"]),
                })
            }),
        ));
        let owner = &of("OwnershipControls")["Rules"][0]["ObjectOwnership"];
        wanted.push((settings::OWNERSHIP, owner.is_string().then(|| owner.clone())));
        let tags = of("Tags").as_array();
        wanted.push((
            settings::TAGS,
            tags.map(|list| {
                let pair = |tag: &Value| Some((tag["Key"].as_str()?.to_owned(), tag["Value"].clone()));
                Value::Object(list.iter().filter_map(pair).collect())
            }),
        ));
        let rules = of("BucketEncryption")["ServerSideEncryptionConfiguration"].as_array();
        wanted.push((
            settings::ENCRYPTION,
            rules.map(|list| {
                let rule = |rule: &Value| {
                    let default = &rule["ServerSideEncryptionByDefault"];
                    json!({
                        "apply_server_side_encryption_by_default": {
                            "sse_algorithm": default["SSEAlgorithm"],
                            "kms_master_key_id": default["KMSMasterKeyID"],
                        },
                        "bucket_key_enabled": yes(&rule["BucketKeyEnabled"]),
                    })
                };
                json!({ "rules": list.iter().map(rule).collect::<Vec<_>>() })
            }),
        ));
        let versioning = of("VersioningConfiguration")["Status"].as_str().map(str::to_owned);
        let done = self.change_bucket(name, |bucket| {
            for (name, value) in wanted {
                match value {
                    Some(value) => bucket.settings.insert(name.to_owned(), value.to_string()),
                    None => bucket.settings.remove(name),
                };
            }
            // Once on, it is never off again, only suspended.
            bucket.versioning = match (versioning.as_deref(), &bucket.versioning) {
                (Some("Enabled"), _) => Some("Enabled".to_owned()),
                (Some("Suspended"), _) | (_, Some(_)) => Some("Suspended".to_owned()),
                (_, None) => None,
            };
            Ok(())
        });
        done.map_err(failed)
    }
    /// A bucket as it is, in the words of a template: the inverse of [`Self::configure`]. What it has none of is null.
    pub fn configured(&self, name: &str) -> Option<Map<String, Value>> {
        let told = self.read(|index| {
            let bucket = index.get_bucket(name)?;
            let block = settings::blocked(bucket).map(|block| {
                json!({
                    "BlockPublicAcls": block.block_public_acls,
                    "BlockPublicPolicy": block.block_public_policy,
                    "IgnorePublicAcls": block.ignore_public_acls,
                    "RestrictPublicBuckets": block.restrict_public_buckets,
                })
            });
            let owner = settings::owned(bucket).map(|owner| json!({ "Rules": [{ "ObjectOwnership": owner }] }));
            let tags: Map<String, Value> = settings::get(bucket, settings::TAGS).unwrap_or_default();
            let tags: Vec<Value> =
                tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
            let rule = |rule: ServerSideEncryptionRule| {
                let default = rule.apply_server_side_encryption_by_default.map(|default| {
                    let key = default.kms_master_key_id;
                    json!({ "SSEAlgorithm": default.sse_algorithm.as_str(), "KMSMasterKeyID": key })
                });
                let key = rule.bucket_key_enabled == Some(true);
                json!({ "ServerSideEncryptionByDefault": default, "BucketKeyEnabled": key })
            };
            let rules: Vec<Value> = settings::encrypted(bucket).rules.into_iter().map(rule).collect();
            Some(json!({
                "BucketName": name,
                "PublicAccessBlockConfiguration": block,
                "OwnershipControls": owner,
                "Tags": tags,
                "BucketEncryption": { "ServerSideEncryptionConfiguration": rules },
                "VersioningConfiguration": bucket.versioning.as_ref().map(|status| json!({ "Status": status })),
            }))
        });
        told?.as_object().cloned()
    }
}
