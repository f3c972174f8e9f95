//! Lists of objects, of their versions, of uploads and of parts, page by page.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::{S3Request, S3Result, dto::*, s3_error};

use super::{
    Api, at, checksum,
    index::{Index, Object as Stored, Version},
};

/// Most entries of a page. Source: API reference, ListObjectsV2.
const PAGE: i32 = 1000;

const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/').remove(b'*');

/// Keys as the answer writes them: percent-encoded where the client asked, as XML cannot hold every character.
struct Words(bool);

impl Words {
    fn of(encoding: Option<&EncodingType>) -> S3Result<Self> {
        match encoding.map(EncodingType::as_str) {
            None => Ok(Self(false)),
            Some("url") => Ok(Self(true)),
            Some(_) => Err(s3_error!(InvalidArgument, "Invalid Encoding Method specified in Request")),
        }
    }

    fn write(&self, text: &str) -> String {
        if self.0 { utf8_percent_encode(text, PLAIN).to_string() } else { text.to_owned() }
    }

    fn some(&self, text: Option<&String>) -> Option<String> {
        text.map(|text| self.write(text))
    }

    fn kind(&self) -> Option<EncodingType> {
        self.0.then(|| EncodingType::from_static(EncodingType::URL))
    }
}

fn most(asked: Option<i32>) -> S3Result<usize> {
    match asked.unwrap_or(PAGE) {
        asked if asked < 0 => {
            Err(s3_error!(InvalidArgument, "Argument maxKeys must be an integer between 0 and 2147483647"))
        }
        asked => Ok(asked.min(PAGE) as usize),
    }
}

/// The part of a key up to the first delimiter after the prefix.
fn folder(key: &str, prefix: &str, delimiter: Option<&str>) -> Option<String> {
    let delimiter = delimiter.filter(|text| !text.is_empty())?;
    let at = key[prefix.len()..].find(delimiter)?;
    Some(key[..prefix.len() + at + delimiter.len()].to_owned())
}

/// The least key after all those that begin so, as good as any that exists.
fn past(prefix: &str) -> String {
    format!("{prefix}\u{10FFFF}")
}

/// One page of the objects of a bucket.
struct Page {
    objects: Vec<Object>,
    prefixes: Vec<CommonPrefix>,
    /// The last key or prefix of it, where more follow.
    next: Option<String>,
}

fn page(
    index: &Index,
    bucket: &str,
    (prefix, delimiter, after): (&str, Option<&str>, &str),
    most: usize,
    words: &Words,
) -> S3Result<Page> {
    index.bucket(bucket)?;
    let mut page = Page { objects: Vec::new(), prefixes: Vec::new(), next: None };
    let (mut last, mut start) = (String::new(), prefix.max(after).to_owned());
    loop {
        let Some((_, key, version)) = index.versions_from(bucket, &start, u64::MAX).next() else { break };
        if !key.starts_with(prefix) {
            break;
        }
        let folder = folder(key, prefix, delimiter);
        start = folder.as_deref().map_or_else(|| format!("{key}\0"), past);
        let mark = folder.as_deref().unwrap_or(key);
        // A folder is there for what can be read in it.
        let hidden = match &folder {
            None => version.object.is_none(),
            Some(folder) => {
                let mut keys =
                    index.versions_from(bucket, key, u64::MAX).take_while(|(_, k, _)| k.starts_with(folder));
                let mut seen = "";
                !keys.any(|(_, key, version)| {
                    let newest = key != seen;
                    seen = key;
                    newest && version.object.is_some()
                })
            }
        };
        if hidden || (!after.is_empty() && mark <= after) {
            continue;
        }
        if page.objects.len() + page.prefixes.len() == most {
            page.next = (most > 0).then_some(last);
            break;
        }
        mark.clone_into(&mut last);
        match (&folder, &version.object) {
            (Some(folder), _) => page.prefixes.push(CommonPrefix { prefix: Some(words.write(folder)) }),
            (None, Some(object)) => page.objects.push(entry(key, version, object, words)),
            (None, None) => {}
        }
    }
    Ok(page)
}

fn class(object: &Stored) -> String {
    object.about.storage_class.clone().unwrap_or_else(|| "STANDARD".to_owned())
}

fn entry(key: &str, version: &Version, object: &Stored, words: &Words) -> Object {
    Object {
        key: Some(words.write(key)),
        size: Some(object.size as i64),
        e_tag: Some(ETag::Strong(object.etag.clone())),
        last_modified: Some(Timestamp::from(at(version.modified))),
        storage_class: Some(class(object).into()),
        checksum_algorithm: object.sum.as_ref().map(|sum| vec![sum.algorithm.dto()]),
        checksum_type: object.sum.as_ref().map(checksum::kind),
        ..Default::default()
    }
}

pub(super) async fn objects(api: &Api, req: S3Request<ListObjectsInput>) -> S3Result<ListObjectsOutput> {
    let input = req.input;
    let (words, most) = (Words::of(input.encoding_type.as_ref())?, most(input.max_keys)?);
    let (prefix, after) =
        (input.prefix.as_deref().unwrap_or_default(), input.marker.as_deref().unwrap_or_default());
    let asked = (prefix, input.delimiter.as_deref(), after);
    let mut page = api.state.read(|index| page(index, &input.bucket, asked, most, &words))?;
    for object in &mut page.objects {
        object.owner = Some(api.owner());
    }
    Ok(ListObjectsOutput {
        name: Some(input.bucket),
        prefix: Some(words.write(prefix)),
        marker: Some(words.write(after)),
        delimiter: words.some(input.delimiter.as_ref()),
        max_keys: Some(most as i32),
        is_truncated: Some(page.next.is_some()),
        // Told with a delimiter only; without one, the last key is it.
        next_marker: page.next.filter(|_| input.delimiter.is_some()).map(|next| words.write(&next)),
        contents: Some(page.objects),
        common_prefixes: Some(page.prefixes),
        encoding_type: words.kind(),
        ..Default::default()
    })
}

pub(super) async fn objects_v2(
    api: &Api,
    req: S3Request<ListObjectsV2Input>,
) -> S3Result<ListObjectsV2Output> {
    let input = req.input;
    let (words, most) = (Words::of(input.encoding_type.as_ref())?, most(input.max_keys)?);
    let prefix = input.prefix.as_deref().unwrap_or_default();
    // The token is the last key or common prefix of the page before.
    let after = match &input.continuation_token {
        Some(token) => hex::decode(token)
            .ok()
            .and_then(|key| String::from_utf8(key).ok())
            .ok_or_else(|| s3_error!(InvalidArgument, "The continuation token provided is incorrect"))?,
        None => input.start_after.clone().unwrap_or_default(),
    };
    let asked = (prefix, input.delimiter.as_deref(), after.as_str());
    let mut page = api.state.read(|index| page(index, &input.bucket, asked, most, &words))?;
    if input.fetch_owner == Some(true) {
        for object in &mut page.objects {
            object.owner = Some(api.owner());
        }
    }
    Ok(ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: Some(words.write(prefix)),
        delimiter: words.some(input.delimiter.as_ref()),
        start_after: words.some(input.start_after.as_ref()),
        max_keys: Some(most as i32),
        key_count: Some((page.objects.len() + page.prefixes.len()) as i32),
        is_truncated: Some(page.next.is_some()),
        next_continuation_token: page.next.map(hex::encode),
        continuation_token: input.continuation_token,
        contents: Some(page.objects),
        common_prefixes: Some(page.prefixes),
        encoding_type: words.kind(),
        ..Default::default()
    })
}

pub(super) async fn versions(
    api: &Api,
    req: S3Request<ListObjectVersionsInput>,
) -> S3Result<ListObjectVersionsOutput> {
    let input = req.input;
    let (words, most) = (Words::of(input.encoding_type.as_ref())?, most(input.max_keys)?);
    let prefix = input.prefix.as_deref().unwrap_or_default();
    let marker = input.key_marker.as_deref().unwrap_or_default();
    let id_marker = input.version_id_marker.as_deref().filter(|id| !id.is_empty());
    if id_marker.is_some() && marker.is_empty() {
        return Err(s3_error!(
            InvalidArgument,
            "A version-id marker cannot be specified without a key marker."
        ));
    }
    let mut out = ListObjectVersionsOutput {
        name: Some(input.bucket.clone()),
        prefix: Some(words.write(prefix)),
        key_marker: Some(words.write(marker)),
        version_id_marker: Some(id_marker.unwrap_or_default().to_owned()),
        delimiter: words.some(input.delimiter.as_ref()),
        max_keys: Some(most as i32),
        is_truncated: Some(false),
        encoding_type: words.kind(),
        ..Default::default()
    };
    let (mut found, mut markers, mut prefixes) = (Vec::new(), Vec::new(), Vec::<CommonPrefix>::new());
    api.state.read(|index| -> S3Result<()> {
        index.bucket(&input.bucket)?;
        let (mut before, mut seen_marker) = (String::new(), false);
        let mut last = (String::new(), String::new());
        let start = prefix.max(marker);
        for (_, key, version) in index.versions_from(&input.bucket, start, u64::MAX) {
            if !key.starts_with(prefix) {
                break;
            }
            let newest = before != key;
            key.clone_into(&mut before);
            if !marker.is_empty() && key == marker {
                let past = seen_marker;
                seen_marker |= id_marker == Some(version.id.as_str());
                if id_marker.is_none() || !past {
                    continue;
                }
            }
            let folder = folder(key, prefix, input.delimiter.as_deref());
            if let Some(folder) = &folder
                && (*folder == last.0 || (!marker.is_empty() && folder.as_str() <= marker))
            {
                continue;
            }
            if found.len() + markers.len() + prefixes.len() == most {
                out.is_truncated = Some(most > 0);
                out.next_key_marker = Some(words.write(&last.0));
                out.next_version_id_marker = (!last.1.is_empty()).then(|| last.1.clone());
                break;
            }
            if let Some(folder) = folder {
                prefixes.push(CommonPrefix { prefix: Some(words.write(&folder)) });
                last = (folder, String::new());
                continue;
            }
            last = (key.to_owned(), version.id.clone());
            let (modified, id) = (Some(Timestamp::from(at(version.modified))), Some(version.id.clone()));
            match &version.object {
                None => markers.push(DeleteMarkerEntry {
                    is_latest: Some(newest),
                    key: Some(words.write(key)),
                    last_modified: modified,
                    owner: Some(api.owner()),
                    version_id: id,
                }),
                Some(object) => found.push(ObjectVersion {
                    is_latest: Some(newest),
                    key: Some(words.write(key)),
                    last_modified: modified,
                    owner: Some(api.owner()),
                    version_id: id,
                    size: Some(object.size as i64),
                    e_tag: Some(ETag::Strong(object.etag.clone())),
                    storage_class: Some(class(object).into()),
                    checksum_algorithm: object.sum.as_ref().map(|sum| vec![sum.algorithm.dto()]),
                    checksum_type: object.sum.as_ref().map(checksum::kind),
                    ..Default::default()
                }),
            }
        }
        Ok(())
    })?;
    out.versions = Some(found);
    out.delete_markers = Some(markers);
    out.common_prefixes = Some(prefixes);
    Ok(out)
}
