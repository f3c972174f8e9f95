//! Time limits of a connection: for the head of a request, and for waiting between two of them.
//!
//! hyper has one limit for both. A head must arrive soon, but a balancer keeps connections open for a minute, and must be the
//! one that closes them.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::service::Service;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

/// Longer than a balancer's 60 s.
const KEEP_ALIVE: Duration = Duration::from_secs(65);

/// What a connection is waiting for.
#[derive(Clone, Copy, PartialEq)]
enum Waiting {
    /// The rest of a head, until then.
    Head(Instant),
    /// The first byte of the next head, until then.
    Idle(Instant),
    /// An answer of the service, which has limits of its own.
    Nothing,
}

/// What the two sides of hyper, bytes and requests, know about a connection together.
pub struct HeadClock {
    limit: Duration,
    waiting: Mutex<Waiting>,
}

impl HeadClock {
    /// A new connection owes a request at once.
    pub fn new(limit: Duration) -> Self {
        Self {
            limit,
            waiting: Mutex::new(Waiting::Head(Instant::now() + limit)),
        }
    }

    fn waiting(&self) -> Waiting {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, waiting: Waiting) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = waiting;
    }

    /// A service that tells the clock when a head is complete and when its answer is made.
    pub fn watch<S>(self: &Arc<Self>, inner: S) -> Watched<S> {
        Watched {
            inner,
            clock: Arc::clone(self),
        }
    }
}

pub struct Watched<S> {
    inner: S,
    clock: Arc<HeadClock>,
}

impl<R, S: Service<R>> Service<R> for Watched<S>
where
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn call(&self, request: R) -> Self::Future {
        self.clock.set(Waiting::Nothing);
        let (answer, clock) = (self.inner.call(request), Arc::clone(&self.clock));
        Box::pin(async move {
            let answer = answer.await;
            clock.set(Waiting::Idle(Instant::now() + KEEP_ALIVE));
            answer
        })
    }
}

/// A connection whose reads end with an error when its clock has run out.
pub struct Paced<I> {
    io: I,
    clock: Arc<HeadClock>,
    alarm: Pin<Box<Sleep>>,
}

impl<I> Paced<I> {
    pub fn new(io: I, clock: Arc<HeadClock>) -> Self {
        Self {
            io,
            clock,
            alarm: Box::pin(sleep_until(Instant::now())),
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Paced<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if let Poll::Ready(result) = Pin::new(&mut self.io).poll_read(context, buffer) {
            if buffer.filled().len() > before && matches!(self.clock.waiting(), Waiting::Idle(_)) {
                self.clock
                    .set(Waiting::Head(Instant::now() + self.clock.limit));
            }
            return Poll::Ready(result);
        }
        let (Waiting::Head(until) | Waiting::Idle(until)) = self.clock.waiting() else {
            return Poll::Pending;
        };
        if self.alarm.deadline() != until {
            self.alarm.as_mut().reset(until);
        }
        ready!(self.alarm.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Paced<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, buffers)
    }
}
