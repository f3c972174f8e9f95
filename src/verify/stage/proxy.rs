//! A proxy that stands between a service and one dependency, and breaks it on purpose.
//!
//! Two ways to listen: bytes (databases) and HTTP (APIs), where single requests can be counted, read and refused.

use std::{
    convert::Infallible,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// Longest request body passed on.
const BODY_LIMIT: usize = 64 * 1024 * 1024;

/// What is wrong with the dependency just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Connections are reset as soon as they are made, those that are open at once.
    Down,
    /// Connections are accepted and nothing is ever answered.
    Hang,
    /// One answer is lost with its connection; before and after it all is well.
    LoseOne {
        /// Answers, as the server sends them, that arrive before it.
        after: u64,
    },
    /// Every n-th request, the first included, is answered with this status (HTTP only).
    Status {
        /// The status.
        code: u16,
        /// 1 for all, 2 for the first, third, fifth, ...
        every: u64,
    },
}

/// What stands behind it.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// A server that speaks something else than HTTP.
    Bytes(SocketAddr),
    /// An HTTP server.
    Http(SocketAddr),
    /// An HTTP API that answers every request with a small JSON object.
    Echo,
}

/// A request that arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Its headers.
    pub headers: HeaderMap,
    /// When it came.
    pub at: Instant,
}

/// A running proxy. It ends when dropped.
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    target: Target,
    fault: watch::Sender<Fault>,
    connections: AtomicU64,
    since_fault: AtomicU64,
    seen: Mutex<Vec<Seen>>,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Proxy {
    /// Listens on a free port of loopback.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(target: Target, fault: Fault) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            target,
            fault: watch::Sender::new(fault),
            connections: AtomicU64::new(0),
            since_fault: AtomicU64::new(0),
            seen: Mutex::default(),
            client: Client::builder(TokioExecutor::new()).build_http(),
        });
        let task = tokio::spawn(Arc::clone(&shared).accept(listener));
        Ok(Self { address, shared, task })
    }

    /// Breaks or heals the dependency from now on.
    pub fn set(&self, fault: Fault) {
        self.shared.since_fault.store(0, Ordering::SeqCst);
        self.shared.fault.send_replace(fault);
    }

    /// Connections so far, those that were reset at once included.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Calls so far: requests of an HTTP API, connections of anything else.
    pub fn calls(&self) -> u64 {
        match self.shared.target {
            Target::Bytes(_) => self.connections(),
            _ => self.seen().len() as u64,
        }
    }

    /// Every HTTP request so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        // Connections of their own tasks end with it.
        self.shared.fault.send_replace(Fault::Down);
    }
}

impl Shared {
    async fn accept(self: Arc<Self>, listener: TcpListener) {
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            self.connections.fetch_add(1, Ordering::SeqCst);
            if *self.fault.borrow() == Fault::Down {
                reset(&stream);
                continue;
            }
            let _ = stream.set_nodelay(true);
            let shared = Arc::clone(&self);
            match self.target {
                Target::Bytes(target) => tokio::spawn(async move { shared.bytes(stream, target).await }),
                _ => tokio::spawn(async move { shared.http(stream).await }),
            };
        }
    }

    /// Resolves once the fault is (or has become) [`Fault::Down`].
    async fn down(&self) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.fault.subscribe().wait_for(|fault| *fault == Fault::Down).await;
    }

    /// Resolves once nothing hangs any more.
    async fn unhung(&self) {
        let _ = self.fault.subscribe().wait_for(|fault| *fault != Fault::Hang).await;
    }

    /// True for the one caller that is to lose its answer.
    fn loses_this(&self) -> bool {
        self.fault.send_if_modified(|fault| {
            let Fault::LoseOne { after } = fault else { return false };
            if *after > 0 {
                *after -= 1;
                return false;
            }
            *fault = Fault::None;
            true
        })
    }

    async fn bytes(&self, client: TcpStream, target: SocketAddr) {
        let Ok(server) = TcpStream::connect(target).await else { return reset(&client) };
        let _ = server.set_nodelay(true);
        for stream in [&client, &server] {
            let _ = stream.set_zero_linger();
        }
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        // Whichever ends first ends both; what is dropped is reset, as a broken network would.
        tokio::select! {
            biased;
            () = self.down() => {}
            () = self.pump(from_client, to_server, false) => {}
            () = self.pump(from_server, to_client, true) => {}
        }
    }

    async fn pump(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, answers: bool) {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let Ok(read) = from.read(&mut buffer).await else { return };
            self.unhung().await;
            if read == 0 || (answers && self.loses_this()) || to.write_all(&buffer[..read]).await.is_err() {
                return;
            }
        }
    }

    async fn http(self: Arc<Self>, stream: TcpStream) {
        let _ = stream.set_zero_linger();
        let shared = Arc::clone(&self);
        let service = service_fn(move |request| {
            let shared = Arc::clone(&shared);
            async move { shared.answer(request).await }
        });
        let connection =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        // Down first: a request that came after the fault must not slip through.
        tokio::select! {
            biased;
            () = self.down() => {}
            _ = connection => {}
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Lost> {
        let (parts, body) = request.into_parts();
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Seen { headers: parts.headers.clone(), at: Instant::now() });
        let number = self.since_fault.fetch_add(1, Ordering::SeqCst);
        let body = Limited::new(body, BODY_LIMIT).collect().await.map_err(|_| Lost)?.to_bytes();
        if let Fault::Status { code, every } = *self.fault.borrow()
            && number.is_multiple_of(every)
        {
            let status = StatusCode::from_u16(code).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            let mut response =
                Response::new(Full::new(Bytes::from_static(b"{\"message\":\"broken on purpose\"}")));
            *response.status_mut() = status;
            return Ok(response);
        }
        self.unhung().await;
        if self.loses_this() {
            return Err(Lost);
        }
        match self.target {
            Target::Echo | Target::Bytes(_) => {
                let json = http::HeaderValue::from_static("application/json");
                let mut response = Response::new(Full::new(Bytes::from_static(b"{\"ok\":true}")));
                response.headers_mut().insert("content-type", json);
                Ok(response)
            }
            Target::Http(target) => self.forward(parts, body, target).await,
        }
    }

    /// Passes a request on as it is; its `Host` stays, because signatures cover it.
    async fn forward(
        &self,
        mut parts: http::request::Parts,
        body: Bytes,
        target: SocketAddr,
    ) -> Result<Response<Full<Bytes>>, Lost> {
        let path = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        parts.uri = format!("http://{target}{path}").parse().map_err(|_| Lost)?;
        parts.version = http::Version::HTTP_11;
        let response =
            self.client.request(Request::from_parts(parts, Full::new(body))).await.map_err(|_| Lost)?;
        let (mut head, body) = response.into_parts();
        let body = body.collect().await.map_err(|_| Lost)?.to_bytes();
        head.headers.remove("transfer-encoding");
        Ok(Response::from_parts(head, Full::new(body)))
    }
}

/// The answer is lost: the connection ends without one.
#[derive(Debug, thiserror::Error)]
#[error("the answer was lost")]
struct Lost;

/// Ends a connection with a reset instead of a farewell.
fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}

/// Listens where nothing else does and answers with `handler`, until dropped.
pub async fn serve<H, F>(handler: H) -> io::Result<(SocketAddr, JoinHandle<()>)>
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let handler = handler.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let answer = handler(request);
                    async move { Ok::<_, Infallible>(answer.await) }
                });
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    Ok((address, task))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn get(client: &Client<HttpConnector, Full<Bytes>>, address: SocketAddr) -> Option<u16> {
        let request =
            Request::get(format!("http://{address}/x")).body(Full::default()).expect("a valid request");
        let answer = client.request(request);
        let limit = std::time::Duration::from_millis(300);
        Some(tokio::time::timeout(limit, answer).await.ok()?.ok()?.status().as_u16())
    }

    #[tokio::test]
    async fn every_fault_is_felt_and_heals() {
        let proxy = Proxy::start(Target::Echo, Fault::None).await.expect("starts");
        let client = Client::builder(TokioExecutor::new()).build_http();
        assert_eq!(get(&client, proxy.address).await, Some(200));
        proxy.set(Fault::Status { code: 503, every: 2 });
        let mut statuses = Vec::new();
        for _ in 0..4 {
            statuses.push(get(&client, proxy.address).await);
        }
        assert_eq!(statuses, [Some(503), Some(200), Some(503), Some(200)]);
        assert_eq!(proxy.calls(), 5);
        for fault in [Fault::Down, Fault::Hang] {
            proxy.set(fault);
            assert_eq!(get(&client, proxy.address).await, None, "{fault:?}");
        }
        // What hung is let go first, so that it is not the one that is lost.
        proxy.set(Fault::None);
        assert_eq!(get(&client, proxy.address).await, Some(200));
        proxy.set(Fault::LoseOne { after: 1 });
        assert_eq!(get(&client, proxy.address).await, Some(200));
        assert_eq!(get(&client, proxy.address).await, None);
        assert_eq!(get(&client, proxy.address).await, Some(200));
    }

    #[tokio::test]
    async fn bytes_pass_hang_and_break() {
        let echo = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("binds");
        let target = echo.local_addr().expect("has one");
        tokio::spawn(async move {
            loop {
                let Ok((mut stream, _)) = echo.accept().await else { return };
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        let proxy = Proxy::start(Target::Bytes(target), Fault::None).await.expect("starts");
        let limit = std::time::Duration::from_millis(300);
        let mut stream = TcpStream::connect(proxy.address).await.expect("connects");
        let mut four = [0; 4];
        stream.write_all(b"ping").await.expect("writes");
        stream.read_exact(&mut four).await.expect("answers");
        proxy.set(Fault::Hang);
        stream.write_all(b"ping").await.expect("writes");
        assert!(tokio::time::timeout(limit, stream.read_exact(&mut four)).await.is_err());
        proxy.set(Fault::None);
        stream.read_exact(&mut four).await.expect("answers late");
        proxy.set(Fault::Down);
        assert!(!matches!(stream.read(&mut four).await, Ok(n) if n > 0));
    }
}
