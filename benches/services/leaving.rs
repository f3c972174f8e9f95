//! Requests lost when a service is told to leave while it is being called.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use pave::verify::{Caller, Fault, Running};

use super::{
    figures::{median, table},
    load::{Barrage, Shot, fire},
    stand::{Failed, Language, READ},
};

const RATE: f64 = 200.0;

/// Load before the signal.
const BEFORE: Duration = Duration::from_secs(1);

/// What a balancer does: it looks this often, and looks away after so many bad answers in a row.
const LOOKS_EVERY: Duration = Duration::from_millis(250);
const BAD_LOOKS: usize = 2;

/// Longest wait for the process to end; a scheduler kills at 10 s.
const LIMIT: Duration = Duration::from_secs(15);

#[derive(Default)]
struct Left {
    sent: usize,
    lost: usize,
    with_losses: usize,
    clean_exits: usize,
    seconds: Vec<f64>,
    first: Option<String>,
}

/// Measures every language and prints the table.
pub async fn measure(languages: &[Language], repetitions: usize) -> Result<(), Failed> {
    let mut rows = Vec::new();
    for language in languages {
        let (mut paved, mut bare) = (Left::default(), Left::default());
        for _ in 0..repetitions {
            let mut service = language.paved(Fault::None).await?;
            leave(&mut service.running, "/readyz", &mut paved).await?;
            leave(&mut language.bare().await?, READ, &mut bare).await?;
        }
        for (name, left) in [("generated", paved), ("bare", bare)] {
            eprintln!("{} {name}: first loss {:?}", language.name, left.first);
            rows.push(vec![
                language.name.clone(),
                name.to_owned(),
                left.sent.to_string(),
                left.lost.to_string(),
                format!("{} of {repetitions}", left.with_losses),
                format!("{} of {repetitions}", left.clean_exits),
                format!("{:.2}", median(&left.seconds)),
            ]);
        }
    }
    let head =
        ["language", "service", "requests", "lost", "departures with losses", "exit 0", "SIGTERM to exit, s"];
    table(&format!("SIGTERM at {RATE} requests/s, {repetitions} times"), &head, &rows);
    Ok(())
}

/// Calls the service, ends it, and calls on until a balancer would have looked away.
async fn leave(service: &mut Running, ready: &str, left: &mut Left) -> Result<(), Failed> {
    let barrage = Barrage::lasting(RATE, BEFORE + LIMIT);
    let away = barrage.stop.clone();
    let base = service.base.clone();
    let calling = tokio::spawn(async move { fire(&base, barrage, Shot::notes).await });
    tokio::time::sleep(BEFORE).await;
    let signalled = Instant::now();
    service.terminate().await;
    looked_away(&service.base, ready).await?;
    away.store(true, Ordering::SeqCst);
    let hits = calling.await??;
    let exit = service.ended(LIMIT).await;
    let lost = hits.iter().filter(|hit| !hit.ok()).count();
    left.sent += hits.len();
    left.lost += lost;
    left.with_losses += usize::from(lost > 0);
    left.clean_exits += usize::from(exit.is_some_and(|status| status.success()));
    left.seconds.push(signalled.elapsed().as_secs_f64());
    let first = hits.iter().find(|hit| !hit.ok());
    left.first = left.first.take().or_else(|| first.map(|hit| format!("{:?}", hit.status)));
    Ok(())
}

async fn looked_away(base: &str, ready: &str) -> Result<(), Failed> {
    let caller = Caller::new(base)?;
    let mut looks = tokio::time::interval(LOOKS_EVERY);
    let (began, mut bad) = (Instant::now(), 0);
    while bad < BAD_LOOKS && began.elapsed() < LIMIT {
        looks.tick().await;
        let answer = caller.send("GET", ready, &[], "", Duration::from_secs(1)).await;
        bad = if answer.is_ok_and(|answer| answer.ok()) { 0 } else { bad + 1 };
    }
    Ok(())
}
