//! An OpenTelemetry collector that remembers what it was sent.
//!
//! The messages are the fields of the OTLP protocol that experiments look at, by their numbers in
//! `opentelemetry/proto/{trace,metrics,common,resource}/v1` (open-telemetry/opentelemetry-proto 1.x); others are skipped.

use std::{
    io::{self, Read as _},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use prost::Message;
use tokio::task::JoinHandle;

use super::proxy::serve;

#[derive(Clone, PartialEq, Message)]
struct TraceRequest {
    #[prost(message, repeated, tag = "1")]
    resources: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceSpans {
    #[prost(message, repeated, tag = "2")]
    scopes: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeSpans {
    #[prost(message, repeated, tag = "2")]
    spans: Vec<RawSpan>,
}

#[derive(Clone, PartialEq, Message)]
struct RawSpan {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(int32, tag = "6")]
    kind: i32,
}

#[derive(Clone, PartialEq, Message)]
struct MetricsRequest {
    #[prost(message, repeated, tag = "1")]
    resources: Vec<ResourceMetrics>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceMetrics {
    #[prost(message, repeated, tag = "2")]
    scopes: Vec<ScopeMetrics>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeMetrics {
    #[prost(message, repeated, tag = "2")]
    metrics: Vec<RawMetric>,
}

#[derive(Clone, PartialEq, Message)]
struct RawMetric {
    #[prost(string, tag = "1")]
    name: String,
}

/// Kind of a span that serves a request (`SPAN_KIND_SERVER`).
pub const SERVER: i32 = 2;

/// A span that arrived; ids in lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Trace.
    pub trace: String,
    /// Itself.
    pub id: String,
    /// Its parent, empty at a root.
    pub parent: String,
    /// Its name.
    pub name: String,
    /// As in the protocol.
    pub kind: i32,
}

/// A running collector. It ends when dropped.
pub struct Collector {
    /// Where it listens.
    pub address: SocketAddr,
    received: Arc<Mutex<Received>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Received {
    spans: Vec<Span>,
    metrics: Vec<String>,
}

impl Collector {
    /// Listens on a free port of loopback.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> io::Result<Self> {
        let received = Arc::new(Mutex::new(Received::default()));
        let inside = Arc::clone(&received);
        let (address, task) = serve(move |request| take(Arc::clone(&inside), request)).await?;
        Ok(Self { address, received, task })
    }

    fn lock(&self) -> MutexGuard<'_, Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every span so far.
    pub fn spans(&self) -> Vec<Span> {
        self.lock().spans.clone()
    }

    /// Names of the metrics so far, sorted, each once.
    pub fn metrics(&self) -> Vec<String> {
        let mut names = self.lock().metrics.clone();
        names.sort();
        names.dedup();
        names
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn take(received: Arc<Mutex<Received>>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let zipped = parts.headers.get("content-encoding").is_some_and(|coding| coding == "gzip");
    let Ok(body) = body.collect().await else { return status(StatusCode::BAD_REQUEST) };
    let body = body.to_bytes();
    let plain = if zipped {
        let mut plain = Vec::new();
        if flate2::read::GzDecoder::new(&body[..]).read_to_end(&mut plain).is_err() {
            return status(StatusCode::BAD_REQUEST);
        }
        Bytes::from(plain)
    } else {
        body
    };
    let mut received = received.lock().unwrap_or_else(PoisonError::into_inner);
    match parts.uri.path() {
        "/v1/traces" => match TraceRequest::decode(plain) {
            Ok(message) => received.spans.extend(spans(message)),
            Err(_) => return status(StatusCode::BAD_REQUEST),
        },
        "/v1/metrics" => match MetricsRequest::decode(plain) {
            Ok(message) => received.metrics.extend(names(message)),
            Err(_) => return status(StatusCode::BAD_REQUEST),
        },
        _ => return status(StatusCode::NOT_FOUND),
    }
    // An empty message of the protocol is an empty body.
    status(StatusCode::OK)
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    let protobuf = http::HeaderValue::from_static("application/x-protobuf");
    response.headers_mut().insert("content-type", protobuf);
    response
}

fn spans(message: TraceRequest) -> impl Iterator<Item = Span> {
    let scopes = message.resources.into_iter().flat_map(|resource| resource.scopes);
    scopes.flat_map(|scope| scope.spans).map(|span| Span {
        trace: hex::encode(span.trace_id),
        id: hex::encode(span.span_id),
        parent: hex::encode(span.parent_span_id),
        name: span.name,
        kind: span.kind,
    })
}

fn names(message: MetricsRequest) -> impl Iterator<Item = String> {
    let scopes = message.resources.into_iter().flat_map(|resource| resource.scopes);
    scopes.flat_map(|scope| scope.metrics).map(|metric| metric.name)
}
