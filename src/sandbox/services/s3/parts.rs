//! Parts of uploads, from the wire or out of an object that is there.
//!
//! Source: S3 user guide, "Uploading and copying objects using multipart upload" and "Multipart upload limits".

use std::fs::File;

use s3s::{S3Error, S3Request, S3Result, dto::*, s3_error};

use super::{
    Api, at, body, checksum,
    checksum::{Sum, Wanted},
    index::{Id, Part as StoredPart, Record},
    now,
    read::Conditions,
    versions,
    write::{check_md5, source, unmet},
};

/// Most parts.
const MOST: i32 = 10_000;

fn check_number(number: i32) -> S3Result<()> {
    if (1..=MOST).contains(&number) {
        return Ok(());
    }
    Err(s3_error!(InvalidArgument, "Part number must be an integer between 1 and {MOST}, inclusive"))
}

/// Keeps a part that is on disk.
fn keep(
    api: &Api,
    (bucket, key, upload, number): (&str, &str, &str, i32),
    received: body::Received,
    sum: Sum,
) -> S3Result<StoredPart> {
    let (file, size, etag) = (received.file.name(), received.size, received.etag());
    let part = StoredPart { file, size, etag, sum, modified: now() };
    api.state.update(|index, changes| {
        index.upload(bucket, key, upload)?;
        let old = index.parts(upload).find(|(n, _)| *n == number);
        changes.doomed.extend(old.map(|(_, part)| part.file.clone()));
        changes.put(Id::Part(upload.to_owned(), number), Record::Part(part.clone()));
        Ok(())
    })?;
    received.file.keep();
    Ok(part)
}

pub(super) async fn upload(api: &Api, mut req: S3Request<UploadPartInput>) -> S3Result<UploadPartOutput> {
    let mut body = req.input.body.take();
    let result = take_part(api, req, &mut body).await;
    if result.is_err() {
        body::drain(&mut body).await;
    }
    result
}

async fn take_part(
    api: &Api,
    req: S3Request<UploadPartInput>,
    body: &mut Option<StreamingBlob>,
) -> S3Result<UploadPartOutput> {
    super::about::refuse(&req.headers, api.account())?;
    let (headers, trailers, input) = (req.headers, req.trailing_headers, req.input);
    check_number(input.part_number)?;
    let upload =
        api.state.read(|index| index.upload(&input.bucket, &input.key, &input.upload_id).cloned())?;
    let wanted = Wanted::of(&headers)?;
    if upload.named && wanted.named && wanted.algorithm != upload.algorithm {
        let (expected, actual) = (upload.algorithm.word(), wanted.algorithm.word());
        return Err(s3_error!(
            InvalidRequest,
            "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
            expected.to_lowercase(),
            actual.to_lowercase()
        ));
    }
    let mut algorithms = vec![upload.algorithm];
    algorithms.extend(Some(wanted.algorithm).filter(|one| *one != upload.algorithm));
    let received = body::receive(&api.state, body, &algorithms).await?;
    let value = received.sum(wanted.algorithm);
    wanted.check(&value, trailers.and_then(|trailers| trailers.take()).as_ref())?;
    check_md5(input.content_md5.as_deref(), &received.md5)?;
    let told = Sum { algorithm: wanted.algorithm, value };
    let sum = Sum { algorithm: upload.algorithm, value: received.sum(upload.algorithm) };
    let place = (&*input.bucket, &*input.key, &*input.upload_id, input.part_number);
    let part = keep(api, place, received, sum)?;
    let mut out = UploadPartOutput {
        e_tag: Some(ETag::Strong(part.etag)),
        server_side_encryption: upload.about.encryption.map(Into::into),
        ..Default::default()
    };
    checksum::show!(Some(told), out);
    Ok(out)
}

pub(super) async fn copy(api: &Api, req: S3Request<UploadPartCopyInput>) -> S3Result<UploadPartCopyOutput> {
    let input = req.input;
    check_number(input.part_number)?;
    let (bucket, key, wanted) = source(&input.copy_source)?;
    let conditions = Conditions {
        if_match: input.copy_source_if_match.as_ref(),
        if_none_match: input.copy_source_if_none_match.as_ref(),
        if_modified_since: input.copy_source_if_modified_since.as_ref(),
        if_unmodified_since: input.copy_source_if_unmodified_since.as_ref(),
    };
    let bad_range = || {
        s3_error!(
            InvalidArgument,
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy"
        )
    };
    let (upload, file, stretch, id) = api.state.read(|index| -> S3Result<_> {
        let upload = index.upload(&input.bucket, &input.key, &input.upload_id)?.clone();
        let (version, object) = versions::object(index, bucket, key, wanted)?;
        conditions.check(version, object).map_err(unmet)?;
        let stretch = match &input.copy_source_range {
            None => (0, object.size),
            Some(text) => match Range::parse(text).map_err(|_| bad_range())? {
                Range::Int { first, last: Some(last) } if last < object.size && first <= last => {
                    (first, last + 1 - first)
                }
                Range::Int { .. } => {
                    let size = object.size;
                    return Err(s3_error!(
                        InvalidArgument,
                        "Range specified is not valid for source object of size: {size}"
                    ));
                }
                Range::Suffix { .. } => return Err(bad_range()),
            },
        };
        let file = File::open(api.state.objects.join(&object.file)).map_err(S3Error::internal_error)?;
        Ok((upload, file, stretch, versions::shown(index, bucket, version)))
    })?;
    let received = body::join(&api.state, vec![(file, stretch.0, stretch.1)], &[upload.algorithm]).await?;
    let sum = Sum { algorithm: upload.algorithm, value: received.sum(upload.algorithm) };
    let place = (&*input.bucket, &*input.key, &*input.upload_id, input.part_number);
    let part = keep(api, place, received, sum)?;
    let mut result = CopyPartResult {
        e_tag: Some(ETag::Strong(part.etag)),
        last_modified: Some(Timestamp::from(at(part.modified))),
        ..Default::default()
    };
    checksum::show!(Some(part.sum), result);
    Ok(UploadPartCopyOutput {
        copy_part_result: Some(result),
        copy_source_version_id: id,
        server_side_encryption: upload.about.encryption.map(Into::into),
        ..Default::default()
    })
}
