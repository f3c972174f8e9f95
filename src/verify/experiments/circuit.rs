//! C05: a circuit per dependency opens, spares the dependency, and closes by itself.

use std::time::Duration;

use crate::{
    spec::types::Dependency,
    verify::{
        report::{Observed, broken},
        stage::{Bench, Fault, Setup},
    },
};

use super::{Experiment, degraded, last, speaks_http, until};

/// Enough to open it, however many attempts each makes.
const OPENING: usize = 15;
const WHILE_OPEN: u64 = 20;

/// Calls let through on trial, or connections a pool makes by itself.
const SPARED: u64 = WHILE_OPEN / 2 - 1;
const RECOVERY: Duration = Duration::from_secs(15);

/// Requests at the moment when a circuit may be tried again, and the calls of the one that tries it (with its retries).
const RUSH: usize = 20;
const TRIAL: u64 = 3;

pub(super) fn experiments(dependency: &Dependency) -> Vec<Experiment> {
    let mut all = vec![outage(dependency)];
    // Other connections are made by pools as well, so they say little about requests.
    if speaks_http(dependency) {
        all.push(rush(dependency));
    }
    all
}

fn rush(dependency: &Dependency) -> Experiment {
    let name = dependency.name.clone();
    Experiment::new(
        5,
        format!("{RUSH} requests when {name} may be tried again, and hangs"),
        format!("at most {TRIAL} calls of it"),
        move |bench| Box::pin(tried_again(bench, name.clone())),
    )
}

async fn tried_again(bench: &Bench, name: String) -> Observed {
    let rest = Duration::from_secs(1);
    let scene = bench.scene(&Setup::with(&[("CIRCUIT_OPEN_MS", rest.as_millis().to_string())])).await?;
    let created = scene.prepared(&name).await?;
    let proxy = scene.proxy(&name)?;
    proxy.set(Fault::Status { code: 503, every: 1 });
    for _ in 0..OPENING {
        scene.reach(&name, &created).await?;
    }
    proxy.set(Fault::Hang);
    tokio::time::sleep(rest + Duration::from_millis(200)).await;
    let before = proxy.calls();
    let rush = (0..RUSH).map(|_| scene.reach(&name, &created));
    for answer in futures_util::future::join_all(rush).await {
        answer?;
    }
    match proxy.calls() - before {
        calls if calls > TRIAL => broken(format!("{calls} calls for {RUSH} requests at once")),
        calls => Ok(format!("{calls} calls for {RUSH} requests at once")),
    }
}

fn outage(dependency: &Dependency) -> Experiment {
    let name = dependency.name.clone();
    let fault = if speaks_http(dependency) { Fault::Status { code: 503, every: 1 } } else { Fault::Down };
    Experiment::new(
        5,
        format!("{name} is down, then up"),
        format!("at most {SPARED} calls of it for {WHILE_OPEN} requests, then recovery by itself"),
        move |bench| Box::pin(down_then_up(bench, name.clone(), fault)),
    )
}

async fn down_then_up(bench: &Bench, name: String, fault: Fault) -> Observed {
    // Long enough that it stays open while the requests below are made.
    let scene = bench.scene(&Setup::with(&[("CIRCUIT_OPEN_MS", "3000".to_owned())])).await?;
    let created = scene.prepared(&name).await?;
    let proxy = scene.proxy(&name)?;
    proxy.set(fault);
    for _ in 0..OPENING {
        scene.reach(&name, &created).await?;
    }
    let before = proxy.calls();
    for _ in 0..WHILE_OPEN {
        let answer = scene.reach(&name, &created).await?;
        let honest = matches!(answer.status, 502..=504) || (answer.ok() && degraded(&answer) == name);
        if !honest {
            return broken(format!("while {name} was down a request was answered {}", answer.brief()));
        }
    }
    let calls = proxy.calls() - before;
    if calls > SPARED {
        return broken(format!("{calls} calls for {WHILE_OPEN} requests"));
    }
    // It is this dependency's circuit and no other's.
    for other in scene.others(&name) {
        let answer = scene.reach(&other, &scene.prepared(&other).await?).await?;
        if !answer.ok() || (!degraded(&answer).is_empty() && degraded(&answer) != name) {
            return broken(format!("while {name} was down {other} was answered {}", answer.brief()));
        }
    }
    proxy.set(Fault::None);
    let began = std::time::Instant::now();
    let back =
        until(RECOVERY, || scene.reach(&name, &created), |answer| answer.ok() && degraded(answer) != name);
    match back.await {
        Ok(_) => Ok(format!(
            "{calls} calls for {WHILE_OPEN} requests; back after {} ms",
            began.elapsed().as_millis()
        )),
        Err(answer) => broken(format!("{} s after it came back: {}", RECOVERY.as_secs(), last(answer))),
    }
}
