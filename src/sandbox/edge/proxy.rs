//! One request: who should answer it, and carrying it there and back.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::TryFutureExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri, header, request::Parts};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use hyper::body::{Body as _, Incoming};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use crate::sandbox::{
    server::is_local_host,
    services::apprunner::{self, Instance, ServiceRef, Upstreams},
    world::World,
};

use super::{Arm, RouteSpec, assign};

type Body = UnsyncBoxBody<Bytes, hyper::Error>;

/// Name of the cookie that keeps a viewer where it is.
const COOKIE: &str = "pave_bucket";

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

pub(super) struct Proxy {
    world: Arc<World>,
    client: Client<HttpConnector, Body>,
}

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
    Stream(Option<Incoming>),
}

impl Sendable {
    async fn read(body: Incoming) -> Result<Self, hyper::Error> {
        match body.size_hint().exact() {
            Some(size) if size <= HELD => Ok(Self::Held(body.collect().await?.to_bytes())),
            _ => Ok(Self::Stream(Some(body))),
        }
    }

    /// The body for one attempt; `None` where it is gone.
    fn take(&mut self) -> Option<Body> {
        match self {
            Self::Held(bytes) => {
                Some(Full::new(bytes.clone()).map_err(|never| match never {}).boxed_unsync())
            }
            Self::Stream(body) => body.take().map(|body| body.boxed_unsync()),
        }
    }
}

fn say(status: StatusCode, title: &str) -> Response<Body> {
    let body = serde_json::json!({ "title": title, "status": status.as_u16() }).to_string();
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
        .filter(|id| !id.is_empty() && id.len() <= 64)
        .map(str::to_owned)
}

impl Proxy {
    pub fn new(world: Arc<World>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_secs(2)));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            // Shorter than what servers usually keep an idle connection for, so that we are the one who closes it.
            .pool_idle_timeout(Duration::from_secs(2))
            .build(connector);
        Self { world, client }
    }

    pub async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        let host =
            request.headers().get(header::HOST).and_then(|h| h.to_str().ok()).unwrap_or_default().to_owned();
        if !is_local_host(&host) {
            return say(StatusCode::FORBIDDEN, "this sandbox answers on loopback names only");
        }
        let name = host.split(':').next().unwrap_or_default();
        if let Some(id) = slot_id(name) {
            return self.to_slot(request, &host, id, peer).await;
        }
        let Some((service, environment)) =
            name.strip_suffix(".localhost").and_then(|name| name.split_once('.'))
        else {
            return say(
                StatusCode::NOT_FOUND,
                "no service has this name; use http://<service>.<environment>.localhost",
            );
        };
        let store = format!("{service}-{environment}");
        let route = self.world.cloudfront.value(&store, "route");
        let Some(route) = route.and_then(|text| serde_json::from_str::<RouteSpec>(&text).ok()) else {
            return say(StatusCode::SERVICE_UNAVAILABLE, "nothing is deployed under this name");
        };
        // A viewer without the cookie gets a place at random and the cookie to keep it.
        let known = cookie(request.headers());
        let viewer = known.clone().unwrap_or_else(|| hex::encode(rand::random::<[u8; 12]>()));
        let Some((slot, origin, arm)) = assign(&route, &viewer) else {
            return say(StatusCode::SERVICE_UNAVAILABLE, "the route has no stable slot");
        };
        let Some(id) = slot_id(origin.split(':').next().unwrap_or_default()) else {
            return say(StatusCode::BAD_GATEWAY, "the route leads to a host that is not in this sandbox");
        };
        let (origin, id) = (origin.to_owned(), id.to_owned());
        let mut response = self.to_slot(request, &origin, &id, peer).await;
        mark(response.headers_mut(), slot, arm, known.is_none().then_some(viewer.as_str()));
        response
    }

    /// Sends a request to one App Runner service.
    async fn to_slot(
        &self,
        request: Request<Incoming>,
        host: &str,
        id: &str,
        peer: SocketAddr,
    ) -> Response<Body> {
        let started = Instant::now();
        let (mut parts, body) = request.into_parts();
        forward_headers(&mut parts, host, peer);
        let mut body = match Sendable::read(body).await {
            Ok(body) => body,
            Err(_) => return say(StatusCode::BAD_REQUEST, "the request ended before its body did"),
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
        for name in HOP_BY_HOP {
            parts.headers.remove(name);
        }
        // The request is under way until its last byte has gone out.
        let body = body.map_frame(move |frame| {
            let _ = &in_flight;
            frame
        });
        Ok(Response::from_parts(parts, body.boxed_unsync()))
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

/// `<id>.<region>.awsapprunner.localhost` -> `<id>`.
fn slot_id(name: &str) -> Option<&str> {
    let inner = name.strip_suffix(".awsapprunner.localhost")?;
    inner.split_once('.').map(|(id, _)| id)
}

fn forward_headers(parts: &mut Parts, host: &str, peer: SocketAddr) {
    let original = parts.headers.get(header::HOST).cloned();
    for name in HOP_BY_HOP {
        parts.headers.remove(name);
    }
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

fn mark(headers: &mut HeaderMap, slot: &'static str, arm: Arm, viewer: Option<&str>) {
    headers.insert(HeaderName::from_static("x-pave-slot"), HeaderValue::from_static(slot));
    headers.insert(HeaderName::from_static("x-pave-arm"), HeaderValue::from_static(arm.word()));
    if let Some(viewer) = viewer {
        // Thirty days: longer than any rollout.
        let cookie = format!("{COOKIE}={viewer}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax");
        if let Ok(value) = HeaderValue::from_str(&cookie) {
            headers.append(header::SET_COOKIE, value);
        }
    }
}
