//! C08: SIGTERM loses no request.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream::FuturesUnordered};

use crate::verify::{
    client::Slow,
    report::{Miss, Observed, broken},
    requests::filled,
    stage::{Bench, Scene, Setup, unique},
};

use super::{Experiment, last, until};

/// The load: 200 requests a second.
const EVERY: Duration = Duration::from_millis(5);

/// What an instance has before it is killed.
pub(super) const LIMIT: Duration = Duration::from_secs(10);

/// How long after the door has closed a request goes on: longer than a service lets in who had knocked already, and than it takes to
/// close connections that nothing happens on.
const AFTER: Duration = Duration::from_secs(2);

pub(super) fn experiments() -> Vec<Experiment> {
    vec![
        Experiment::new(
            8,
            "SIGTERM under 200 requests/s",
            "/readyz 503, every request answered, exit 0 within 10 s",
            |bench| Box::pin(under_load(bench)),
        )
        .alone(),
        Experiment::new(
            8,
            "SIGTERM while a request arrives",
            "it is finished and answered with 2xx",
            |bench| Box::pin(in_flight(bench)),
        ),
        Experiment::new(
            8,
            "SIGTERM while a request never ends",
            format!("it leaves within {} s all the same", LIMIT.as_secs()),
            |bench| Box::pin(endless(bench)),
        ),
    ]
}

/// A service that refuses nothing and closes its door this long after the signal.
fn patient(delay: Duration) -> Setup {
    Setup::with(&[("MAX_CONCURRENCY", "1000".to_owned()), ("DRAIN_DELAY_MS", delay.as_millis().to_string())])
}

async fn under_load(bench: &Bench) -> Observed {
    // Long enough for this process to look away in time, also on a machine with other work.
    let mut scene = bench.scene(&patient(Duration::from_secs(3))).await?;
    let away = AtomicBool::new(false);
    let began = Instant::now();
    let (counted, noticed) = tokio::join!(load(&scene, &away), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        scene.running.terminate().await;
        let drained =
            until(Duration::from_secs(5), || scene.get("/readyz"), |answer| answer.status == 503).await;
        // What a balancer does: it sends nothing more to an instance that is not ready.
        away.store(true, Ordering::SeqCst);
        drained
    });
    let (answered, failed) = counted;
    let exit = scene.running.ended(LIMIT).await;
    if let Err(answer) = noticed {
        return broken(format!("after SIGTERM /readyz was answered {}", last(answer)));
    }
    if let Some(first) = failed.first() {
        return broken(format!(
            "{} of {} requests failed, the first: {first}",
            failed.len(),
            answered + failed.len()
        ));
    }
    leaves(exit, began).map(|words| format!("{answered} requests, none lost; {words}"))
}

/// The exit status as an observation.
pub(super) fn leaves(exit: Option<std::process::ExitStatus>, since: Instant) -> Observed {
    match exit {
        Some(status) if status.success() => Ok(format!("exit 0 after {} ms", since.elapsed().as_millis())),
        Some(status) => broken(format!("it left with {status}")),
        None => broken(format!("it still ran {} s after SIGTERM", LIMIT.as_secs())),
    }
}

/// Reads and, where there is one, writes until told to look away; how many were answered, and how the others failed.
async fn load(scene: &Scene<'_>, away: &AtomicBool) -> (usize, Vec<String>) {
    let mut clock = tokio::time::interval(EVERY);
    let mut open = FuturesUnordered::new();
    let (mut sent, mut answered, mut failed) = (0_u64, 0, Vec::new());
    loop {
        tokio::select! {
            _ = clock.tick(), if !away.load(Ordering::SeqCst) => {
                sent += 1;
                let writes = sent.is_multiple_of(5) && scene.bench.requests.write.is_some();
                open.push(async move {
                    if writes { scene.write(&unique(), &unique()).await } else { scene.read().await.map_err(Miss::from) }
                });
            }
            Some(answer) = open.next() => match answer {
                Ok(answer) if answer.ok() => answered += 1,
                Ok(answer) => failed.push(answer.brief()),
                Err(Miss::Broken(words) | Miss::NotRun(words)) => failed.push(words),
            },
            else => return (answered, failed),
        }
    }
}

async fn in_flight(bench: &Bench) -> Observed {
    let Some(write) = &bench.requests.write else {
        return Err(Miss::NotRun("verify.toml names no write".to_owned()));
    };
    let mut scene = bench.scene(&patient(Duration::from_secs(1))).await?;
    let body = filled(&write.body, "", &unique()).to_string();
    let (first, rest) = body.split_at(body.len() / 2);
    let head = format!(
        "{} {} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{first}",
        write.request.method,
        write.request.path,
        body.len()
    );
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, scene.running.port));
    let mut slow = Slow::begin(address, &head).await?;
    // An answered request behind it shows that the service has read its head.
    scene.get("/livez").await?;
    scene.running.terminate().await;
    let began = Instant::now();
    // The door closes one second after the signal; only well after that is the rest sent.
    let closed = async {
        while Slow::begin(address, "").await.is_ok() && began.elapsed() < LIMIT {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    closed.await;
    tokio::time::sleep(AFTER).await;
    let status = match slow.more(rest).await {
        Ok(()) => slow.status(LIMIT).await?,
        Err(error) => return broken(format!("its connection was cut: {error}")),
    };
    drop(slow);
    let exit = scene.running.ended(LIMIT).await;
    if !(200..300).contains(&status) {
        return broken(format!("it was answered {status}"));
    }
    leaves(exit, began).map(|words| format!("{status}; {words}"))
}

async fn endless(bench: &Bench) -> Observed {
    let Some(write) = &bench.requests.write else {
        return Err(Miss::NotRun("verify.toml names no write".to_owned()));
    };
    let setup = [("REQUEST_TIMEOUT_MS", "60000"), ("DRAIN_DELAY_MS", "500"), ("DRAIN_TIMEOUT_MS", "2000")];
    let mut scene = bench.scene(&Setup::with(&setup.map(|(name, value)| (name, value.to_owned())))).await?;
    let head = format!(
        "{} {} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{{",
        write.request.method, write.request.path
    );
    let slow = Slow::begin(SocketAddr::from((Ipv4Addr::LOCALHOST, scene.running.port)), &head).await?;
    // An answered request behind it shows that the service has read its head.
    scene.get("/livez").await?;
    scene.running.terminate().await;
    let began = Instant::now();
    let exit = scene.running.ended(LIMIT).await;
    drop(slow);
    leaves(exit, began)
}
