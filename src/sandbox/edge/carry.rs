//! Carrying a request to an instance of an App Runner service, and its answer back.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::TryFutureExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri, header, request::Parts};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};

use crate::sandbox::{
    door::{self, Timely},
    services::apprunner::{self, Instance, ServiceRef, Upstreams},
};

use super::proxy::{Asked, Body, Proxy, say};

/// Bodies up to this size are held, so that a request can be sent again to another instance when the first was gone.
const HELD: u64 = 64 * 1024;

/// Longest time one request may take. Source: App Runner's limit.
const LIMIT: Duration = Duration::from_secs(120);

/// How often a request that reached nobody is tried.
const ATTEMPTS: usize = 4;

/// Headers that belong to one connection (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Counts a request as under way for as long as it lives.
struct InFlight(Arc<AtomicUsize>);

impl InFlight {
    fn new(counter: &Arc<AtomicUsize>) -> Self {
        counter.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(counter))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A body that may be sent once, or again and again.
enum Sendable {
    Held(Bytes),
    /// With what tells that it ended before its end.
    Stream(Option<Timely<Incoming>>, Arc<AtomicBool>),
}

impl Sendable {
    async fn read(body: Timely<Incoming>) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        match body.size_hint().exact() {
            Some(size) if size <= HELD => Ok(Self::Held(body.collect().await?.to_bytes())),
            _ => Ok(Self::Stream(Some(body), Arc::default())),
        }
    }

    /// The body for one attempt; `None` where it is gone.
    fn take(&mut self) -> Option<Body> {
        match self {
            Self::Held(bytes) => {
                Some(Full::new(bytes.clone()).map_err(|never| match never {}).boxed_unsync())
            }
            Self::Stream(body, cut) => {
                let (body, cut) = (body.take()?, Arc::clone(cut));
                let noted = body.map_err(move |error| {
                    cut.store(true, Ordering::Release);
                    error
                });
                Some(noted.boxed_unsync())
            }
        }
    }

    /// Whether whoever sent it broke off.
    fn is_cut(&self) -> bool {
        matches!(self, Self::Stream(_, cut) if cut.load(Ordering::Acquire))
    }
}

impl Proxy {
    /// Sends a request to one App Runner service.
    pub async fn to_slot(&self, request: Asked, host: &str, id: &str, peer: SocketAddr) -> Response<Body> {
        let started = Instant::now();
        if matches!(apprunner::upstreams(&self.world, id), Upstreams::Unknown) {
            return say(StatusCode::NOT_FOUND, "there is no such App Runner service");
        }
        let (mut parts, body) = request.into_parts();
        forward_headers(&mut parts, host, peer);
        let ended = || say(StatusCode::BAD_REQUEST, "the request ended before its body did");
        let mut body = match Sendable::read(body).await {
            Ok(body) => body,
            Err(error) if door::is_too_slow(&*error) => {
                return say(StatusCode::REQUEST_TIMEOUT, door::TOO_SLOW);
            }
            Err(_) => return ended(),
        };
        let mut seen: Option<ServiceRef> = None;
        let mut response = say(StatusCode::SERVICE_UNAVAILABLE, "the service has no instance that answers");
        for attempt in 0..ATTEMPTS {
            let (service, instances) = match apprunner::upstreams(&self.world, id) {
                Upstreams::Unknown => {
                    return say(StatusCode::NOT_FOUND, "there is no such App Runner service");
                }
                Upstreams::NotServing => {
                    return say(StatusCode::SERVICE_UNAVAILABLE, "the service is not running");
                }
                Upstreams::Ready { service, instances } => (service, instances),
            };
            seen = Some(service);
            let Some(instance) = least_loaded(&instances) else { break };
            let Some(next) = body.take() else { break };
            match self.attempt(&parts, next, instance).await {
                Ok(answered) => {
                    response = answered;
                    break;
                }
                // Nobody has seen the request; whoever answers next may be another instance.
                Err(failed) if failed.unsent && attempt + 1 < ATTEMPTS => {
                    tokio::time::sleep(Duration::from_millis(25 << attempt)).await;
                }
                // That is nothing that the service did.
                Err(_) if body.is_cut() => return ended(),
                Err(failed) => {
                    response = say(failed.status, failed.title);
                    break;
                }
            }
        }
        if let Some(service) = seen {
            let latency = started.elapsed().as_secs_f64() * 1000.0;
            let at = time::OffsetDateTime::now_utc().unix_timestamp_nanos() as f64 / 1e9;
            let status = response.status().as_u16();
            self.world.cloudwatch.record_request(&service.name, &service.id, status, latency, at);
        }
        response
    }

    async fn attempt(
        &self,
        parts: &Parts,
        body: Body,
        instance: &Instance,
    ) -> Result<Response<Body>, Failed> {
        let in_flight = InFlight::new(&instance.in_flight);
        let path = parts.uri.path_and_query().map_or("/", |p| p.as_str());
        let uri: Uri = format!("http://{}{path}", instance.address).parse().map_err(|_| Failed {
            unsent: false,
            status: StatusCode::BAD_REQUEST,
            title: "the path is not a valid one",
        })?;
        let mut request = Request::new(body);
        *request.method_mut() = parts.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = parts.headers.clone();
        let answered = self.client.request(request).map_err(|error| Failed {
            unsent: error.is_connect(),
            status: StatusCode::BAD_GATEWAY,
            title: "the instance broke off the connection",
        });
        let timed = tokio::time::timeout(LIMIT, answered).await;
        let response = timed.map_err(|_| Failed {
            unsent: false,
            status: StatusCode::GATEWAY_TIMEOUT,
            title: "the service took longer than 120 seconds",
        })??;
        let (mut parts, body) = response.into_parts();
        // Nothing here speaks another protocol, and nobody was asked for one.
        if parts.status == StatusCode::SWITCHING_PROTOCOLS {
            let title = "the instance changed to another protocol";
            return Err(Failed { unsent: false, status: StatusCode::BAD_GATEWAY, title });
        }
        keep_to_itself(&mut parts.headers);
        // The request is under way until its last byte has gone out.
        let body = body.map_frame(move |frame| {
            let _ = &in_flight;
            frame
        });
        Ok(Response::from_parts(parts, body.map_err(Into::into).boxed_unsync()))
    }
}

/// An attempt that gave no response.
struct Failed {
    /// No byte of the request can have reached anybody.
    unsent: bool,
    status: StatusCode,
    title: &'static str,
}

fn least_loaded(instances: &[Instance]) -> Option<&Instance> {
    instances.iter().min_by_key(|instance| instance.in_flight.load(Ordering::SeqCst))
}

/// Takes out what belongs to the connection, also what it names itself.
fn keep_to_itself(headers: &mut HeaderMap) {
    let named = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<HeaderName> =
        named.flat_map(|value| value.split(',')).filter_map(|name| name.trim().parse().ok()).collect();
    for name in named {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

fn forward_headers(parts: &mut Parts, host: &str, peer: SocketAddr) {
    let original = parts.headers.get(header::HOST).cloned();
    keep_to_itself(&mut parts.headers);
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            parts.headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("host", host);
    set("x-forwarded-for", &peer.ip().to_string());
    set("x-forwarded-proto", "http");
    if let Some(original) = original {
        parts.headers.insert(HeaderName::from_static("x-forwarded-host"), original);
    }
}
