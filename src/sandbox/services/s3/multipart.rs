//! Uploads in parts begin and end.
//!
//! Source: S3 user guide, "Uploading and copying objects using multipart upload" and "Multipart upload limits".

use std::fs::File;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use md5::{Digest as _, Md5};
use s3s::{S3Error, S3Request, S3Result, dto::*, s3_error};

use super::{
    Api,
    about::{about, tags_in_header},
    body, checksum,
    checksum::{Algorithm, Sum},
    index::{Id, Object as Stored, Part as StoredPart, Piece, Record, Upload},
    now,
    versions::{self, Condition},
};

/// Least bytes of every part but the last.
const LEAST: u64 = 5 * 1024 * 1024;

fn invalid_part() -> S3Error {
    s3_error!(
        InvalidPart,
        "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."
    )
}

pub(super) async fn create(
    api: &Api,
    req: S3Request<CreateMultipartUploadInput>,
) -> S3Result<CreateMultipartUploadOutput> {
    let mut input = req.input;
    let bucket = api.state.read(|index| index.bucket(&input.bucket).cloned())?;
    let named = input.checksum_algorithm.as_ref().map(|one| Algorithm::named(one.as_str())).transpose()?;
    let algorithm = named.unwrap_or(Algorithm::Crc64nvme);
    let composite = match input.checksum_type.as_ref().map(ChecksumType::as_str) {
        Some(_) if named.is_none() => {
            return Err(s3_error!(
                InvalidRequest,
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."
            ));
        }
        Some("FULL_OBJECT") if algorithm.is_crc() => false,
        Some("COMPOSITE") if algorithm != Algorithm::Crc64nvme => true,
        None => algorithm != Algorithm::Crc64nvme,
        Some(other) => {
            let name = algorithm.word().to_lowercase();
            return Err(s3_error!(
                InvalidRequest,
                "The {other} checksum type cannot be used with the {name} checksum algorithm."
            ));
        }
    };
    let about = about!(input, &bucket)?;
    let (encryption, key_id) = (about.encryption.clone(), about.key_id.clone());
    let upload = Upload {
        begun: now(),
        tags: tags_in_header(input.tagging.as_deref())?,
        about,
        algorithm,
        named: named.is_some(),
        composite,
    };
    let id = hex::encode(rand::random::<[u8; 32]>());
    api.state.update(|index, changes| {
        index.bucket(&input.bucket)?;
        let at = Id::Upload(input.bucket.clone(), input.key.clone(), id.clone());
        changes.put(at, Record::Upload(upload));
        Ok(())
    })?;
    let kind = if composite { ChecksumType::COMPOSITE } else { ChecksumType::FULL_OBJECT };
    Ok(CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(id),
        checksum_algorithm: named.map(Algorithm::dto),
        checksum_type: named.map(|_| ChecksumType::from_static(kind)),
        server_side_encryption: encryption.map(Into::into),
        ssekms_key_id: key_id,
        ..Default::default()
    })
}

/// The checksum that a client says a part has.
fn claimed(part: &CompletedPart, algorithm: Algorithm) -> Option<&String> {
    match algorithm {
        Algorithm::Crc32 => part.checksum_crc32.as_ref(),
        Algorithm::Crc32c => part.checksum_crc32c.as_ref(),
        Algorithm::Crc64nvme => part.checksum_crc64nvme.as_ref(),
        Algorithm::Sha1 => part.checksum_sha1.as_ref(),
        Algorithm::Sha256 => part.checksum_sha256.as_ref(),
    }
}

/// Holds the client's list against the parts that are there.
fn chosen(
    upload: &Upload,
    wanted: &[CompletedPart],
    there: &[(i32, StoredPart)],
) -> S3Result<Vec<(i32, StoredPart)>> {
    let mut parts: Vec<(i32, StoredPart)> = Vec::new();
    for part in wanted {
        let number = part.part_number.ok_or_else(invalid_part)?;
        if parts.last().is_some_and(|(last, _)| *last >= number) {
            return Err(s3_error!(
                InvalidPartOrder,
                "The list of parts was not in ascending order. The parts list must be specified in order by part number."
            ));
        }
        let (_, stored) = there.iter().find(|(n, _)| *n == number).ok_or_else(invalid_part)?;
        let claim = claimed(part, upload.algorithm);
        if part.e_tag.as_ref().is_none_or(|etag| etag.value() != stored.etag)
            || claim.is_some_and(|value| *value != stored.sum.value)
        {
            return Err(invalid_part());
        }
        if upload.named && upload.composite && claim.is_none() {
            let name = upload.algorithm.word().to_lowercase();
            return Err(s3_error!(
                InvalidRequest,
                "The upload was created using a {name} checksum. The complete request must include the checksum for each part. It was missing for part {number} in the request."
            ));
        }
        parts.push((number, stored.clone()));
    }
    let but_last = parts.split_last().map(|(_, rest)| rest).unwrap_or_default();
    if but_last.iter().any(|(_, part)| part.size < LEAST) {
        return Err(s3_error!(
            EntityTooSmall,
            "Your proposed upload is smaller than the minimum allowed size"
        ));
    }
    if parts.is_empty() {
        return Err(s3_error!(
            MalformedXML,
            "The XML you provided was not well-formed or did not validate against our published schema"
        ));
    }
    Ok(parts)
}

pub(super) async fn complete(
    api: &Api,
    req: S3Request<CompleteMultipartUploadInput>,
) -> S3Result<CompleteMultipartUploadOutput> {
    let (headers, input) = (req.headers, req.input);
    let condition = Condition::new(input.if_match, input.if_none_match)?;
    let (bucket, key, id) = (&*input.bucket, &*input.key, &*input.upload_id);
    let wanted = input.multipart_upload.and_then(|m| m.parts).unwrap_or_default();
    let (upload, parts, files) = api.state.read(|index| -> S3Result<_> {
        let upload = index.upload(bucket, key, id)?.clone();
        condition.check(index, bucket, key)?;
        let there: Vec<_> = index.parts(id).map(|(n, part)| (n, part.clone())).collect();
        let parts = chosen(&upload, &wanted, &there)?;
        let open = |(_, part): &(i32, StoredPart)| {
            Ok((File::open(api.state.objects.join(&part.file))?, 0, part.size))
        };
        let files = parts.iter().map(open).collect::<std::io::Result<Vec<_>>>();
        Ok((upload, parts, files.map_err(S3Error::internal_error)?))
    })?;
    let received = body::join(&api.state, files, &[upload.algorithm]).await?;
    if input.mpu_object_size.is_some_and(|size| size != received.size as i64) {
        return Err(s3_error!(
            InvalidRequest,
            "The provided 'x-amz-mp-object-size' header value does not match what was computed"
        ));
    }
    let (mut hashes, mut sums) = (Md5::new(), Vec::new());
    for (_, part) in &parts {
        hashes.update(hex::decode(&part.etag).unwrap_or_default());
        sums.extend(BASE64_STANDARD.decode(&part.sum.value).unwrap_or_default());
    }
    // The ETag of an object made of parts: the MD5 of their MD5s, and how many there are. So its composite checksum.
    let etag = format!("{}-{}", hex::encode(hashes.finalize()), parts.len());
    let value = if upload.composite {
        format!("{}-{}", upload.algorithm.of(&sums).value, parts.len())
    } else {
        received.sum(upload.algorithm)
    };
    let sum = Sum { algorithm: upload.algorithm, value };
    let claim = checksum::in_headers(&headers)?.filter(|claim| claim.algorithm == sum.algorithm);
    let bare = sum.value.split('-').next().unwrap_or_default();
    if claim.is_some_and(|claim| claim.value != sum.value && claim.value != bare) {
        let name = sum.algorithm.word();
        return Err(s3_error!(BadDigest, "The {name} you specified did not match the calculated checksum."));
    }
    let object = Stored {
        file: received.file.name(),
        size: received.size,
        etag: etag.clone(),
        sum: Some(sum.clone()),
        about: upload.about.clone(),
        tags: upload.tags.clone(),
        parts: parts
            .iter()
            .enumerate()
            .map(|(at, (_, part))| Piece {
                number: at as i32 + 1,
                size: part.size,
                sum: Some(part.sum.clone()),
            })
            .collect(),
    };
    let made = api.state.update(|index, changes| {
        index.upload(bucket, key, id)?;
        let still = |(n, part): &(i32, StoredPart)| {
            index.parts(id).any(|(number, there)| number == *n && there.file == part.file)
        };
        if !parts.iter().all(still) {
            return Err(invalid_part());
        }
        condition.check(index, bucket, key)?;
        index.end_upload(bucket, key, id, changes);
        versions::put(index, changes, (bucket, key), Some(object), now())
    })?;
    received.file.keep();
    let mut out = CompleteMultipartUploadOutput {
        location: Some(format!("/{bucket}/{key}")),
        bucket: Some(input.bucket.clone()),
        key: Some(input.key.clone()),
        e_tag: Some(ETag::Strong(etag)),
        checksum_type: Some(checksum::kind(&sum)),
        server_side_encryption: upload.about.encryption.map(Into::into),
        ssekms_key_id: upload.about.key_id,
        version_id: made.version,
        ..Default::default()
    };
    checksum::show!(Some(sum), out);
    Ok(out)
}

pub(super) async fn abort(
    api: &Api,
    req: S3Request<AbortMultipartUploadInput>,
) -> S3Result<AbortMultipartUploadOutput> {
    let input = req.input;
    api.state.update(|index, changes| {
        index.bucket(&input.bucket)?;
        index.upload(&input.bucket, &input.key, &input.upload_id)?;
        index.end_upload(&input.bucket, &input.key, &input.upload_id, changes);
        Ok(())
    })?;
    Ok(AbortMultipartUploadOutput::default())
}
