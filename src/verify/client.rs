//! A caller of the service under experiment: whole requests with a time limit, and broken ones by hand.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// The longest answer that is read; a service that never ends one would fill this machine.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// Longest wait for an answer that is expected to come.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
    /// From the first byte sent to the last one read.
    pub took: Duration,
}

impl Answer {
    /// A header as text, empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as JSON, null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Whether the service did what it was asked.
    pub fn ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Status and time, for reports.
    pub fn brief(&self) -> String {
        format!("{} after {} ms", self.status, self.took.as_millis())
    }
}

/// No answer came.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NoAnswer {
    /// Not within the limit.
    #[error("no answer within {} ms", .0.as_millis())]
    Late(Duration),
    /// The connection failed.
    #[error("no answer: {0}")]
    Broken(String),
}

/// A caller with connections of its own.
#[derive(Clone)]
pub struct Caller {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base: String,
}

impl Caller {
    /// Calls the service at `base`, `http://host:port` or `https://…`, without a slash at the end.
    ///
    /// # Errors
    /// When the machine's certificates cannot be read.
    pub fn new(base: &str) -> std::io::Result<Self> {
        let https = HttpsConnectorBuilder::new().with_native_roots()?.https_or_http().enable_http1().build();
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(10))
            .build(https);
        Ok(Self { client, base: base.trim_end_matches('/').to_owned() })
    }

    /// Sends one request and reads the whole answer.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
        limit: Duration,
    ) -> Result<Answer, NoAnswer> {
        let began = Instant::now();
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request =
            request.body(Full::new(body.into())).map_err(|error| NoAnswer::Broken(error.to_string()))?;
        let whole = async {
            let response =
                self.client.request(request).await.map_err(|error| NoAnswer::Broken(chain(&error)))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, LARGEST_ANSWER).collect().await;
            let body = body.map_err(|error| NoAnswer::Broken(chain(error.as_ref())))?.to_bytes();
            Ok(Answer { status: head.status.as_u16(), headers: head.headers, body, took: began.elapsed() })
        };
        tokio::time::timeout(limit, whole).await.unwrap_or(Err(NoAnswer::Late(limit)))
    }
}

/// An error with its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        words = format!("{words}: {cause}");
        source = cause.source();
    }
    words
}

/// A connection to the service that fails, fails its promise.
fn lost(error: std::io::Error) -> NoAnswer {
    NoAnswer::Broken(error.to_string())
}

/// A request whose bytes are sent by hand.
pub struct Slow {
    stream: TcpStream,
}

impl Slow {
    /// Connects and sends the first part.
    ///
    /// # Errors
    /// When nobody listens.
    pub async fn begin(address: SocketAddr, part: &str) -> Result<Self, NoAnswer> {
        let mut slow = Self { stream: TcpStream::connect(address).await.map_err(lost)? };
        slow.stream.set_nodelay(true).map_err(lost)?;
        slow.more(part).await?;
        Ok(slow)
    }

    /// Sends more.
    ///
    /// # Errors
    /// When the other side has gone.
    pub async fn more(&mut self, part: &str) -> Result<(), NoAnswer> {
        self.stream.write_all(part.as_bytes()).await.map_err(lost)
    }

    /// The status line's number, 0 when the connection was closed without one.
    ///
    /// # Errors
    /// [`NoAnswer::Late`] when neither happened within the limit.
    pub async fn status(&mut self, limit: Duration) -> Result<u16, NoAnswer> {
        let mut read = Vec::new();
        let line = async {
            let mut buffer = [0; 1024];
            while !read.windows(2).any(|two| two == b"\r\n") {
                match self.stream.read(&mut buffer).await {
                    Ok(n) if n > 0 => read.extend_from_slice(&buffer[..n]),
                    _ => return 0,
                }
            }
            let text = String::from_utf8_lossy(&read).into_owned();
            text.split(' ').nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
        };
        tokio::time::timeout(limit, line).await.map_err(|_| NoAnswer::Late(limit))
    }
}
