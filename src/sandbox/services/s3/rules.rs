//! What S3 refuses of reads and of uploads in parts. Source: Amazon S3 API reference, of each operation; user guide,
//! "Multipart upload limits".

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::{
    S3Result,
    dto::{CompletedPart, ETagCondition, EncodingType},
    s3_error,
};

use super::index::{Object, Upload};

/// The type of an object that was stored with none.
pub(super) const USUAL_TYPE: &str = "binary/octet-stream";

/// Numbers that a part may have.
const NUMBERS: std::ops::RangeInclusive<i32> = 1..=10_000;

/// Least size of a part that is not the last.
const LEAST: u64 = 5 * 1024 * 1024;

/// What a key has in a listing that is to be URL-encoded.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'*');

/// A key, a prefix or a delimiter as a listing tells it.
pub(super) fn told(text: &str, encoding: Option<&EncodingType>) -> String {
    match encoding.map(EncodingType::as_str) {
        Some(EncodingType::URL) => utf8_percent_encode(text, PLAIN).to_string(),
        _ => text.to_owned(),
    }
}

/// Refuses a read of what the reader has already, or has another version of.
pub(super) fn readable(
    object: &Object,
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> S3Result<()> {
    let is =
        |condition: &ETagCondition| condition.as_etag().is_none_or(|wanted| wanted.value() == object.etag);
    if if_match.is_some_and(|condition| !is(condition)) {
        return Err(s3_error!(
            PreconditionFailed,
            "At least one of the preconditions you specified did not hold"
        ));
    }
    if if_none_match.is_some_and(is) {
        return Err(s3_error!(NotModified, "Not Modified"));
    }
    Ok(())
}

/// Refuses a part with a number that none has.
pub(super) fn numbered(number: i32) -> S3Result<()> {
    if NUMBERS.contains(&number) {
        return Ok(());
    }
    Err(s3_error!(InvalidArgument, "Part number must be an integer between 1 and 10000, inclusive"))
}

/// The parts of an upload that make its object, in their order.
pub(super) fn chosen<'a>(upload: &'a Upload, wanted: &[CompletedPart]) -> S3Result<Vec<&'a Object>> {
    if wanted.is_empty() {
        return Err(s3_error!(
            MalformedXML,
            "The XML you provided was not well-formed or did not validate against our published schema"
        ));
    }
    if !wanted.is_sorted_by(|one, next| one.part_number < next.part_number) {
        return Err(s3_error!(
            InvalidPartOrder,
            "The list of parts was not in ascending order. Parts must be ordered by part number."
        ));
    }
    let mut parts = Vec::new();
    for part in wanted {
        let stored = part.part_number.and_then(|number| upload.parts.get(&number));
        let same = |stored: &&Object| part.e_tag.as_ref().is_some_and(|tag| tag.value() == stored.etag);
        parts.push(
            stored
                .filter(same)
                .ok_or_else(|| s3_error!(InvalidPart, "A part was not found, or its ETag is another one"))?,
        );
    }
    if parts.iter().rev().skip(1).any(|part| part.size < LEAST) {
        return Err(s3_error!(
            EntityTooSmall,
            "Your proposed upload is smaller than the minimum allowed size"
        ));
    }
    Ok(parts)
}
