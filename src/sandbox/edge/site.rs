//! A request to a distribution: the cache behaviour for its path says where it goes.
//!
//! Of the functions of viewers' requests the edge has the paved router alone, which it is in Rust: code that is another is
//! not run, and the distribution says so instead of pretending. A function of viewers' responses is not run; what the
//! paved one would set, the edge sets with the route. Nothing is cached, and nothing redirected to HTTPS.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, Uri, header, uri::PathAndQuery};
use http_body_util::{BodyExt as _, Full};

use crate::sandbox::services::cloudfront::{By, Site, Way};

use super::proxy::{Asked, Body, Proxy, say, slot_id};

/// CloudFront's own page for what it does not pass on. Source: developer guide, "HTTP 403 status code".
pub(super) fn unsatisfied(why: &str) -> Response<Body> {
    let page = format!(
        "<!DOCTYPE html>\n<html><head><title>ERROR: The request could not be satisfied</title></head>\
         <body><h1>403 ERROR</h1><h2>The request could not be satisfied.</h2><p>Request blocked: {why}.</p></body></html>\n"
    );
    let mut response =
        Response::new(Full::new(Bytes::from(page)).map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = StatusCode::FORBIDDEN;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    headers.insert(header::SERVER, HeaderValue::from_static("CloudFront"));
    headers.insert("x-cache", HeaderValue::from_static("Error from cloudfront"));
    response
}

/// The address that the origin is asked for: with its own path before the viewer's, or before what stands for the root.
fn asked(uri: &Uri, root: Option<&str>, prefix: &str) -> Option<Uri> {
    let path = root.filter(|_| uri.path() == "/").unwrap_or(uri.path());
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let path: PathAndQuery = format!("{prefix}{path}{query}").parse().ok()?;
    Some(Uri::from(path))
}

impl Proxy {
    /// Answers for a distribution.
    pub async fn to_site(&self, mut request: Asked, site: &Site, peer: SocketAddr) -> Response<Body> {
        if !site.is_enabled {
            return unsatisfied("the distribution is disabled");
        }
        let Some(way) = site.way(request.uri().path()) else {
            return unsatisfied("the distribution has no behaviour for this path");
        };
        if !way.allows(request.method()) {
            return unsatisfied("this distribution is not configured to allow this method");
        }
        if site.root.is_some() || !way.prefix.is_empty() {
            let Some(uri) = asked(request.uri(), site.root.as_deref(), &way.prefix) else {
                return unsatisfied("the path is not a valid one");
            };
            *request.uri_mut() = uri;
        }
        for (name, value) in &way.headers {
            request.headers_mut().insert(name, value.clone());
        }
        match &way.by {
            By::Origin | By::Router(None) => self.to_origin(request, way, peer).await,
            By::Router(Some(store)) => {
                // Whatever is wrong with a route: the behaviour's own origin serves, as the router in JavaScript has it.
                let Some(route) = self.route(store) else { return self.to_origin(request, way, peer).await };
                match self.by_route(request, &route, peer).await {
                    Ok(response) => response,
                    Err(request) => self.to_origin(request, way, peer).await,
                }
            }
            By::Foreign => say(
                StatusCode::SERVICE_UNAVAILABLE,
                "this distribution's function is not the paved router, which is the only code that the sandbox's edge runs",
            ),
        }
    }

    async fn to_origin(&self, request: Asked, way: &Way, peer: SocketAddr) -> Response<Body> {
        match slot_id(way.origin.split(':').next().unwrap_or_default()) {
            Some(id) => self.to_slot(request, &way.origin, id, peer).await,
            None => say(StatusCode::BAD_GATEWAY, "the origin is a host that is not in this sandbox"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_is_asked_for_its_own_path_and_the_root_object() {
        for (uri, root, prefix, expected) in [
            ("/", Some("/index.html"), "", "/index.html"),
            ("/?a=b", Some("/index.html"), "/v1", "/v1/index.html?a=b"),
            ("/a/", Some("/index.html"), "", "/a/"),
            ("/a?b", None, "/v1", "/v1/a?b"),
        ] {
            assert_eq!(asked(&uri.parse().expect("a URI"), root, prefix).expect("a URI"), expected, "{uri}");
        }
    }
}
