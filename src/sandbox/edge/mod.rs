//! The edge: users' requests, sent to one of two slots by the route in a KeyValueStore.
//!
//! `http://<service>.<environment>.localhost:<port>` is what a CloudFront distribution is on an account, without that one has
//! to be made; `http://<id>.<region>.awsapprunner.localhost:<port>` is an App Runner service's own address.
//! A distribution that was made is `http://d<13 letters>.cloudfront.localhost:<port>`, where AWS has `cloudfront.net`, and
//! answers to its alternate names as well (`site.rs`). It sends viewers by the route of its function's store if that function is
//! the paved router, and to the origin if it has none: the edge runs no JavaScript.
//!
//! Invariants: a viewer on the canary stays there while its weight grows; anything wrong with a route sends the viewer to
//! stable; a slot whose instances are being replaced loses no request.

mod assign;
mod carry;
mod proxy;
mod site;

use std::{convert::Infallible, sync::Arc, time::Duration};

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use super::world::World;

pub use assign::{Arm, RouteSpec, assign};

/// Longest wait for requests under way when the sandbox stops.
const DRAIN: Duration = Duration::from_secs(5);

/// Serves the edge until told to stop.
pub async fn serve(world: Arc<World>, listener: TcpListener, mut stopped: watch::Receiver<bool>) {
    let proxy = Arc::new(proxy::Proxy::new(world));
    let mut connections = JoinSet::new();
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(_) => { tokio::task::yield_now().await; continue }
            },
            _ = stopped.changed() => break,
        };
        let _ = stream.set_nodelay(true);
        let (proxy, mut stopped) = (Arc::clone(&proxy), stopped.clone());
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let proxy = Arc::clone(&proxy);
                async move { Ok::<_, Infallible>(proxy.answer(request, peer).await) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service);
            tokio::pin!(connection);
            tokio::select! {
                // An error here is a viewer that went away.
                _ = connection.as_mut() => return,
                _ = stopped.changed() => connection.as_mut().graceful_shutdown(),
            }
            let _ = connection.await;
        });
        while connections.try_join_next().is_some() {}
    }
    let _ = tokio::time::timeout(DRAIN, async { while connections.join_next().await.is_some() {} }).await;
}
