//! Buckets are made, looked at and removed, and keep versions or not.

use s3s::{S3Request, S3Result, dto::*, s3_error};

use super::{
    Api, at,
    index::{Bucket as StoredBucket, Id, Index, Record},
    now, settings,
};

/// Most buckets of a page. Source: API reference, ListBuckets.
const PAGE: usize = 10_000;

/// Whether nothing at all is in a bucket: no version, no delete marker.
pub(super) fn is_empty(index: &Index, bucket: &str) -> bool {
    index.versions_from(bucket, "", u64::MAX).next().is_none()
}

pub(super) async fn create(api: &Api, req: S3Request<CreateBucketInput>) -> S3Result<CreateBucketOutput> {
    let input = req.input;
    let asked = input.create_bucket_configuration.as_ref().and_then(|one| one.location_constraint.as_ref());
    if asked.is_some_and(|region| region.as_str() != api.region) {
        return Err(s3_error!(
            IllegalLocationConstraintException,
            "The location constraint is incompatible for the region specific endpoint this request was sent to."
        ));
    }
    if input.object_lock_enabled_for_bucket == Some(true) {
        return Err(s3_error!(NotImplemented, "the sandbox does not lock objects"));
    }
    let name = input.bucket;
    let mut bucket = StoredBucket { created: now() / 1000, ..StoredBucket::default() };
    if let Some(ownership) = &input.object_ownership {
        settings::set_ownership(&mut bucket, ownership)?;
    }
    api.state.update(|index, changes| {
        if index.get_bucket(&name).is_some() {
            return Err(s3_error!(
                BucketAlreadyOwnedByYou,
                "Your previous request to create the named bucket succeeded and you already own it."
            ));
        }
        changes.put(Id::Bucket(name.clone()), Record::Bucket(bucket));
        Ok(())
    })?;
    Ok(CreateBucketOutput { location: Some(format!("/{name}")) })
}

pub(super) async fn head(api: &Api, req: S3Request<HeadBucketInput>) -> S3Result<HeadBucketOutput> {
    api.state.read(|index| index.bucket(&req.input.bucket).map(|_| ()))?;
    Ok(HeadBucketOutput { bucket_region: Some(api.region.clone()), ..Default::default() })
}

pub(super) async fn list(api: &Api, req: S3Request<ListBucketsInput>) -> S3Result<ListBucketsOutput> {
    let input = req.input;
    if input.bucket_region.as_ref().is_some_and(|region| *region != api.region) {
        return Ok(ListBucketsOutput {
            buckets: Some(Vec::new()),
            owner: Some(api.owner()),
            ..Default::default()
        });
    }
    let prefix = input.prefix.clone().unwrap_or_default();
    let token = input.continuation_token.unwrap_or_default();
    let after = String::from_utf8(hex::decode(token).unwrap_or_default()).unwrap_or_default();
    let most = usize::try_from(input.max_buckets.unwrap_or(PAGE as i32)).unwrap_or(PAGE).clamp(1, PAGE);
    let mut buckets: Vec<Bucket> = api.state.read(|index| {
        let wanted = index.buckets().filter(|(name, _)| name.starts_with(&prefix) && *name > after.as_str());
        let shown = wanted.take(most + 1).map(|(name, bucket)| Bucket {
            name: Some(name.to_owned()),
            creation_date: Some(Timestamp::from(at(bucket.created * 1000))),
            bucket_region: Some(api.region.clone()),
        });
        shown.collect()
    });
    let more = buckets.len() > most;
    buckets.truncate(most);
    let last = buckets.last().and_then(|bucket| bucket.name.clone());
    Ok(ListBucketsOutput {
        buckets: Some(buckets),
        owner: Some(api.owner()),
        prefix: input.prefix,
        continuation_token: last.filter(|_| more).map(hex::encode),
    })
}

pub(super) async fn delete(api: &Api, req: S3Request<DeleteBucketInput>) -> S3Result<DeleteBucketOutput> {
    let name = req.input.bucket;
    api.state.update(|index, changes| {
        index.bucket(&name)?;
        if !is_empty(index, &name) {
            return Err(s3_error!(BucketNotEmpty, "The bucket you tried to delete is not empty"));
        }
        drop_bucket(index, &name, changes);
        Ok(())
    })?;
    Ok(DeleteBucketOutput {})
}

/// A bucket goes, and what was being uploaded to it.
pub(super) fn drop_bucket(index: &Index, name: &str, changes: &mut super::index::Changes) {
    for (key, id, _) in index.uploads(name) {
        index.end_upload(name, key, id, changes);
    }
    changes.remove(Id::Bucket(name.to_owned()));
}

pub(super) async fn location(
    api: &Api,
    req: S3Request<GetBucketLocationInput>,
) -> S3Result<GetBucketLocationOutput> {
    api.state.read(|index| index.bucket(&req.input.bucket).map(|_| ()))?;
    // The first region has no constraint.
    let location = Some(&api.region).filter(|region| *region != "us-east-1");
    Ok(GetBucketLocationOutput { location_constraint: location.cloned().map(BucketLocationConstraint::from) })
}

pub(super) async fn versioning(
    api: &Api,
    req: S3Request<GetBucketVersioningInput>,
) -> S3Result<GetBucketVersioningOutput> {
    let status = api.state.read(|index| index.bucket(&req.input.bucket).map(|one| one.versioning.clone()))?;
    Ok(GetBucketVersioningOutput { status: status.map(Into::into), ..Default::default() })
}

pub(super) async fn put_versioning(
    api: &Api,
    req: S3Request<PutBucketVersioningInput>,
) -> S3Result<PutBucketVersioningOutput> {
    let asked = req.input.versioning_configuration;
    if asked.mfa_delete.as_ref().is_some_and(|mfa| mfa.as_str() == "Enabled") {
        return Err(s3_error!(NotImplemented, "the sandbox has no multi-factor devices"));
    }
    let status = asked.status.as_ref().map(BucketVersioningStatus::as_str);
    if !matches!(status, Some("Enabled" | "Suspended")) {
        return Err(s3_error!(
            IllegalVersioningConfigurationException,
            "The Versioning element must be specified"
        ));
    }
    let status = status.map(str::to_owned);
    api.state.change_bucket(&req.input.bucket, |bucket| {
        bucket.versioning = status;
        Ok(())
    })?;
    Ok(PutBucketVersioningOutput::default())
}
