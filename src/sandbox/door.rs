//! Connections, to the front door and to the edge: how many there are at once, and how long one may take over a request.
//!
//! Invariants: whoever sends slowly, or nothing, loses the connection and not anyone else's place; a request that is being
//! answered is never cut off, however long its answer takes, but by the end of the sandbox.
//!
//! It refuses to know what is asked and answered.

mod timely;

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{
    HeaderValue, Request, Response, Version,
    header::{CONNECTION, EXPECT},
};
use hyper::{
    body::{Body, Frame, Incoming, SizeHint},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
};

pub(super) use timely::{TOO_SLOW, Timely, is_too_slow};

/// Wait before the next connection is asked for where one could not be had.
const REFUSED: Duration = Duration::from_millis(50);

/// Longest wait for requests under way when the sandbox stops.
const DRAIN: Duration = Duration::from_secs(5);

/// What a connection may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Connections at once; whoever comes then waits in the listener's queue.
    pub connections: usize,
    /// How long a connection is kept on which no request is being answered: one that is idle, or whose head does not come.
    pub idle: Duration,
    /// How long a body may take, before what its size allows.
    pub body: Duration,
    /// Bytes of a body that earn it one more second.
    pub rate: u64,
}

impl Limits {
    /// For AWS calls: patient with a debugger.
    pub const CALLS: Self = Self {
        connections: 512,
        idle: Duration::from_secs(60),
        body: Duration::from_secs(30),
        rate: 16 * 1024,
    };

    /// For users: more of them.
    pub const USERS: Self = Self { connections: 2_048, ..Self::CALLS };

    /// Descriptors that all of them take: one for who asks and one for who answers, and as many for files.
    pub const DESCRIPTORS: u64 = 3 * (Self::CALLS.connections + Self::USERS.connections) as u64;
}

/// Serves a listener until told to stop, and then until the requests under way are answered. An error of `answer` breaks
/// the connection without an answer.
pub(super) async fn serve<A, F, B>(
    listener: TcpListener,
    limits: Limits,
    mut stopped: watch::Receiver<bool>,
    answer: A,
) where
    A: Fn(Request<Timely<Incoming>>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = io::Result<Response<B>>> + Send + 'static,
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Unpin + Send + 'static,
{
    let places = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            // The semaphore is never closed.
            let place = Arc::clone(&places).acquire_owned().await.ok();
            (place, listener.accept().await)
        };
        let (place, stream, peer) = tokio::select! {
            (place, accepted) = next => match accepted {
                Ok((stream, peer)) => (place, stream, peer),
                // Out of file descriptors, most likely, and of those this process gives none back by trying at once.
                Err(_) => { tokio::time::sleep(REFUSED).await; continue }
            },
            _ = stopped.changed() => break,
        };
        let _ = stream.set_nodelay(true);
        let (answer, stopped) = (answer.clone(), stopped.clone());
        connections.spawn(async move {
            connection(stream, limits, stopped, move |request| answer(request, peer)).await;
            drop(place);
        });
        while connections.try_join_next().is_some() {}
    }
    let _ = tokio::time::timeout(DRAIN, async { while connections.join_next().await.is_some() {} }).await;
}

async fn connection<A, F, B>(stream: TcpStream, limits: Limits, mut stopped: watch::Receiver<bool>, answer: A)
where
    A: Fn(Request<Timely<Incoming>>) -> F + Send + Sync,
    F: Future<Output = io::Result<Response<B>>> + Send + 'static,
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Unpin + Send + 'static,
{
    let (busy, seen) = watch::channel(0);
    let busy = Arc::new(busy);
    let service = service_fn(|request: Request<Incoming>| {
        let held = Held::new(&busy);
        let asked = Asked::of(&request);
        let request = request.map(|body| Timely::new(body, limits.body, limits.rate));
        let read = request.body().read();
        let answered = answer(request);
        async move {
            let mut answer = answered.await?.map(|body| Answering { body, _held: held });
            if asked.must_close(read.load(Ordering::Acquire)) {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, io::Error>(answer)
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.idle);
    builder.http2().timer(TokioTimer::new());
    let served = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(served);
    tokio::select! {
        // An error here is a client that went away.
        _ = served.as_mut() => return,
        () = idle(seen, limits.idle) => return,
        _ = stopped.changed() => served.as_mut().graceful_shutdown(),
    }
    let _ = served.await;
}

/// What a request's head says of how the connection goes on after its answer.
#[derive(Debug, Clone, Copy)]
struct Asked {
    /// On its connection one request follows the other.
    in_turn: bool,
    /// It waits for a `100 Continue` before a body that is empty.
    for_nothing: bool,
}

impl Asked {
    fn of<B: Body>(request: &Request<B>) -> Self {
        Self {
            in_turn: request.version() < Version::HTTP_2,
            for_nothing: request.headers().contains_key(EXPECT) && request.body().is_end_stream(),
        }
    }

    /// Whether the connection ends with the answer, by whether all of the body was read. A client that is answered before
    /// it sent everything may use the connection for its next request at once, which would be read as that body (RFC 9110,
    /// section 10.1.1). And AWS says `100 Continue` where the body is empty, which hyper does not: clients built on
    /// botocore then take the answer to their next request for another's.
    fn must_close(self, read: bool) -> bool {
        self.in_turn && (!read || self.for_nothing)
    }
}

/// Ends when for so long no request was being answered. hyper's own limit begins after the bytes that tell HTTP/1 from
/// HTTP/2, and HTTP/2 has none.
async fn idle(mut seen: watch::Receiver<usize>, limit: Duration) {
    loop {
        let busy = *seen.borrow_and_update() > 0;
        let changed = seen.changed();
        let gone = if busy {
            changed.await.is_err()
        } else {
            match tokio::time::timeout(limit, changed).await {
                Ok(changed) => changed.is_err(),
                Err(_) => return,
            }
        };
        if gone {
            // Nobody counts any more: the connection itself is what ends.
            std::future::pending::<()>().await;
        }
    }
}

/// A request that is being answered.
struct Held(Arc<watch::Sender<usize>>);

impl Held {
    fn new(busy: &Arc<watch::Sender<usize>>) -> Self {
        busy.send_modify(|count| *count += 1);
        Self(Arc::clone(busy))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// The body of an answer: as long as it is sent, its request is being answered.
struct Answering<B> {
    body: B,
    _held: Held,
}

impl<B: Body + Unpin> Body for Answering<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
