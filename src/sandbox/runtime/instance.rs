//! One instance: watched, drained, ended, whatever it runs in.

use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant as Moment},
};

use async_trait::async_trait;
use tokio::sync::watch;

use crate::sandbox::{
    faults::{Kind, Place},
    world::World,
};

use super::{
    Order,
    health::{self, WHILE_STARTING},
    output::Output,
};

/// How long requests of an instance that is being ended may take, and then how long the instance may.
const DRAIN: Duration = Duration::from_secs(10);

/// How an instance is told to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// In its own time.
    Term,
    /// At once.
    Kill,
}

/// What signals go to.
#[async_trait]
pub trait Target: fmt::Debug + Send + Sync {
    /// Sends a signal; it may have ended already.
    async fn signal(&self, signal: Signal);
}

/// How it ended, in words, once it did.
pub type Ended = watch::Receiver<Option<String>>;

/// Something that was started and may become an instance.
#[derive(Debug)]
pub struct Begun {
    /// Its name.
    pub id: String,
    /// Where it is to listen.
    pub address: SocketAddr,
    /// Its process on this machine, whose group is its own.
    pub pid: Option<u32>,
    pub(super) target: Arc<dyn Target>,
    pub(super) ended: Ended,
    pub(super) output: Output,
}

/// A healthy instance.
#[derive(Debug)]
pub struct Instance {
    /// Its name.
    pub id: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// Requests it is serving now.
    pub in_flight: Arc<AtomicUsize>,
    pid: Option<u32>,
    target: Arc<dyn Target>,
    ended: Ended,
}

impl Instance {
    /// Waits until what was started is healthy; ends it where it does not become so.
    pub(super) async fn of(world: &Arc<World>, order: &Order, begun: Begun) -> Result<Self, String> {
        let Begun { id, address, pid, target, mut ended, output } = begun;
        if let Err(why) = until_healthy(world, &ended, address, order).await {
            target.signal(Signal::Kill).await;
            let _ = tokio::time::timeout(DRAIN, ended.wait_for(Option::is_some)).await;
            return Err(format!("{why}. Last output: {}", output.tail()));
        }
        watch_over(world, Arc::clone(&target), ended.clone(), address, order.clone());
        Ok(Self { id, address, in_flight: Arc::default(), pid, target, ended })
    }

    /// Whether it has not ended.
    pub fn is_running(&self) -> bool {
        self.ended.borrow().is_none()
    }

    /// The id of its process group, which is that of its process.
    pub fn group_id(&self) -> Option<u32> {
        self.pid
    }

    /// Says how it ended, once it did.
    pub fn ended(&self) -> Ended {
        self.ended.clone()
    }

    /// Waits until its requests are done, asks it to end, and makes it end. It must not be given requests any more.
    pub async fn end(self) {
        let started = Moment::now();
        while self.in_flight.load(Ordering::SeqCst) > 0 && started.elapsed() < DRAIN {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let mut ended = self.ended;
        for signal in [Signal::Term, Signal::Kill] {
            if ended.borrow().is_some() {
                return;
            }
            self.target.signal(signal).await;
            if tokio::time::timeout(DRAIN, ended.wait_for(Option::is_some)).await.is_ok() {
                return;
            }
        }
    }
}

async fn until_healthy(
    world: &World,
    ended: &Ended,
    address: SocketAddr,
    order: &Order,
) -> Result<(), String> {
    let (started, window) = (Moment::now(), world.runtime.start_window());
    let mut good = 0;
    loop {
        if let Some(how) = ended.borrow().clone() {
            return Err(format!("the application ended with {how} before it was healthy"));
        }
        let checked = match world.faults.strike(Place::Check { service: &order.service }).then {
            Some(Kind::Kill) => return Err("the instance was killed on purpose".to_owned()),
            Some(_) => Err("the health check fails on purpose".to_owned()),
            None => health::check(address, &order.health).await,
        };
        let why = match checked {
            Ok(()) => {
                good += 1;
                if good >= order.health.healthy {
                    return Ok(());
                }
                String::new()
            }
            Err(why) => {
                good = 0;
                why
            }
        };
        if started.elapsed() > window {
            return Err(format!("the health check did not pass within {} s: {why}", window.as_secs()));
        }
        tokio::time::sleep(WHILE_STARTING).await;
    }
}

/// Brings about the end of an instance that stays unhealthy.
fn watch_over(
    world: &Arc<World>,
    target: Arc<dyn Target>,
    mut ended: Ended,
    address: SocketAddr,
    order: Order,
) {
    let world = Arc::clone(world);
    tokio::spawn(async move {
        let mut bad = 0;
        loop {
            tokio::select! {
                _ = ended.wait_for(Option::is_some) => return,
                () = tokio::time::sleep(order.health.interval) => {}
            }
            let struck = world.faults.strike(Place::Check { service: &order.service }).then;
            let well = struck.is_none() && health::check(address, &order.health).await.is_ok();
            bad = if well { 0 } else { bad + 1 };
            if bad >= order.health.unhealthy || struck == Some(Kind::Kill) {
                target.signal(Signal::Kill).await;
            }
        }
    });
}
