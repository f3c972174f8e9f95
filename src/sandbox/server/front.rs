//! The front door for AWS calls: one listener, every service, told apart by what a request was signed for.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, request::Parts};
use hyper::body::Incoming;
use s3s::{Body, service::S3Service};
use tokio::{net::TcpListener, sync::watch};

use crate::sandbox::{
    auth,
    call::{RawRequest, RawResponse},
    door::{self, Timely},
    services::{ecr, s3},
    world::World,
};

use super::{objects, signed, strike, uuid};

/// Header with the id of a request, for people who look for it in logs.
pub(super) const REQUEST_ID: &str = "x-amzn-requestid";

/// What answers.
#[derive(Clone)]
struct Front {
    world: Arc<World>,
    s3: S3Service,
}

/// Serves a listener until told to stop.
pub(super) async fn serve(world: Arc<World>, listener: TcpListener, stopped: watch::Receiver<bool>) {
    let front = Front { s3: objects::service(&world), world };
    door::serve(listener, door::Limits::CALLS, stopped, move |request, _| {
        let front = front.clone();
        strike::losing(async move { answer(&front, request).await })
    })
    .await;
}

/// Whether a Host header names this machine: a web page of another origin that resolves to loopback does not.
pub(in crate::sandbox) fn is_local_host(host: &str) -> bool {
    let (name, after) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, after)) => (name, after),
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let is_port = |text: &str| text.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    (after.is_empty() || is_port(after))
        && (name == "localhost"
            || name.ends_with(".localhost")
            || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()))
}

/// HTTP/2 says the host by its authority, which counts where there is a header as well (RFC 9113, section 8.3.1); what
/// reads and verifies requests looks at the header.
fn with_host<B>(mut request: Request<B>) -> Request<B> {
    let authority = request.uri().authority().and_then(|name| HeaderValue::from_str(name.as_str()).ok());
    if let Some(authority) = authority {
        request.headers_mut().insert("host", authority);
    }
    request
}

async fn answer(front: &Front, request: Request<Timely<Incoming>>) -> Response<Body> {
    let request = with_host(request);
    let host = request.headers().get("host").and_then(|h| h.to_str().ok()).unwrap_or_default();
    if !is_local_host(host) {
        return raw(RawResponse::new(403, "text/plain", "this sandbox answers on loopback names only\n"));
    }
    if request.uri().path() == "/v2" || request.uri().path().starts_with("/v2/") {
        return ecr::registry(&front.world, request).await;
    }
    let parts = parts_of(&request);
    match auth::claimed_service(&parts).or_else(|| of_nobody(&parts)).as_deref() {
        Some("s3") if let Some(refused) = objects::refused(&front.world, &parts) => {
            objects::identified(raw(refused))
        }
        Some("s3") => match front.s3.call(request.map(Body::http_body)).await {
            Ok(response) => objects::identified(s3::worded(response)),
            Err(error) => raw(RawResponse::new(500, "text/plain", format!("{error:?}\n"))),
        },
        service => raw(signed::answer(&front.world, service.unwrap_or_default(), request).await),
    }
}

/// The service that an unsigned request is for, as far as that can be told: S3 alone is asked with other methods than
/// POST at any path, with its older signature, and by forms.
fn of_nobody(parts: &Parts) -> Option<String> {
    let header =
        |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let elsewhere = parts.uri.path().starts_with("/2020-05-31/") || !header("x-amz-target").is_empty();
    let form = header("content-type").starts_with("multipart/form-data");
    let s3 =
        !elsewhere && (parts.method != Method::POST || form || header("authorization").starts_with("AWS "));
    s3.then(|| "s3".to_owned())
}

/// The head of a request, without its body.
fn parts_of<B>(request: &Request<B>) -> Parts {
    let mut head = Request::new(());
    *head.method_mut() = request.method().clone();
    *head.uri_mut() = request.uri().clone();
    *head.headers_mut() = request.headers().clone();
    head.into_parts().0
}

pub(super) fn to_raw(parts: &Parts, body: Bytes) -> RawRequest {
    let headers: BTreeMap<String, String> = parts
        .headers
        .iter()
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    RawRequest {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers,
        body,
    }
}

pub(super) fn raw(response: RawResponse) -> Response<Body> {
    let mut builder =
        Response::builder().status(response.status).header("content-length", response.body.len());
    if !response.headers.iter().any(|(name, _)| name == REQUEST_ID) {
        builder = builder.header(REQUEST_ID, uuid());
    }
    for (name, value) in &response.headers {
        builder = builder.header(name, value);
    }
    builder.body(Body::from(response.body)).expect("services make only valid headers")
}
