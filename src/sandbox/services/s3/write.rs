//! Objects are written, copied and removed.

use s3s::{S3Error, S3Request, S3Result, dto::*, s3_error};

use super::{
    Api,
    about::{about, tags_in_header},
    at, body, checksum,
    checksum::{Algorithm, Sum, Wanted},
    index::Object as Stored,
    now,
    read::Conditions,
    versions::{self, Condition},
};

/// Largest object that one request copies. Source: API reference, CopyObject.
const LARGEST_COPY: u64 = 5 * 1024 * 1024 * 1024;

pub(super) async fn put(api: &Api, mut req: S3Request<PutObjectInput>) -> S3Result<PutObjectOutput> {
    let mut body = req.input.body.take();
    let result = take_in(api, req, &mut body).await;
    if result.is_err() {
        body::drain(&mut body).await;
    }
    result
}

async fn take_in(
    api: &Api,
    req: S3Request<PutObjectInput>,
    body: &mut Option<StreamingBlob>,
) -> S3Result<PutObjectOutput> {
    super::about::refuse(&req.headers, api.account())?;
    let (headers, trailers, mut input) = (req.headers, req.trailing_headers, req.input);
    let condition = Condition::new(input.if_match.take(), input.if_none_match.take())?;
    if input.write_offset_bytes.is_some() {
        return Err(s3_error!(NotImplemented, "only directory buckets append"));
    }
    let bucket = api.state.read(|index| {
        // Before the body is read, so that a write that cannot be costs nothing; and again when it is made.
        condition.check(index, &input.bucket, &input.key)?;
        index.bucket(&input.bucket).cloned()
    })?;
    let about = about!(input, &bucket)?;
    let tags = tags_in_header(input.tagging.as_deref())?;
    let wanted = Wanted::of(&headers)?;
    let received = body::receive(&api.state, body, &[wanted.algorithm]).await?;
    let sum = Sum { algorithm: wanted.algorithm, value: received.sum(wanted.algorithm) };
    wanted.check(&sum.value, trailers.and_then(|trailers| trailers.take()).as_ref())?;
    check_md5(input.content_md5.as_deref(), &received.md5)?;
    let (encryption, key_id) = (about.encryption.clone(), about.key_id.clone());
    let object = Stored {
        file: received.file.name(),
        size: received.size,
        etag: received.etag(),
        sum: Some(sum.clone()),
        about,
        tags,
        parts: Vec::new(),
    };
    let etag = object.etag.clone();
    let made = api.state.update(|index, changes| {
        condition.check(index, &input.bucket, &input.key)?;
        versions::put(index, changes, (&input.bucket, &input.key), Some(object), now())
    })?;
    received.file.keep();
    let mut out = PutObjectOutput {
        e_tag: Some(ETag::Strong(etag)),
        checksum_type: Some(checksum::kind(&sum)),
        server_side_encryption: encryption.map(Into::into),
        ssekms_key_id: key_id,
        version_id: made.version,
        ..Default::default()
    };
    checksum::show!(Some(sum), out);
    Ok(out)
}

pub(super) fn check_md5(header: Option<&str>, md5: &[u8; 16]) -> S3Result<()> {
    use base64::Engine as _;
    let Some(header) = header else { return Ok(()) };
    let wanted = base64::prelude::BASE64_STANDARD.decode(header).ok().filter(|bytes| bytes.len() == 16);
    let wanted =
        wanted.ok_or_else(|| s3_error!(InvalidDigest, "The Content-MD5 you specified was invalid"))?;
    if wanted != md5 {
        return Err(s3_error!(BadDigest, "The Content-MD5 you specified did not match what we received."));
    }
    Ok(())
}

/// Where a copy comes from.
pub(super) fn source(source: &CopySource) -> S3Result<(&str, &str, Option<&str>)> {
    match source {
        CopySource::Bucket { bucket, key, version_id } => Ok((bucket, key, version_id.as_deref())),
        _ => Err(s3_error!(NotImplemented, "the sandbox has no access points")),
    }
}

/// A condition of a copy's source that does not hold is a failed one, whichever it is.
pub(super) fn unmet(error: S3Error) -> S3Error {
    if *error.code() == s3s::S3ErrorCode::NotModified { versions::failed() } else { error }
}

pub(super) async fn copy(api: &Api, req: S3Request<CopyObjectInput>) -> S3Result<CopyObjectOutput> {
    let (headers, mut input) = (req.headers, req.input);
    let etag =
        |name: &str| headers.get(name).and_then(|v| ETagCondition::parse_http_header(v.as_bytes()).ok());
    let condition = Condition::new(etag("if-match"), etag("if-none-match"))?;
    let (bucket, key, wanted) = source(&input.copy_source)?;
    let conditions = Conditions {
        if_match: input.copy_source_if_match.as_ref(),
        if_none_match: input.copy_source_if_none_match.as_ref(),
        if_modified_since: input.copy_source_if_modified_since.as_ref(),
        if_unmodified_since: input.copy_source_if_unmodified_since.as_ref(),
    };
    let file = body::Fresh::new(&api.state);
    let (from, from_id, target) = api.state.read(|index| -> S3Result<_> {
        let target = index.bucket(&input.bucket)?.clone();
        let (version, object) = versions::object(index, bucket, key, wanted)?;
        conditions.check(version, object).map_err(unmet)?;
        condition.check(index, &input.bucket, &input.key)?;
        if object.size > LARGEST_COPY {
            return Err(s3_error!(InvalidRequest, "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120"));
        }
        // Files never change, so a second name is a copy. Made while nobody can remove the first.
        std::fs::hard_link(api.state.objects.join(&object.file), file.path())
            .map_err(S3Error::internal_error)?;
        Ok((object.clone(), versions::shown(index, bucket, version), target))
    })?;
    let replaces = input.metadata_directive.as_ref().is_some_and(|d| d.as_str() == "REPLACE");
    let same = bucket == &*input.bucket && key == input.key && wanted.is_none();
    let changes_nothing = input.storage_class.is_none()
        && input.server_side_encryption.is_none()
        && input.website_redirect_location.is_none();
    if same && !replaces && changes_nothing {
        return Err(s3_error!(
            InvalidRequest,
            "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes."
        ));
    }
    let asked = input.checksum_algorithm.as_ref().map(|one| Algorithm::named(one.as_str())).transpose()?;
    let tags = match input.tagging_directive.as_ref().map(TaggingDirective::as_str) {
        Some("REPLACE") => tags_in_header(input.tagging.as_deref())?,
        _ => from.tags.clone(),
    };
    let mut about = about!(input, &target)?;
    if !replaces {
        let kept = from.about.clone();
        about = super::index::About {
            storage_class: about.storage_class,
            encryption: about.encryption,
            key_id: about.key_id,
            redirect: about.redirect,
            ..kept
        };
    }
    let algorithm = asked.or(from.sum.as_ref().map(|sum| sum.algorithm)).unwrap_or(Algorithm::Crc64nvme);
    let known = from.sum.clone().filter(|sum| sum.algorithm == algorithm && !sum.value.contains('-'));
    // An object of parts becomes one of a piece, whose ETag is its MD5.
    let (etag, sum) = match known {
        Some(sum) if from.parts.is_empty() => (from.etag.clone(), sum),
        _ => digest(file.path(), algorithm).await?,
    };
    let (encryption, key_id) = (about.encryption.clone(), about.key_id.clone());
    let object = Stored {
        file: file.name(),
        size: from.size,
        etag: etag.clone(),
        sum: Some(sum.clone()),
        about,
        tags,
        parts: Vec::new(),
    };
    let modified = now();
    let made = api.state.update(|index, changes| {
        condition.check(index, &input.bucket, &input.key)?;
        versions::put(index, changes, (&input.bucket, &input.key), Some(object), modified)
    })?;
    file.keep();
    let mut result = CopyObjectResult {
        e_tag: Some(ETag::Strong(etag)),
        last_modified: Some(Timestamp::from(at(modified))),
        checksum_type: Some(checksum::kind(&sum)),
        ..Default::default()
    };
    checksum::show!(Some(sum), result);
    Ok(CopyObjectOutput {
        copy_object_result: Some(result),
        copy_source_version_id: from_id,
        server_side_encryption: encryption.map(Into::into),
        ssekms_key_id: key_id,
        version_id: made.version,
        ..Default::default()
    })
}

/// The ETag and a checksum of what a file holds.
async fn digest(path: &std::path::Path, algorithm: Algorithm) -> S3Result<(String, Sum)> {
    let path = path.to_owned();
    let read = move || -> std::io::Result<_> {
        use std::io::Read as _;
        let (mut file, mut hashes) = (std::fs::File::open(path)?, body::Hashes::new(&[algorithm]));
        let mut buffer = vec![0; 1024 * 1024];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(hashes.finish()),
                n => hashes.update(&buffer[..n]),
            }
        }
    };
    let done = tokio::task::spawn_blocking(read).await.map_err(S3Error::internal_error)?;
    let (md5, sums) = done.map_err(S3Error::internal_error)?;
    Ok((hex::encode(md5), Sum { algorithm, value: checksum::value(&sums, algorithm) }))
}

pub(super) async fn delete(api: &Api, req: S3Request<DeleteObjectInput>) -> S3Result<DeleteObjectOutput> {
    let input = req.input;
    let condition = Condition {
        if_match: input.if_match,
        if_size: input.if_match_size,
        if_modified: input.if_match_last_modified_time,
        ..Condition::default()
    };
    let wanted = input.version_id.as_deref();
    let made = api.state.update(|index, changes| {
        index.bucket(&input.bucket)?;
        condition.check(index, &input.bucket, &input.key)?;
        versions::remove(index, changes, (&input.bucket, &input.key), wanted, now())
    })?;
    Ok(DeleteObjectOutput {
        delete_marker: made.marker.then_some(true),
        version_id: made.version,
        ..Default::default()
    })
}

/// Which objects of a `DeleteObjects` may not be removed, and why, in their order; told by whoever permits calls.
#[derive(Debug, Clone, Default)]
pub struct Refused(pub Vec<Option<String>>);

pub(super) async fn delete_many(
    api: &Api,
    req: S3Request<DeleteObjectsInput>,
) -> S3Result<DeleteObjectsOutput> {
    let Refused(refused) = req.extensions.get().cloned().unwrap_or_default();
    let (bucket, delete) = (req.input.bucket, req.input.delete);
    if delete.objects.is_empty() || delete.objects.len() > 1000 {
        return Err(s3_error!(
            MalformedXML,
            "The XML you provided was not well-formed or did not validate against our published schema"
        ));
    }
    api.state.read(|index| index.bucket(&bucket).map(drop))?;
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    for (at, one) in delete.objects.into_iter().enumerate() {
        let condition = Condition {
            if_match: one.e_tag.map(ETagCondition::ETag),
            if_size: one.size,
            if_modified: one.last_modified_time,
            ..Condition::default()
        };
        let wanted = one.version_id.as_deref();
        let made = match refused.get(at) {
            Some(Some(words)) => Err(s3_error!(AccessDenied, "{words}")),
            _ => api.state.update(|index, changes| {
                index.bucket(&bucket)?;
                condition.check(index, &bucket, &one.key)?;
                versions::remove(index, changes, (&bucket, &one.key), wanted, now())
            }),
        };
        match made {
            Err(error) => errors.push(Error {
                code: Some(error.code().as_str().to_owned()),
                key: Some(one.key),
                message: error.message().map(str::to_owned),
                version_id: one.version_id,
            }),
            Ok(made) => deleted.push(DeletedObject {
                delete_marker: made.marker.then_some(true),
                delete_marker_version_id: made.version.filter(|_| made.marker),
                key: Some(one.key),
                version_id: one.version_id,
            }),
        }
    }
    let deleted = if delete.quiet == Some(true) { Vec::new() } else { deleted };
    Ok(DeleteObjectsOutput { deleted: Some(deleted), errors: Some(errors), ..Default::default() })
}
