//! One request: who should answer it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use crate::sandbox::{door::Timely, server::is_local_host, services::cloudfront::DOMAIN, world::World};

use super::{Arm, RouteSpec, assign, site::unsatisfied};

/// A request as it comes.
pub(super) type Asked = Request<Timely<Incoming>>;

/// A body on its way to an instance, or back.
pub(super) type Body = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// Name of the cookie that keeps a viewer where it is.
const COOKIE: &str = "pave_bucket";

pub(super) struct Proxy {
    pub world: Arc<World>,
    pub client: Client<HttpConnector, Body>,
}

pub(super) fn say(status: StatusCode, title: &str) -> Response<Body> {
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

    pub async fn answer(&self, request: Asked, peer: SocketAddr) -> Response<Body> {
        let host =
            request.headers().get(header::HOST).and_then(|h| h.to_str().ok()).unwrap_or_default().to_owned();
        let name = host.split(':').next().unwrap_or_default();
        if !is_local_host(&host) {
            // A name of somewhere else is answered only where somebody made it a distribution's.
            return match self.world.cloudfront.site(name) {
                Some(site) => self.to_site(request, &site, peer).await,
                None => say(StatusCode::FORBIDDEN, "this sandbox answers on loopback names only"),
            };
        }
        if let Some(id) = slot_id(name) {
            return self.to_slot(request, &host, id, peer).await;
        }
        let parts = name.strip_suffix(".localhost").and_then(|name| name.split_once('.'));
        let route = parts.and_then(|(service, environment)| self.route(&format!("{service}-{environment}")));
        if let Some(route) = route {
            return match self.by_route(request, &route, peer).await {
                Ok(response) => response,
                Err(_) => say(StatusCode::SERVICE_UNAVAILABLE, "the route has no stable slot"),
            };
        }
        // Nothing else has this name: it may be a distribution's own, or another name that one was given.
        if let Some(site) = self.world.cloudfront.site(name) {
            return self.to_site(request, &site, peer).await;
        }
        match parts {
            _ if name.ends_with(DOMAIN) => unsatisfied("no distribution has this name"),
            Some(_) => say(StatusCode::SERVICE_UNAVAILABLE, "nothing is deployed under this name"),
            None => say(
                StatusCode::NOT_FOUND,
                "no service has this name; use http://<service>.<environment>.localhost",
            ),
        }
    }

    /// The route in a store, where there is one.
    pub fn route(&self, store: &str) -> Option<RouteSpec> {
        let route = self.world.cloudfront.value(store, "route")?;
        serde_json::from_str(&route).ok()
    }

    /// Sends a request where a route says; hands it back where that leads nowhere.
    pub async fn by_route(
        &self,
        request: Asked,
        route: &RouteSpec,
        peer: SocketAddr,
    ) -> Result<Response<Body>, Asked> {
        // A viewer without the cookie gets a place at random and the cookie to keep it.
        let known = cookie(request.headers());
        let viewer = known.clone().unwrap_or_else(|| hex::encode(rand::random::<[u8; 12]>()));
        let Some((slot, origin, arm)) = assign(route, &viewer) else { return Err(request) };
        let Some(id) = slot_id(origin.split(':').next().unwrap_or_default()) else {
            return Ok(say(StatusCode::BAD_GATEWAY, "the route leads to a host that is not in this sandbox"));
        };
        let mut response = self.to_slot(request, origin, id, peer).await;
        mark(response.headers_mut(), slot, arm, known.is_none().then_some(viewer.as_str()));
        Ok(response)
    }
}

/// `<id>.<region>.awsapprunner.localhost` -> `<id>`.
pub(super) fn slot_id(name: &str) -> Option<&str> {
    let inner = name.strip_suffix(".awsapprunner.localhost")?;
    inner.split_once('.').map(|(id, _)| id)
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
