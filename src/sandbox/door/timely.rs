//! A request's body that has to come in time: so long, and a second more for every so many bytes that came.
//!
//! Invariant: neither a body that stops nor one that drips holds its reader for longer than its size allows.

use std::{
    error::Error,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

type Failure = Box<dyn Error + Send + Sync>;

/// What a failure says that is of a body that came too slowly.
pub(in super::super) const TOO_SLOW: &str = "the body of this request does not come";

/// A body with a deadline, which what arrives puts off.
pub(in super::super) struct Timely<B> {
    body: B,
    begun: Instant,
    patience: Duration,
    rate: u64,
    received: u64,
    /// Whether all of it was read.
    read: Arc<AtomicBool>,
    // Made when the body is first waited for: most are there with their head.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<B: Body> Timely<B> {
    /// A body that may take `patience`, and a second more for each `rate` bytes.
    pub(super) fn new(body: B, patience: Duration, rate: u64) -> Self {
        let read = Arc::new(AtomicBool::new(body.is_end_stream()));
        Self { body, begun: Instant::now(), patience, rate, received: 0, read, deadline: None }
    }

    /// What tells whether all of it was read, also once it is gone.
    pub(super) fn read(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.read)
    }

    fn end(&self) -> Instant {
        self.begun + self.patience + Duration::from_millis(self.received.saturating_mul(1000) / self.rate)
    }
}

impl<B> Body for Timely<B>
where
    B: Body<Data = Bytes, Error: Into<Failure>> + Unpin,
{
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            let length = frame
                .as_ref()
                .and_then(|frame| frame.as_ref().ok())
                .and_then(Frame::data_ref)
                .map(Bytes::len);
            this.received += length.unwrap_or(0) as u64;
            let late = length.is_some() && Instant::now() > this.end();
            if late {
                return Poll::Ready(Some(Err(too_slow())));
            }
            if frame.is_none() || this.body.is_end_stream() {
                this.read.store(true, Ordering::Release);
            }
            this.deadline = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let end = this.end();
        let deadline = this.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(end)));
        match deadline.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Some(Err(too_slow()))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn too_slow() -> Failure {
    Box::new(io::Error::new(io::ErrorKind::TimedOut, TOO_SLOW))
}

/// Whether a failure is, or is of, a body that came too slowly.
pub(in super::super) fn is_too_slow(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            return true;
        }
        cause = error.source();
    }
    false
}
