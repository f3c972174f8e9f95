//! Users: a steady stream of requests through the edge, counted by who answered.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::{sync::watch, task::JoinHandle};

/// Time between two requests: 100 a second.
const EVERY: Duration = Duration::from_millis(10);

/// How many different users there are, each with a cookie of its own.
const USERS: u64 = 500;

/// Requests by the arm that answered (`stable`, `canary`, or `none` where nobody did): all, and failed.
pub type Seen = BTreeMap<String, (u64, u64)>;

/// Users that keep coming until they are told to stop.
pub struct Load {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

struct Shared {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
    host: String,
    seen: Mutex<Seen>,
    sent: AtomicU64,
    open: AtomicUsize,
}

impl Load {
    /// Starts sending.
    pub fn start(edge: u16, host: &str) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(10))
            .build(HttpConnector::new());
        let shared = Arc::new(Shared {
            client,
            base: format!("http://{}:{edge}", Ipv4Addr::LOCALHOST),
            host: format!("{host}:{edge}"),
            seen: Mutex::default(),
            sent: AtomicU64::new(0),
            open: AtomicUsize::new(0),
        });
        let (stop, mut stopped) = watch::channel(false);
        let sender = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            let mut clock = tokio::time::interval(EVERY);
            loop {
                tokio::select! {
                    _ = clock.tick() => {}
                    _ = stopped.changed() => return,
                }
                let one = Arc::clone(&sender);
                one.open.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    one.send().await;
                    one.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { shared, stop, task }
    }

    /// Forgets what was counted.
    pub fn mark(&self) {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What was counted since the mark, once every request that is under way now was answered.
    pub async fn settle(&self) -> Seen {
        let sent = self.shared.sent.load(Ordering::SeqCst);
        while self.shared.sent.load(Ordering::SeqCst) < sent + 100 {
            tokio::time::sleep(EVERY).await;
        }
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops, waits for the last answers, and returns what was counted since the mark.
    pub async fn stop(self) -> Seen {
        let _ = self.stop.send(true);
        let _ = self.task.await;
        while self.shared.open.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(EVERY).await;
        }
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shared {
    async fn send(&self) {
        let number = self.sent.fetch_add(1, Ordering::SeqCst);
        // Users in an order that has nothing to do with what they ask for: 7919 is prime to their number.
        let user = number.wrapping_mul(7919) % USERS;
        let request = Request::builder()
            .header("host", &self.host)
            .header("content-type", "application/json")
            .header("cookie", format!("pave_bucket=tour-user-{user}"));
        let (request, body) = match number % 10 {
            0 | 1 => {
                (request.method("POST").uri(format!("{}/v1/notes", self.base)), "{\"title\":\"buy milk\"}")
            }
            2..=4 => (request.uri(format!("{}/v1/notes?limit=50", self.base)), ""),
            _ => (request.uri(format!("{}/v1/notes?limit=20", self.base)), ""),
        };
        let Ok(request) = request.body(Full::new(Bytes::from_static(body.as_bytes()))) else { return };
        let (arm, failed) = match self.client.request(request).await {
            Ok(response) => {
                let arm = response
                    .headers()
                    .get("x-pave-arm")
                    .and_then(|a| a.to_str().ok())
                    .unwrap_or("none")
                    .to_owned();
                let failed = response.status().as_u16() >= 400;
                let whole = response.into_body().collect().await.is_ok();
                (arm, failed || !whole)
            }
            Err(_) => ("none".to_owned(), true),
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let count = seen.entry(arm).or_default();
        count.0 += 1;
        count.1 += u64::from(failed);
    }
}
