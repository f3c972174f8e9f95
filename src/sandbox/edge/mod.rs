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

use std::sync::Arc;

use tokio::{net::TcpListener, sync::watch};

use super::{door, world::World};

pub use assign::{Arm, RouteSpec, assign};

/// Serves the edge until told to stop.
pub async fn serve(world: Arc<World>, listener: TcpListener, stopped: watch::Receiver<bool>) {
    let proxy = Arc::new(proxy::Proxy::new(world));
    door::serve(listener, door::Limits::USERS, stopped, move |request, peer| {
        let proxy = Arc::clone(&proxy);
        async move { Ok(proxy.answer(request, peer).await) }
    })
    .await;
}
