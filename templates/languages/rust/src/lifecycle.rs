//! Serving and leaving: on SIGTERM readiness fails first, then the door closes, then work in flight ends.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, sleep, timeout},
};

use crate::{
    connection::{HeadClock, Paced},
    settings::Settings,
};

/// The longest head of a request.
const MOST_HEAD_BYTES: usize = 32 * 1024;

/// What was sent before the door closed has arrived by then.
const LAST_CALL: Duration = Duration::from_millis(200);

/// Where the process is in its life.
#[derive(Default)]
pub struct Lifecycle {
    draining: AtomicBool,
}

impl Lifecycle {
    pub fn draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

/// Serves until told to stop, and then until what is in flight has ended or had its time.
pub async fn serve(
    listener: TcpListener,
    service: Router,
    settings: &Settings,
    lifecycle: &Lifecycle,
) -> io::Result<()> {
    let mut stop = Stop {
        term: signal(SignalKind::terminate())?,
        interrupt: signal(SignalKind::interrupt())?,
    };
    // Not before: whoever reads it may send a signal at once.
    let address = listener.local_addr()?;
    tracing::info!(host = %address.ip(), port = address.port(), "listening");
    let connections = GracefulShutdown::new();
    let accept = async {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => connect(stream, &service, settings, &connections),
                Err(error) => {
                    // Out of file descriptors, most likely: connections that end give some back.
                    tracing::warn!(%error, "no connection could be accepted");
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
    };
    tokio::select! {
        () = accept => {}
        () = told_to_stop(&mut stop, settings.drain_delay, lifecycle) => {}
    }
    // Who has knocked already is let in before the door closes, and may still say what for.
    let closing = Instant::now();
    while closing.elapsed() < LAST_CALL
        && let Ok(Ok((stream, _))) = timeout(Duration::ZERO, listener.accept()).await
    {
        connect(stream, &service, settings, &connections);
    }
    drop(listener);
    sleep(LAST_CALL.min(settings.drain_timeout)).await;
    if timeout(settings.drain_timeout, connections.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests were cut off: they took longer than the time for draining");
    }
    Ok(())
}

struct Stop {
    term: Signal,
    interrupt: Signal,
}

impl Stop {
    async fn received(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Ends when the door must close: a while after the first signal, or at once with the second.
async fn told_to_stop(stop: &mut Stop, delay: Duration, lifecycle: &Lifecycle) {
    stop.received().await;
    lifecycle.draining.store(true, Ordering::Relaxed);
    tracing::info!("draining");
    let _ = timeout(delay, stop.received()).await;
}

fn connect(
    stream: TcpStream,
    service: &Router,
    settings: &Settings,
    connections: &GracefulShutdown,
) {
    let _ = stream.set_nodelay(true);
    let clock = Arc::new(HeadClock::new(settings.header_timeout));
    let service = clock.watch(TowerToHyperService::new(service.clone()));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // The clock does this, and lets a connection without a request live longer.
        .header_read_timeout(None)
        .max_buf_size(MOST_HEAD_BYTES)
        .serve_connection(TokioIo::new(Paced::new(stream, clock)), service);
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        // A caller that goes away or sends nonsense is no event of the service.
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
    });
}
