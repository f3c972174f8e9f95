//! Blobs on their way into the registry: begun, mounted, in one piece or in chunks.
//!
//! Source: OCI distribution specification 1.1, "Pushing blobs".

use http::{HeaderMap, Method, Request, Response};
use http_body_util::BodyExt as _;
use s3s::Body;

use super::{
    blobs::is_digest,
    registry::{Answer, Arriving, Refusal, empty, member, query, refuse, text, unread},
    store::Store,
    token::Admitted,
    uploads::{Upload, UploadError},
};

fn place(name: &str, id: &str) -> (&'static str, String) {
    ("location", format!("/v2/{name}/blobs/uploads/{id}"))
}

/// The bytes that came, as the `Range` header tells them.
fn so_far(length: u64) -> (&'static str, String) {
    ("range", format!("0-{}", length.saturating_sub(1)))
}

fn failed(name: &str, id: &str, error: UploadError) -> Refusal {
    match error {
        UploadError::Unknown(_) => refuse(404, "BLOB_UPLOAD_UNKNOWN", error.to_string()),
        UploadError::Busy(_) => refuse(409, "BLOB_UPLOAD_INVALID", error.to_string()),
        UploadError::Gap(length) => {
            let mut refusal = refuse(416, "BLOB_UPLOAD_INVALID", error.to_string());
            refusal.headers = vec![place(name, id), so_far(length)];
            refusal
        }
        UploadError::OtherDigest(_) => refuse(400, "DIGEST_INVALID", error.to_string()),
        UploadError::Io(error) => error.into(),
    }
}

/// Begins an upload; a blob that is here already can be mounted by whoever may read it, and a small one comes with the
/// request.
pub(super) async fn begin(
    store: &Store,
    who: &Admitted<'_>,
    name: &str,
    request: Request<impl Arriving>,
) -> Answer {
    let members = query(&request);
    if let (Some(digest), Some(from)) = (member(&members, "mount"), member(&members, "from"))
        && who.may_mount(from)
        && store.blob(from, digest).is_some()
        && store.share(name, digest)
    {
        return Ok(made(name, "blobs", digest));
    }
    let id = store.uploads.begin(name)?;
    if member(&members, "digest").is_some() {
        return go_on(store, name, &id, request).await;
    }
    Ok(empty(202, &[place(name, &id), so_far(0), ("docker-upload-uuid", id.clone())]))
}

pub(super) fn made(name: &str, kind: &str, digest: &str) -> Response<Body> {
    let location = format!("/v2/{name}/{kind}/{digest}");
    empty(201, &[("location", location), ("docker-content-digest", digest.to_owned())])
}

/// The first and the last byte that a chunk says it has.
fn chunk(headers: &HeaderMap) -> Option<(u64, u64)> {
    let range = text(headers, "content-range")?;
    let (first, last) = range.strip_prefix("bytes ").unwrap_or(range).split_once('-')?;
    Some((first.parse().ok()?, last.split('/').next()?.parse().ok()?))
}

pub(super) async fn go_on(store: &Store, name: &str, id: &str, request: Request<impl Arriving>) -> Answer {
    let fail = |error| failed(name, id, error);
    let mut upload = store.uploads.take(name, id).map_err(fail)?;
    let method = request.method().clone();
    match method {
        Method::GET => return Ok(empty(204, &[place(name, id), so_far(upload.length())])),
        Method::DELETE => {
            upload.cancel()?;
            return Ok(empty(204, &[]));
        }
        Method::PATCH | Method::PUT | Method::POST => {}
        _ => return Err(refuse(405, "UNSUPPORTED", "the operation is unsupported")),
    }
    let members = query(&request);
    if let Some((first, last)) = chunk(request.headers()) {
        upload.expect(first).map_err(fail)?;
        let length = text(request.headers(), "content-length").and_then(|text| text.parse::<u64>().ok());
        if last < first || length.is_some_and(|length| length != last - first + 1) {
            return Err(refuse(400, "SIZE_INVALID", "the range is not that of the chunk"));
        }
    }
    receive(&mut upload, request.into_body()).await?;
    if method == Method::PATCH {
        return Ok(empty(
            202,
            &[place(name, id), so_far(upload.length()), ("docker-upload-uuid", id.to_owned())],
        ));
    }
    let digest = member(&members, "digest").unwrap_or_default();
    if !is_digest(digest) {
        return Err(refuse(400, "DIGEST_INVALID", "no digest that is one"));
    }
    let upload = upload.verified(digest).map_err(fail)?;
    store.add(name, digest, |place| upload.move_to(place))?;
    Ok(made(name, "blobs", digest))
}

/// Puts a body to what came before; on disk when this returns.
async fn receive(upload: &mut Upload<'_>, mut body: impl Arriving) -> Result<(), Refusal> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| unread(&*error.into(), "BLOB_UPLOAD_INVALID"))?;
        if let Some(bytes) = frame.data_ref() {
            upload.append(bytes)?;
        }
    }
    Ok(upload.flush()?)
}
