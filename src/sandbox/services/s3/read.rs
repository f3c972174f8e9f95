//! Objects are read: whole or in part, under conditions, or only described.

use std::fs::File;

use s3s::{S3Error, S3Request, S3Result, dto::*, s3_error};

use super::{
    Api,
    about::describe,
    at, body, checksum,
    index::{Index, Object, Version},
    versions::{self, failed},
};

/// Conditions of a read.
pub(super) struct Conditions<'a> {
    pub if_match: Option<&'a ETagCondition>,
    pub if_none_match: Option<&'a ETagCondition>,
    pub if_modified_since: Option<&'a Timestamp>,
    pub if_unmodified_since: Option<&'a Timestamp>,
}

fn seconds(time: &Timestamp) -> i64 {
    time::OffsetDateTime::from(time.clone()).unix_timestamp()
}

impl Conditions<'_> {
    /// Whether the read may go on; an ETag decides before a time does (RFC 9110, section 13.2.2).
    pub fn check(&self, version: &Version, object: &Object) -> S3Result<()> {
        let same = |condition: &ETagCondition| condition.as_etag().is_none_or(|e| e.value() == object.etag);
        let modified = version.modified / 1000;
        match (self.if_match, self.if_unmodified_since) {
            (Some(condition), _) if !same(condition) => return Err(failed()),
            (None, Some(time)) if modified > seconds(time) => return Err(failed()),
            _ => {}
        }
        let unchanged = match (self.if_none_match, self.if_modified_since) {
            (Some(condition), _) => same(condition),
            (None, Some(time)) => modified <= seconds(time),
            (None, None) => false,
        };
        if !unchanged {
            return Ok(());
        }
        let mut error = S3Error::new(s3s::S3ErrorCode::NotModified);
        let mut headers = http::HeaderMap::new();
        if let Ok(etag) = ETag::Strong(object.etag.clone()).to_http_header() {
            headers.insert(http::header::ETAG, etag);
        }
        error.set_headers(headers);
        Err(error)
    }
}

/// The stretch of an object that is wanted, what of it is told, and whether that is all of it.
struct Stretch {
    start: u64,
    length: u64,
    content_range: Option<String>,
    parts: Option<i32>,
}

fn stretch(object: &Object, range: Option<Range>, part: Option<i32>) -> S3Result<Stretch> {
    let told = |start: u64, length: u64| {
        Some(format!("bytes {start}-{}/{}", (start + length).saturating_sub(1), object.size))
    };
    let whole = Stretch { start: 0, length: object.size, content_range: None, parts: None };
    match (range, part) {
        (Some(_), Some(_)) => {
            Err(s3_error!(InvalidRequest, "Cannot specify both Range header and partNumber query parameter"))
        }
        (None, None) => Ok(whole),
        (Some(range), None) => {
            let range = range.check(object.size).map_err(|_| {
                let mut error = s3_error!(InvalidRange, "The requested range is not satisfiable");
                let mut headers = http::HeaderMap::new();
                if let Ok(value) = format!("bytes */{}", object.size).parse() {
                    headers.insert(http::header::CONTENT_RANGE, value);
                }
                error.set_headers(headers);
                error
            })?;
            let (start, length) = (range.start, range.end - range.start);
            Ok(Stretch { start, length, content_range: told(start, length), parts: None })
        }
        (None, Some(1)) if object.parts.is_empty() => {
            let content_range = if object.size > 0 { told(0, object.size) } else { None };
            Ok(Stretch { content_range, ..whole })
        }
        (None, Some(number)) => {
            let at = usize::try_from(number).ok().and_then(|n| n.checked_sub(1));
            let at = at.filter(|at| *at < object.parts.len());
            let at = at.ok_or_else(|| {
                super::error("InvalidPartNumber", 416, "The requested partnumber is not satisfiable")
            })?;
            let start = object.parts[..at].iter().map(|part| part.size).sum();
            let length = object.parts[at].size;
            let parts = Some(object.parts.len() as i32);
            Ok(Stretch { start, length, content_range: told(start, length), parts })
        }
    }
}

fn last_modified(version: &Version) -> Option<Timestamp> {
    Some(Timestamp::from(at(version.modified / 1000 * 1000)))
}

/// A checksum is of the whole object, and told of it alone.
fn told_sum(
    object: &Object,
    mode: Option<&ChecksumMode>,
    part: Option<i32>,
    ranged: bool,
) -> Option<checksum::Sum> {
    mode.filter(|mode| mode.as_str() == ChecksumMode::ENABLED)?;
    match part.filter(|_| !object.parts.is_empty()) {
        Some(number) => object.parts.get(usize::try_from(number).ok()? - 1)?.sum.clone(),
        None if ranged && part.is_none() => None,
        None => object.sum.clone(),
    }
}

fn open(api: &Api, object: &Object) -> S3Result<File> {
    File::open(api.state.objects.join(&object.file)).map_err(S3Error::internal_error)
}

/// What both GET and HEAD say.
macro_rules! said {
    ($api:expr, $input:expr, $out:ident, $then:expr) => {{
        let input = $input;
        let (stretch, id, version, object, file) = $api.state.read(|index: &Index| -> S3Result<_> {
            let wanted = input.version_id.as_deref();
            let (version, object) = versions::object(index, &input.bucket, &input.key, wanted)?;
            let conditions = Conditions {
                if_match: input.if_match.as_ref(),
                if_none_match: input.if_none_match.as_ref(),
                if_modified_since: input.if_modified_since.as_ref(),
                if_unmodified_since: input.if_unmodified_since.as_ref(),
            };
            conditions.check(version, object)?;
            let stretch = stretch(object, input.range, input.part_number)?;
            // Opened while nobody can remove it.
            let file = $then(object)?;
            let id = versions::shown(index, &input.bucket, version);
            Ok((stretch, id, version.clone(), object.clone(), file))
        })?;
        let sum = told_sum(
            &object,
            input.checksum_mode.as_ref(),
            input.part_number,
            stretch.content_range.is_some(),
        );
        let mut out = $out {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(stretch.length as i64),
            content_range: stretch.content_range,
            parts_count: stretch.parts,
            e_tag: Some(ETag::Strong(object.etag.clone())),
            last_modified: last_modified(&version),
            version_id: id,
            checksum_type: sum.as_ref().map(checksum::kind),
            ..Default::default()
        };
        checksum::show!(sum, out);
        (out, file, stretch.start, stretch.length, object)
    }};
}

pub(super) async fn get(api: &Api, req: S3Request<GetObjectInput>) -> S3Result<GetObjectOutput> {
    let (mut out, file, start, length, object) = said!(api, req.input, GetObjectOutput, |object: &Object| {
        if matches!(object.about.storage_class.as_deref(), Some("GLACIER" | "DEEP_ARCHIVE")) {
            return Err(s3_error!(
                InvalidObjectState,
                "The operation is not valid for the object's storage class"
            ));
        }
        open(api, object)
    });
    out.tag_count = (!object.tags.is_empty()).then_some(object.tags.len() as i32);
    describe!(object.about, out);
    out.body = Some(body::send(file, start, length));
    Ok(out)
}

pub(super) async fn head(api: &Api, req: S3Request<HeadObjectInput>) -> S3Result<HeadObjectOutput> {
    let (mut out, (), _, _, object) =
        said!(api, req.input, HeadObjectOutput, |_: &Object| Ok::<_, S3Error>(()));
    describe!(object.about, out);
    Ok(out)
}

pub(super) async fn attributes(
    api: &Api,
    req: S3Request<GetObjectAttributesInput>,
) -> S3Result<GetObjectAttributesOutput> {
    let input = req.input;
    let asked: Vec<&str> = input.object_attributes.iter().flat_map(|one| one.as_str().split(',')).collect();
    let asks = |word: &str| asked.iter().any(|one| one.trim() == word);
    if let Some(other) = asked
        .iter()
        .find(|one| !["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"].contains(&one.trim()))
    {
        return Err(s3_error!(InvalidArgument, "Invalid attribute name specified: {other}"));
    }
    let (id, version, object) = api.state.read(|index| -> S3Result<_> {
        let wanted = input.version_id.as_deref();
        let (version, object) = versions::object(index, &input.bucket, &input.key, wanted)?;
        let id = versions::shown(index, &input.bucket, version);
        Ok((id, version.clone(), object.clone()))
    })?;
    let sum = object.sum.as_ref().filter(|_| asks("Checksum")).map(|sum| {
        let mut checksum = Checksum { checksum_type: Some(checksum::kind(sum)), ..Default::default() };
        checksum::show!(Some(sum), checksum);
        checksum
    });
    Ok(GetObjectAttributesOutput {
        checksum: sum,
        e_tag: asks("ETag").then(|| ETag::Strong(object.etag.clone())),
        last_modified: last_modified(&version),
        object_parts: (asks("ObjectParts") && !object.parts.is_empty())
            .then(|| pieces(&object, input.part_number_marker, input.max_parts)),
        object_size: asks("ObjectSize").then_some(object.size as i64),
        storage_class: asks("StorageClass")
            .then(|| object.about.storage_class.clone().unwrap_or_else(|| "STANDARD".to_owned()).into()),
        version_id: id,
        ..Default::default()
    })
}

/// The parts of an object; those of an object without a checksum of them are counted and not listed.
fn pieces(object: &Object, marker: Option<i32>, most: Option<i32>) -> GetObjectAttributesParts {
    let (after, most) = (marker.unwrap_or(0), most.unwrap_or(1000).clamp(0, 1000));
    let listed = object.sum.as_ref().is_some_and(|sum| sum.value.contains('-'));
    let later: Vec<_> = object.parts.iter().filter(|part| listed && part.number > after).collect();
    let page: Vec<ObjectPart> = later
        .iter()
        .take(most as usize)
        .map(|piece| {
            let mut part = ObjectPart {
                part_number: Some(piece.number),
                size: Some(piece.size as i64),
                ..Default::default()
            };
            checksum::show!(&piece.sum, part);
            part
        })
        .collect();
    GetObjectAttributesParts {
        is_truncated: Some(later.len() > page.len()),
        max_parts: Some(most),
        next_part_number_marker: Some(page.last().and_then(|part| part.part_number).unwrap_or(0)),
        part_number_marker: Some(after),
        parts: listed.then_some(page),
        total_parts_count: Some(object.parts.len() as i32),
    }
}
