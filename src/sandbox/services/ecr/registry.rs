//! The OCI distribution API under `/v2/`, as far as pushing and pulling images needs it.
//!
//! Source: OCI distribution specification 1.1.

use base64::Engine as _;
use serde_json::json;
use subtle::ConstantTimeEq as _;

use crate::sandbox::call::{RawRequest, RawResponse};

use super::store::{Store, StoreError, digest_of};

fn refuse(status: u16, code: &str, message: &str) -> RawResponse {
    let body = json!({ "errors": [{ "code": code, "message": message }] }).to_string();
    RawResponse::new(status, "application/json", body).with("docker-distribution-api-version", "registry/2.0")
}

fn plain(status: u16) -> RawResponse {
    RawResponse { status, headers: Vec::new(), body: bytes::Bytes::new() }
        .with("docker-distribution-api-version", "registry/2.0")
}

fn authorised(request: &RawRequest, token: &str) -> bool {
    let Some(given) = request.headers.get("authorization").and_then(|h| h.strip_prefix("Basic ")) else {
        return false;
    };
    let decoded = base64::prelude::BASE64_STANDARD.decode(given).unwrap_or_default();
    decoded.ct_eq(format!("AWS:{token}").as_bytes()).into()
}

/// Answers one request.
pub(super) fn handle(store: &Store, token: &str, request: &RawRequest) -> RawResponse {
    if !authorised(request, token) {
        return refuse(401, "UNAUTHORIZED", "authentication required")
            .with("www-authenticate", "Basic realm=\"sandbox\"");
    }
    let path = request.path.trim_start_matches("/v2").trim_matches('/');
    if path.is_empty() {
        return plain(200);
    }
    let method = request.method.as_str();
    if let Some((name, reference)) = path.split_once("/manifests/") {
        return manifest(store, method, name, reference, request);
    }
    if let Some(name) =
        path.strip_suffix("/blobs/uploads").or_else(|| path.split_once("/blobs/uploads/").map(|p| p.0))
    {
        return upload(store, method, name, request);
    }
    if let Some((_, digest)) = path.split_once("/blobs/") {
        let Some(file) = store.blob(digest) else { return refuse(404, "BLOB_UNKNOWN", "no such blob") };
        let Ok(bytes) = std::fs::read(file) else { return refuse(500, "UNKNOWN", "the blob cannot be read") };
        let response = if method == "HEAD" {
            plain(200)
        } else {
            RawResponse::new(200, "application/octet-stream", bytes)
        };
        return response.with("docker-content-digest", digest);
    }
    refuse(404, "NAME_UNKNOWN", "no such address")
}

/// A blob in one piece: `POST` answers where to `PUT` it, or takes it with its digest at once.
fn upload(store: &Store, method: &str, name: &str, request: &RawRequest) -> RawResponse {
    if !store.index.read(|index| index.repositories.contains_key(name)) {
        return refuse(404, "NAME_UNKNOWN", "no such repository");
    }
    let digest = serde_urlencoded::from_str::<Vec<(String, String)>>(&request.query)
        .unwrap_or_default()
        .into_iter()
        .find(|(key, _)| key == "digest")
        .map(|(_, value)| value);
    match (method, digest) {
        ("POST", None) => plain(202)
            .with("location", format!("/v2/{name}/blobs/uploads/{}", crate::sandbox::server::uuid()))
            .with("range", "0-0"),
        ("POST" | "PUT", Some(digest)) => {
            if digest_of(&request.body) != digest {
                return refuse(400, "DIGEST_INVALID", "the content has another digest");
            }
            match store.put_blob(&request.body) {
                Ok(digest) => plain(201)
                    .with("location", format!("/v2/{name}/blobs/{digest}"))
                    .with("docker-content-digest", digest),
                Err(error) => refuse(500, "UNKNOWN", &error.to_string()),
            }
        }
        _ => refuse(405, "UNSUPPORTED", "upload a blob in one piece"),
    }
}

fn manifest(store: &Store, method: &str, name: &str, reference: &str, request: &RawRequest) -> RawResponse {
    if method == "PUT" {
        let tag = (!reference.starts_with("sha256:")).then_some(reference);
        if tag.is_none() && digest_of(&request.body) != reference {
            return refuse(400, "DIGEST_INVALID", "the content has another digest");
        }
        return match store.put_image(name, tag, &request.body) {
            Ok(digest) | Err(StoreError::AlreadyThere(digest)) => plain(201)
                .with("location", format!("/v2/{name}/manifests/{digest}"))
                .with("docker-content-digest", digest),
            Err(error @ StoreError::NoRepository(_)) => refuse(404, "NAME_UNKNOWN", &error.to_string()),
            Err(error @ StoreError::TagTaken(_)) => refuse(400, "TAG_INVALID", &error.to_string()),
            Err(error) => refuse(400, "MANIFEST_INVALID", &error.to_string()),
        };
    }
    let digest = if reference.starts_with("sha256:") {
        Some(reference.to_owned())
    } else {
        store.index.read(|index| index.repositories.get(name)?.by_tag(reference).cloned())
    };
    let found = digest.and_then(|digest| {
        let bytes = std::fs::read(store.image(name, &digest)?).ok()?;
        Some((digest, bytes))
    });
    let Some((digest, bytes)) = found else { return refuse(404, "MANIFEST_UNKNOWN", "no such image") };
    let media = serde_json::from_slice::<serde_json::Value>(&bytes)
        .ok()
        .and_then(|m| m["mediaType"].as_str().map(str::to_owned))
        .unwrap_or_else(|| "application/vnd.oci.image.manifest.v1+json".to_owned());
    let bytes = if method == "HEAD" { Vec::new() } else { bytes };
    RawResponse::new(200, &media, bytes).with("docker-content-digest", digest)
}

#[cfg(test)]
mod tests;
