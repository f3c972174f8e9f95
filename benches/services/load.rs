//! Open-loop load: requests leave when they are due, and their latency counts from then.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use pave::verify::{Answer, Caller, NoAnswer};
use tokio::sync::mpsc;

use super::stand::{Failed, READ};

/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// One request.
#[derive(Clone)]
pub struct Shot {
    pub method: &'static str,
    pub path: &'static str,
    pub body: String,
}

impl Shot {
    /// `GET` of a path.
    pub fn get(path: &'static str) -> Self {
        Self { method: "GET", path, body: String::new() }
    }

    /// The note of a number.
    pub fn post(number: u64) -> Self {
        let text = "A text of the length that people write: a sentence or two, with a comma.";
        let body = format!("{{\"title\":\"note {number}\",\"text\":\"{text}\"}}");
        Self { method: "POST", path: "/v1/notes", body }
    }

    /// Reads and writes in turn.
    pub fn notes(number: u64) -> Self {
        if number.is_multiple_of(2) { Self::get(READ) } else { Self::post(number) }
    }

    /// Sends it.
    pub async fn send(&self, caller: &Caller) -> Result<Answer, NoAnswer> {
        let json = [("content-type", "application/json")];
        let headers = if self.body.is_empty() { &json[..0] } else { &json[..] };
        caller.send(self.method, self.path, headers, self.body.clone(), PATIENCE).await
    }
}

/// What became of one request.
pub struct Hit {
    pub method: &'static str,
    pub path: &'static str,
    /// From the moment it was due to its last byte.
    pub latency: Duration,
    /// Status, or why there was none.
    pub status: Result<u16, String>,
    /// The dependency that the answer names as the culprit.
    pub culprit: Option<String>,
}

impl Hit {
    /// Whether the service did what it was asked.
    pub fn ok(&self) -> bool {
        matches!(self.status, Ok(200..300))
    }
}

/// How much to send.
#[derive(Clone)]
pub struct Barrage {
    /// Requests per second.
    pub rate: f64,
    /// How many, unless stopped before.
    pub most: u64,
    /// Set by whoever wants no more to be sent.
    pub stop: Arc<AtomicBool>,
}

impl Barrage {
    /// A rate for a time.
    pub fn lasting(rate: f64, time: Duration) -> Self {
        Self::of(rate, (rate * time.as_secs_f64()) as u64)
    }

    /// A rate for a number of requests.
    pub fn of(rate: f64, most: u64) -> Self {
        Self { rate, most, stop: Arc::default() }
    }
}

/// Sends a barrage and waits for the last answer. Two threads of its own, one that keeps the clock and one that sends, so that
/// nothing else here delays a request.
pub async fn fire(base: &str, barrage: Barrage, shot: fn(u64) -> Shot) -> Result<Vec<Hit>, Failed> {
    let caller = Caller::new(base)?;
    let (due, waiting) = mpsc::unbounded_channel();
    let clock = thread::spawn(move || keep_time(&barrage, &due));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let sender = thread::spawn(move || runtime.block_on(send(caller, waiting, shot)));
    let hits = tokio::task::spawn_blocking(move || sender.join()).await?;
    clock.join().map_err(|_| "the clock of the load stopped")?;
    hits.map_err(|_| "the sender of the load stopped".into())
}

fn keep_time(barrage: &Barrage, due: &mpsc::UnboundedSender<(u64, Instant)>) {
    let began = Instant::now();
    for number in 0..barrage.most {
        let at = began + Duration::from_secs_f64(number as f64 / barrage.rate);
        // The runtime's own timers are good for a millisecond; this sleep for a twentieth of one.
        thread::sleep(at.saturating_duration_since(Instant::now()));
        if barrage.stop.load(Ordering::SeqCst) || due.send((number, at)).is_err() {
            return;
        }
    }
}

async fn send(
    caller: Caller,
    mut due: mpsc::UnboundedReceiver<(u64, Instant)>,
    shot: fn(u64) -> Shot,
) -> Vec<Hit> {
    let mut open = tokio::task::JoinSet::new();
    while let Some((number, at)) = due.recv().await {
        let caller = caller.clone();
        open.spawn(async move {
            let shot = shot(number);
            let answer = shot.send(&caller).await;
            let latency = at.elapsed();
            let failed = answer.as_ref().ok().filter(|answer| !answer.ok());
            let culprit = failed.and_then(|answer| answer.json()["dependency"].as_str().map(str::to_owned));
            let status = answer.map(|answer| answer.status).map_err(|error| error.to_string());
            Hit { method: shot.method, path: shot.path, latency, status, culprit }
        });
    }
    open.join_all().await
}

/// Makes this many notes, as fast as eight callers can.
pub async fn fill(base: &str, notes: u64) -> Result<(), Failed> {
    use futures_util::{StreamExt as _, TryStreamExt as _};

    let caller = Caller::new(base)?;
    let made = futures_util::stream::iter(0..notes).map(|number| {
        let caller = &caller;
        async move { Shot::post(number).send(caller).await.map_err(Failed::from) }
    });
    made.buffer_unordered(8)
        .try_for_each(async |answer| if answer.ok() { Ok(()) } else { Err(answer.brief().into()) })
        .await
}
