//! Tags of objects and of buckets, and the rules by which objects expire.

use std::collections::{BTreeMap, BTreeSet};

use s3s::{S3Error, S3Request, S3Result, dto::*, s3_error};

use super::{
    Api, about,
    index::{Object as StoredObject, Record},
    settings, versions,
};

/// Most tags of a bucket, and of an object. Source: S3 user guide.
const OF_BUCKET: usize = 50;
const OF_OBJECT: usize = 10;

/// Most rules. Source: S3 user guide, "Setting an S3 Lifecycle configuration on a bucket".
const RULES: usize = 1000;

fn pairs(tagging: Tagging) -> Vec<(String, String)> {
    let pair = |tag: Tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default());
    tagging.tag_set.into_iter().map(pair).collect()
}

/// Gives a version of an object other tags; answers say which version it was.
fn retag(
    api: &Api,
    (bucket, key, wanted): (&str, &str, Option<&str>),
    tags: BTreeMap<String, String>,
) -> S3Result<Option<String>> {
    api.state.update(|index, changes| {
        let (version, object) = versions::object(index, bucket, key, wanted)?;
        let (id, _) = versions::find(index, bucket, key, wanted)?;
        let mut changed = version.clone();
        changed.object = Some(StoredObject { tags, ..object.clone() });
        changes.put(id.clone(), Record::Version(changed));
        Ok(versions::shown(index, bucket, version))
    })
}

pub(super) async fn object(
    api: &Api,
    req: S3Request<GetObjectTaggingInput>,
) -> S3Result<GetObjectTaggingOutput> {
    let input = req.input;
    api.state.read(|index| {
        let wanted = input.version_id.as_deref();
        let (version, object) = versions::object(index, &input.bucket, &input.key, wanted)?;
        let version_id = versions::shown(index, &input.bucket, version);
        Ok(GetObjectTaggingOutput { tag_set: about::tag_set(&object.tags), version_id })
    })
}

pub(super) async fn put_object(
    api: &Api,
    req: S3Request<PutObjectTaggingInput>,
) -> S3Result<PutObjectTaggingOutput> {
    let input = req.input;
    let tags = about::tags(pairs(input.tagging), OF_OBJECT)?;
    let version_id = retag(api, (&input.bucket, &input.key, input.version_id.as_deref()), tags)?;
    Ok(PutObjectTaggingOutput { version_id })
}

pub(super) async fn delete_object(
    api: &Api,
    req: S3Request<DeleteObjectTaggingInput>,
) -> S3Result<DeleteObjectTaggingOutput> {
    let input = req.input;
    let place = (&*input.bucket, &*input.key, input.version_id.as_deref());
    Ok(DeleteObjectTaggingOutput { version_id: retag(api, place, BTreeMap::new())? })
}

pub(super) async fn bucket(
    api: &Api,
    req: S3Request<GetBucketTaggingInput>,
) -> S3Result<GetBucketTaggingOutput> {
    let kept = api.state.read(|index| {
        index.bucket(&req.input.bucket).map(|bucket| bucket.settings.get(settings::TAGS).cloned())
    })?;
    let kept = kept.ok_or_else(|| s3_error!(NoSuchTagSet, "The TagSet does not exist"))?;
    let kept: BTreeMap<String, String> = serde_json::from_str(&kept).map_err(S3Error::internal_error)?;
    Ok(GetBucketTaggingOutput { tag_set: about::tag_set(&kept) })
}

pub(super) async fn put_bucket(
    api: &Api,
    req: S3Request<PutBucketTaggingInput>,
) -> S3Result<PutBucketTaggingOutput> {
    let tags = about::tags(pairs(req.input.tagging), OF_BUCKET)?;
    let text = serde_json::to_string(&tags).map_err(S3Error::internal_error)?;
    api.state.change_bucket(&req.input.bucket, |bucket| {
        bucket.settings.insert(settings::TAGS.to_owned(), text);
        Ok(())
    })?;
    Ok(PutBucketTaggingOutput::default())
}

pub(super) async fn delete_bucket(
    api: &Api,
    req: S3Request<DeleteBucketTaggingInput>,
) -> S3Result<DeleteBucketTaggingOutput> {
    api.state.change_bucket(&req.input.bucket, |bucket| {
        bucket.settings.remove(settings::TAGS);
        Ok(())
    })?;
    Ok(DeleteBucketTaggingOutput::default())
}

pub(super) async fn lifecycle(
    api: &Api,
    req: S3Request<GetBucketLifecycleConfigurationInput>,
) -> S3Result<GetBucketLifecycleConfigurationOutput> {
    let kept = api.state.read(|index| {
        index.bucket(&req.input.bucket).map(|bucket| bucket.settings.get(settings::LIFECYCLE).cloned())
    })?;
    let kept = kept.ok_or_else(|| {
        s3_error!(NoSuchLifecycleConfiguration, "The lifecycle configuration does not exist")
    })?;
    let kept: BucketLifecycleConfiguration = serde_json::from_str(&kept).map_err(S3Error::internal_error)?;
    Ok(GetBucketLifecycleConfigurationOutput { rules: Some(kept.rules), ..Default::default() })
}

/// What S3 refuses of rules. Source: API reference, PutBucketLifecycleConfiguration.
fn check_rules(rules: &mut [LifecycleRule]) -> S3Result<()> {
    let wrong = |words: &'static str| Err(S3Error::with_message(s3s::S3ErrorCode::InvalidArgument, words));
    if rules.is_empty() || rules.len() > RULES {
        return Err(s3_error!(
            MalformedXML,
            "The XML you provided was not well-formed or did not validate against our published schema"
        ));
    }
    let mut ids = BTreeSet::new();
    for rule in rules {
        let id = rule.id.get_or_insert_with(|| hex::encode(rand::random::<[u8; 16]>()));
        if id.len() > 255 {
            return wrong("ID length should not exceed allowed limit of 255");
        }
        if !ids.insert(id.clone()) {
            return wrong("Rule ID must be unique. Found same ID for more than one rule");
        }
        if !["Enabled", "Disabled"].contains(&rule.status.as_str()) {
            return Err(s3_error!(MalformedXML, "Status is Enabled or Disabled"));
        }
        let acts = rule.expiration.is_some()
            || rule.noncurrent_version_expiration.is_some()
            || rule.abort_incomplete_multipart_upload.is_some()
            || rule.transitions.as_ref().is_some_and(|list| !list.is_empty())
            || rule.noncurrent_version_transitions.as_ref().is_some_and(|list| !list.is_empty());
        if !acts {
            return Err(s3_error!(InvalidRequest, "At least one action needs to be specified in a rule"));
        }
        let days = [
            rule.expiration.as_ref().and_then(|one| one.days),
            rule.noncurrent_version_expiration.as_ref().and_then(|one| one.noncurrent_days),
            rule.abort_incomplete_multipart_upload.as_ref().and_then(|one| one.days_after_initiation),
        ];
        if days.into_iter().flatten().any(|days| days < 1) {
            return wrong("'Days' for Expiration action must be a positive integer");
        }
    }
    Ok(())
}

pub(super) async fn put_lifecycle(
    api: &Api,
    req: S3Request<PutBucketLifecycleConfigurationInput>,
) -> S3Result<PutBucketLifecycleConfigurationOutput> {
    let mut asked = req.input.lifecycle_configuration.unwrap_or_default();
    check_rules(&mut asked.rules)?;
    let text = serde_json::to_string(&asked).map_err(S3Error::internal_error)?;
    api.state.change_bucket(&req.input.bucket, |bucket| {
        bucket.settings.insert(settings::LIFECYCLE.to_owned(), text);
        Ok(())
    })?;
    Ok(PutBucketLifecycleConfigurationOutput::default())
}

pub(super) async fn delete_lifecycle(
    api: &Api,
    req: S3Request<DeleteBucketLifecycleInput>,
) -> S3Result<DeleteBucketLifecycleOutput> {
    api.state.change_bucket(&req.input.bucket, |bucket| {
        bucket.settings.remove(settings::LIFECYCLE);
        Ok(())
    })?;
    Ok(DeleteBucketLifecycleOutput::default())
}
