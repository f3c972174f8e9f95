//! Lists of uploads under way and of their parts.

use s3s::{S3Request, S3Result, dto::*, s3_error};

use super::{Api, at, checksum, index::Upload};

/// Most entries of a page. Source: API reference, ListParts and ListMultipartUploads.
const PAGE: i32 = 1000;

fn kind(upload: &Upload) -> Option<ChecksumType> {
    let word = if upload.composite { ChecksumType::COMPOSITE } else { ChecksumType::FULL_OBJECT };
    upload.named.then(|| ChecksumType::from_static(word))
}

fn class(upload: &Upload) -> Option<StorageClass> {
    Some(upload.about.storage_class.clone().unwrap_or_else(|| "STANDARD".to_owned()).into())
}

fn initiator(api: &Api) -> Option<Initiator> {
    let owner = api.owner();
    Some(Initiator { display_name: owner.display_name, id: owner.id })
}

pub(super) async fn parts(api: &Api, req: S3Request<ListPartsInput>) -> S3Result<ListPartsOutput> {
    let input = req.input;
    let (after, most) =
        (input.part_number_marker.unwrap_or(0), input.max_parts.unwrap_or(PAGE).clamp(0, PAGE));
    let (upload, mut parts) = api.state.read(|index| -> S3Result<_> {
        index.bucket(&input.bucket)?;
        let upload = index.upload(&input.bucket, &input.key, &input.upload_id)?.clone();
        let later = index.parts(&input.upload_id).filter(|(number, _)| *number > after);
        let shown = later.take(most as usize + 1).map(|(number, stored)| {
            let mut part = Part {
                part_number: Some(number),
                size: Some(stored.size as i64),
                e_tag: Some(ETag::Strong(stored.etag.clone())),
                last_modified: Some(Timestamp::from(at(stored.modified))),
                ..Default::default()
            };
            if upload.named {
                checksum::show!(Some(&stored.sum), part);
            }
            part
        });
        let shown: Vec<Part> = shown.collect();
        Ok((upload, shown))
    })?;
    let truncated = parts.len() > most as usize;
    parts.truncate(most as usize);
    Ok(ListPartsOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        checksum_algorithm: upload.named.then(|| upload.algorithm.dto()),
        checksum_type: kind(&upload),
        initiator: initiator(api),
        owner: Some(api.owner()),
        is_truncated: Some(truncated),
        max_parts: Some(most),
        part_number_marker: Some(after),
        next_part_number_marker: Some(parts.last().and_then(|part| part.part_number).unwrap_or(0)),
        storage_class: class(&upload),
        parts: Some(parts),
        ..Default::default()
    })
}

pub(super) async fn uploads(
    api: &Api,
    req: S3Request<ListMultipartUploadsInput>,
) -> S3Result<ListMultipartUploadsOutput> {
    let input = req.input;
    if input.encoding_type.as_ref().is_some_and(|kind| kind.as_str() != "url") {
        return Err(s3_error!(InvalidArgument, "Invalid Encoding Method specified in Request"));
    }
    let most = input.max_uploads.unwrap_or(PAGE).clamp(1, PAGE);
    let prefix = input.prefix.clone().unwrap_or_default();
    let key_marker = input.key_marker.clone().unwrap_or_default();
    let id_marker = input.upload_id_marker.clone().filter(|id| !id.is_empty());
    let (mut uploads, mut prefixes, mut last) = (Vec::new(), Vec::<CommonPrefix>::new(), None);
    let truncated = api.state.read(|index| -> S3Result<bool> {
        index.bucket(&input.bucket)?;
        for (key, id, upload) in index.uploads(&input.bucket) {
            // Without an id, uploads of the marker's own key are over; with one, those up to that id.
            let over = match &id_marker {
                Some(marker) => (key, id) <= (key_marker.as_str(), marker.as_str()),
                None => !key_marker.is_empty() && key <= key_marker.as_str(),
            };
            if !key.starts_with(&prefix) || over {
                continue;
            }
            let delimiter = input.delimiter.as_deref().filter(|text| !text.is_empty());
            let end = delimiter.and_then(|d| Some(prefix.len() + key[prefix.len()..].find(d)? + d.len()));
            let folder = end.map(|end| key[..end].to_owned());
            if folder.is_some() && prefixes.last().is_some_and(|one| one.prefix == folder) {
                continue;
            }
            if uploads.len() + prefixes.len() == most as usize {
                return Ok(true);
            }
            last = Some((key.to_owned(), id.to_owned()));
            if folder.is_some() {
                prefixes.push(CommonPrefix { prefix: folder });
                continue;
            }
            uploads.push(MultipartUpload {
                key: Some(key.to_owned()),
                upload_id: Some(id.to_owned()),
                initiated: Some(Timestamp::from(at(upload.begun))),
                initiator: initiator(api),
                owner: Some(api.owner()),
                storage_class: class(upload),
                checksum_algorithm: upload.named.then(|| upload.algorithm.dto()),
                checksum_type: kind(upload),
            });
        }
        Ok(false)
    })?;
    let (next_key, next_id) = last.filter(|_| truncated).unzip();
    Ok(ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        prefix: Some(prefix),
        delimiter: input.delimiter,
        key_marker: Some(key_marker),
        upload_id_marker: Some(id_marker.unwrap_or_default()),
        is_truncated: Some(truncated),
        max_uploads: Some(most),
        next_key_marker: next_key,
        next_upload_id_marker: next_id,
        uploads: Some(uploads),
        common_prefixes: Some(prefixes),
        ..Default::default()
    })
}
