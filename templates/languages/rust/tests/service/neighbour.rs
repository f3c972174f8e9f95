//! A server in the place of whatever the service calls.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, Uri},
    response::{IntoResponse, Response},
};

/// A request as it arrived.
#[allow(
    dead_code,
    reason = "which parts matter depends on what the service calls"
)]
pub struct Call {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

pub struct Neighbour {
    pub url: String,
    pub calls: Arc<Mutex<Vec<Call>>>,
}

impl Neighbour {
    /// Answers each request by its number, counted from 1.
    pub async fn start<R: IntoResponse>(
        answer: impl Fn(usize) -> R + Clone + Send + Sync + 'static,
    ) -> Self {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&calls);
        let handler = async move |uri: Uri, headers: HeaderMap, body: Bytes| -> Response {
            let number = {
                let mut seen = seen.lock().expect("lock");
                seen.push(Call {
                    path: uri.path().to_owned(),
                    headers,
                    body,
                });
                seen.len()
            };
            answer(number).into_response()
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(handler);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, calls }
    }
}
