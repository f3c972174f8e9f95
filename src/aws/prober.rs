//! Direct requests to a slot's own address.

use std::{
    future::Future,
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::Empty;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{HttpConnector, dns::Name},
    },
    rt::TokioExecutor,
};

use crate::engine::ports::Prober;

/// Names under `localhost` are this machine, whatever a name server says, and are asked without TLS (RFC 6761, section 6.3).
#[derive(Debug, Clone, Copy)]
struct Resolver;

fn is_local(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

impl tower_service::Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        Box::pin(async move {
            let found: Vec<SocketAddr> = if is_local(name.as_str()) {
                vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))]
            } else {
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect()
            };
            Ok(found.into_iter())
        })
    }
}

pub(super) struct HttpProber(Result<Client<HttpsConnector<HttpConnector<Resolver>>, Empty<Bytes>>, String>);

impl HttpProber {
    pub fn new() -> Self {
        let mut http = HttpConnector::new_with_resolver(Resolver);
        http.enforce_http(false);
        let https = HttpsConnectorBuilder::new()
            .with_native_roots()
            .map(|builder| builder.https_or_http().enable_http1().wrap_connector(http));
        Self(
            https
                .map(|connector| Client::builder(TokioExecutor::new()).build(connector))
                .map_err(|error| format!("no certificates to trust were found: {error}")),
        )
    }
}

#[async_trait]
impl Prober for HttpProber {
    async fn get(&self, host: &str, path: &str, timeout: Duration) -> Result<u16, String> {
        let client = self.0.as_ref().map_err(Clone::clone)?;
        let name = host.split(':').next().unwrap_or_default();
        let scheme = if is_local(name) { "http" } else { "https" };
        let request = http::Request::get(format!("{scheme}://{host}{path}"))
            .header("user-agent", concat!("pave/", env!("CARGO_PKG_VERSION")))
            .body(Empty::new())
            .map_err(|error| error.to_string())?;
        match tokio::time::timeout(timeout, client.request(request)).await {
            Err(_) => Err(format!("no answer within {} ms", timeout.as_millis())),
            Ok(Err(error)) => {
                let mut cause: &dyn std::error::Error = &error;
                while let Some(inner) = cause.source() {
                    cause = inner;
                }
                Err(cause.to_string())
            }
            Ok(Ok(response)) => Ok(response.status().as_u16()),
        }
    }
}
