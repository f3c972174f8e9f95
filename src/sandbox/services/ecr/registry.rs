//! The OCI distribution API under `/v2/`: blobs out, manifests, tags. Who may, `token.rs` knows, and how
//! blobs come in, `push.rs`.
//!
//! Source: OCI distribution specification 1.1. As ECR does, it refuses to delete: that is what `BatchDeleteImage` is for.
//! Invariant: what has to be in memory does not grow with a blob.

use std::{error::Error, fs::File, io};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Body;
use s3s::Body as Sent;
use serde_json::json;

use crate::sandbox::{door, services::s3, world::World};

use super::{
    push,
    store::{Store, StoreError, digest_of},
    token::{self, Admitted},
};

/// Longest manifest that is read at all; the store says which are too long.
const MANIFEST: usize = 8 * 1024 * 1024;

/// The body of a request, which is read as it comes.
pub trait Arriving: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin + Send {}

impl<B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin + Send> Arriving for B {}

pub(super) type Answer = Result<Response<Sent>, Refusal>;

/// An error in the words of the specification.
pub(super) struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
    pub headers: Vec<(&'static str, String)>,
}

pub(super) fn refuse(status: u16, code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal { status, code, message: message.into(), headers: Vec::new() }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        refuse(500, "UNKNOWN", error.to_string())
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let (status, code) = match &error {
            StoreError::NoRepository(_) => (404, "NAME_UNKNOWN"),
            StoreError::TagTaken(_) => (400, "TAG_INVALID"),
            StoreError::NoLayer(_) | StoreError::NoImage(_) => (404, "MANIFEST_BLOB_UNKNOWN"),
            StoreError::BadManifest(_) | StoreError::AlreadyThere(_) => (400, "MANIFEST_INVALID"),
            StoreError::Io(_) => (500, "UNKNOWN"),
        };
        refuse(status, code, error.to_string())
    }
}

/// What is said to a body that does not come, or not in time.
pub(super) fn unread(error: &(dyn Error + 'static), code: &'static str) -> Refusal {
    refuse(if door::is_too_slow(error) { 408 } else { 400 }, code, error.to_string())
}

fn answered(status: u16, headers: &[(&str, String)], body: Sent) -> Response<Sent> {
    let mut builder =
        Response::builder().status(status).header("docker-distribution-api-version", "registry/2.0");
    for (name, value) in headers {
        builder = builder.header(*name, value);
    }
    builder.body(body).unwrap_or_else(|_| Response::new(Sent::empty()))
}

pub(super) fn empty(status: u16, headers: &[(&str, String)]) -> Response<Sent> {
    let headers = [headers, &[("content-length", "0".to_owned())]].concat();
    answered(status, &headers, Sent::empty())
}

/// The members of a query.
pub(super) fn query<B>(request: &Request<B>) -> Vec<(String, String)> {
    serde_urlencoded::from_str(request.uri().query().unwrap_or_default()).unwrap_or_default()
}

pub(super) fn member<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Answers one request.
pub(super) async fn handle(world: &World, request: Request<impl Arriving>) -> Response<Sent> {
    let answer = match token::admit(world, request.method(), request.uri(), request.headers()) {
        Ok(who) => route(&world.ecr.store, &who, request).await,
        Err(refusal) => Err(refusal),
    };
    answer.unwrap_or_else(|refusal| {
        let body = json!({ "errors": [{ "code": refusal.code, "message": refusal.message }] }).to_string();
        let mut headers = refusal.headers;
        headers.push(("content-type", "application/json".to_owned()));
        headers.push(("content-length", body.len().to_string()));
        answered(refusal.status, &headers, Sent::from(body))
    })
}

async fn route(store: &Store, who: &Admitted<'_>, request: Request<impl Arriving>) -> Answer {
    let path = request.uri().path();
    // Once: the name of a repository may begin so, too.
    let path = path.strip_prefix("/v2").unwrap_or(path).trim_matches('/').to_owned();
    if path.is_empty() {
        return Ok(empty(200, &[]));
    }
    let unsupported = || Err(refuse(405, "UNSUPPORTED", "the operation is unsupported"));
    let known = |name: &str| match store.has(name) {
        true => Ok(()),
        false => {
            Err(refuse(404, "NAME_UNKNOWN", format!("the repository with name '{name}' does not exist")))
        }
    };
    if let Some((name, reference)) = path.split_once("/manifests/") {
        known(name)?;
        return match *request.method() {
            Method::PUT => put_manifest(store, name, reference, request).await,
            Method::GET | Method::HEAD => manifest(store, name, reference, request.method() == Method::HEAD),
            _ => unsupported(),
        };
    }
    if let Some(name) = path.strip_suffix("/blobs/uploads") {
        known(name)?;
        return if request.method() == Method::POST {
            push::begin(store, who, name, request).await
        } else {
            unsupported()
        };
    }
    if let Some((name, id)) = path.split_once("/blobs/uploads/") {
        known(name)?;
        return push::go_on(store, name, id, request).await;
    }
    if let Some((name, digest)) = path.split_once("/blobs/") {
        known(name)?;
        return match *request.method() {
            Method::GET | Method::HEAD => blob(store, name, digest, &request),
            _ => unsupported(),
        };
    }
    if let Some(name) = path.strip_suffix("/tags/list") {
        known(name)?;
        return if request.method() == Method::GET {
            tags(store, name, &query(&request))
        } else {
            unsupported()
        };
    }
    Err(refuse(404, "NAME_UNKNOWN", "no such address"))
}

/// A blob or a stretch of it.
fn blob<B>(store: &Store, name: &str, digest: &str, request: &Request<B>) -> Answer {
    let path =
        store.blob(name, digest).ok_or_else(|| refuse(404, "BLOB_UNKNOWN", "blob unknown to registry"))?;
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut headers = vec![
        ("docker-content-digest", digest.to_owned()),
        ("content-type", "application/octet-stream".to_owned()),
        ("accept-ranges", "bytes".to_owned()),
    ];
    let range = text(request.headers(), "range").and_then(|text| s3s::dto::Range::parse(text).ok());
    let (status, start, length) = match range {
        None => (200, 0, size),
        Some(range) => {
            let range = range.check(size).map_err(|_| {
                let mut refusal = refuse(416, "SIZE_INVALID", "the range cannot be satisfied");
                refusal.headers.push(("content-range", format!("bytes */{size}")));
                refusal
            })?;
            headers.push(("content-range", format!("bytes {}-{}/{size}", range.start, range.end - 1)));
            (206, range.start, range.end - range.start)
        }
    };
    headers.push(("content-length", length.to_string()));
    let body = if request.method() == Method::HEAD {
        Sent::empty()
    } else {
        Sent::from(s3s::stream::DynByteStream::from(s3::send(file, start, length)))
    };
    Ok(answered(status, &headers, body))
}

async fn put_manifest(store: &Store, name: &str, reference: &str, request: Request<impl Arriving>) -> Answer {
    let body = Limited::new(request.into_body(), MANIFEST).collect().await;
    let bytes = body.map_err(|error| unread(&*error, "MANIFEST_INVALID"))?.to_bytes();
    let tag = (!reference.starts_with("sha256:")).then_some(reference);
    if tag.is_none() && digest_of(&bytes) != reference {
        return Err(refuse(400, "DIGEST_INVALID", "the content has another digest"));
    }
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return Err(refuse(400, "TAG_INVALID", "the tag is none"));
    }
    match store.put_image(name, tag, &bytes) {
        Ok(digest) | Err(StoreError::AlreadyThere(digest)) => Ok(push::made(name, "manifests", &digest)),
        Err(error) => Err(error.into()),
    }
}

/// Source: OCI distribution specification, "Pulling manifests".
fn is_tag(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'.' || b == b'-';
    (1..=128).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with(['.', '-'])
}

fn manifest(store: &Store, name: &str, reference: &str, head: bool) -> Answer {
    let digest = if reference.starts_with("sha256:") {
        Some(reference.to_owned())
    } else {
        store.index.read(|index| index.repositories.get(name)?.by_tag(reference).cloned())
    };
    let found = digest.and_then(|digest| Some((store.image(name, &digest)?, digest)));
    let (path, digest) = found.ok_or_else(|| refuse(404, "MANIFEST_UNKNOWN", "Requested image not found"))?;
    let bytes = std::fs::read(path)?;
    let media = store.index.read(|index| {
        let image = index.repositories.get(name)?.images.get(&digest)?;
        Some(image.media_type.clone())
    });
    let headers = [
        ("docker-content-digest", digest),
        ("content-type", media.unwrap_or_default()),
        ("content-length", bytes.len().to_string()),
    ];
    Ok(answered(200, &headers, if head { Sent::empty() } else { Sent::from(bytes) }))
}

/// The tags of a repository, in order; a page says where the next begins.
fn tags(store: &Store, name: &str, members: &[(String, String)]) -> Answer {
    let mut all: Vec<String> = store.index.read(|index| {
        let images = index.repositories.get(name).map(|repository| &repository.images);
        images.into_iter().flatten().flat_map(|(_, image)| image.tags.iter().cloned()).collect()
    });
    all.sort();
    let last = member(members, "last").unwrap_or_default();
    all.retain(|tag| tag.as_str() > last);
    let most = match member(members, "n").map(str::parse::<usize>) {
        None => usize::MAX,
        Some(Ok(most)) if most > 0 => most,
        Some(_) => return Err(refuse(400, "PAGINATION_NUMBER_INVALID", "n is a number greater than 0")),
    };
    let more = all.len() > most;
    all.truncate(most);
    let body = json!({ "name": name, "tags": all }).to_string();
    let mut headers =
        vec![("content-type", "application/json".to_owned()), ("content-length", body.len().to_string())];
    if let Some(last) = all.last().filter(|_| more) {
        headers.push((
            header::LINK.as_str(),
            format!("</v2/{name}/tags/list?last={last}&n={most}>; rel=\"next\""),
        ));
    }
    Ok(answered(200, &headers, Sent::from(body)))
}

#[cfg(test)]
mod tests;
