//! C04: retries, of idempotent calls only, inside a budget.

use std::time::Duration;

use crate::{
    spec::types::{Dependency, DependencyKind},
    verify::{
        client::{Answer, PATIENCE},
        report::{Miss, Observed, broken},
        requests::filled,
        stage::{Bench, Fault, Setup, unique},
    },
};

use super::{Experiment, degraded, speaks_http, until};

const CALLS: u64 = 60;

/// A tenth of the calls, and the reserve that lets rare calls be retried, with one for rounding.
const MOST_RETRIES: u64 = CALLS / 10 + 6;

/// More answers than a database gives for one write.
const ANSWERS: u64 = 8;

/// Fewer than open the circuit.
const WRITES: u64 = 4;

/// More than would open the circuit if they counted.
const REFUSED: u64 = 10;

/// Requests whose first attempt fails, one after the other. The budget lets at least five of them be tried again.
const WAITS: usize = 12;

/// Waits are drawn from 0 to 50 ms: that five of them lie within 4 ms of each other, or below that, comes by chance in one of
/// many thousand runs.
const SPREAD: Duration = Duration::from_millis(4);

pub(super) fn experiments(dependency: &Dependency) -> Vec<Experiment> {
    let name = dependency.name.clone();
    let attempts = u64::from(dependency.attempts);
    let mut all = Vec::new();
    if attempts >= 2 && dependency.kind == DependencyKind::Postgres {
        let name = name.clone();
        all.push(Experiment::new(
            4,
            format!("{name} loses an answer during a write without a key"),
            "an error, and nothing is done twice",
            move |bench| Box::pin(lost_write(bench, name.clone())),
        ));
    }
    if !speaks_http(dependency) {
        if attempts >= 2 {
            all.push(Experiment::new(
                4,
                format!("{name} loses one answer"),
                "a second attempt succeeds",
                move |bench| Box::pin(lost(bench, name.clone())),
            ));
        }
        return all;
    }
    let expected = if attempts < 2 {
        format!("{CALLS} calls of it")
    } else {
        format!("more than {CALLS} and at most {} calls of it", CALLS + MOST_RETRIES)
    };
    if dependency.kind == DependencyKind::Http {
        let name = dependency.name.clone();
        all.push(Experiment::new(
            4,
            format!("{REFUSED} requests that {name} refuses with 400"),
            format!("{REFUSED} calls of it: our own mistake is not tried again, and opens no circuit"),
            move |bench| Box::pin(refused(bench, name.clone())),
        ));
        if attempts >= 2 {
            let name = dependency.name.clone();
            all.push(Experiment::new(
                4,
                format!("waits between attempts at {name}"),
                "they differ, and are not all next to nothing",
                move |bench| Box::pin(jitter(bench, name.clone())),
            ));
        }
    }
    all.push(Experiment::new(
        4,
        format!("{CALLS} requests while {name} fails every second call"),
        expected,
        move |bench| Box::pin(budget(bench, name.clone(), attempts)),
    ));
    if dependency.kind == DependencyKind::Sqs {
        let name = dependency.name.clone();
        all.push(Experiment::new(
            4,
            format!("{WRITES} sends to {name} without a key while it fails"),
            format!("{WRITES} calls of it: nothing is sent twice"),
            move |bench| Box::pin(once(bench, name.clone())),
        ));
    }
    all
}

async fn budget(bench: &Bench, name: String, attempts: u64) -> Observed {
    let scene = bench.scene(&Setup::default()).await?;
    let created = scene.prepared(&name).await?;
    let proxy = scene.proxy(&name)?;
    let before = proxy.calls();
    proxy.set(Fault::Status { code: 503, every: 2 });
    for _ in 0..CALLS {
        scene.reach(&name, &created).await?;
    }
    let calls = proxy.calls() - before;
    let right = if attempts < 2 { calls == CALLS } else { calls > CALLS && calls <= CALLS + MOST_RETRIES };
    let words = format!("{calls} calls for {CALLS} requests");
    if right { Ok(words) } else { broken(words) }
}

async fn lost(bench: &Bench, name: String) -> Observed {
    let scene = bench.scene(&Setup::default()).await?;
    let created = scene.prepared(&name).await?;
    // The first call makes the connection whose answer is lost.
    scene.reach(&name, &created).await?;
    scene.proxy(&name)?.set(Fault::LoseOne { after: 0 });
    let answer = scene.reach(&name, &created).await?;
    if !answer.ok() || degraded(&answer) == name {
        let mark = degraded(&answer);
        return broken(format!("{}{}", answer.brief(), if mark.is_empty() { "" } else { ", degraded" }));
    }
    Ok(answer.brief())
}

/// A write whose answer is lost may have been done, and nobody can tell: without a key it must not be sent again. Which of the
/// database's answers says that it was done (the last one, to COMMIT) is not known here, so each one is lost in turn.
async fn lost_write(bench: &Bench, name: String) -> Observed {
    let Some(write) = &bench.requests.write else {
        return Err(Miss::NotRun("verify.toml names no write".to_owned()));
    };
    let scene = bench.scene(&Setup::default()).await?;
    // It makes the connection whose answers are lost.
    scene.created().await?;
    let (line, headers) = (&write.request, [("content-type", "application/json")]);
    let mut errors = 0;
    for after in 0..ANSWERS {
        let text = unique();
        scene.proxy(&name)?.set(Fault::LoseOne { after });
        let body = filled(&write.body, "", &text).to_string();
        let answer = scene.caller.send(&line.method, &line.path, &headers, body, PATIENCE).await?;
        scene.proxy(&name)?.set(Fault::None);
        errors += u32::from(!answer.ok());
        // It also shows the service a call that works, so that no circuit opens.
        let list = until(PATIENCE, || scene.read(), Answer::ok).await;
        let Ok(list) = list else { return broken("it does not come back after one lost answer") };
        let times = String::from_utf8_lossy(&list.body).matches(text.as_str()).count();
        if times > 1 || (answer.ok() && times == 0) {
            return broken(format!("{}, and what was written is there {times} times", answer.brief()));
        }
    }
    if errors == 0 {
        broken("no lost answer was ever told")
    } else {
        Ok(format!("{errors} of {ANSWERS} told as errors"))
    }
}

async fn refused(bench: &Bench, name: String) -> Observed {
    let scene = bench.scene(&Setup::default()).await?;
    let created = scene.prepared(&name).await?;
    let proxy = scene.proxy(&name)?;
    let before = proxy.calls();
    proxy.set(Fault::Status { code: 400, every: 1 });
    for _ in 0..REFUSED {
        scene.reach(&name, &created).await?;
    }
    let calls = proxy.calls() - before;
    let words = format!("{calls} calls for {REFUSED} requests");
    if calls != REFUSED {
        return broken(words);
    }
    proxy.set(Fault::None);
    let answer = scene.reach(&name, &created).await?;
    if !answer.ok() || degraded(&answer) == name {
        return broken(format!("{words}; then one that it takes was answered {}", answer.brief()));
    }
    Ok(words)
}

async fn jitter(bench: &Bench, name: String) -> Observed {
    let scene = bench.scene(&Setup::default()).await?;
    let created = scene.prepared(&name).await?;
    let proxy = scene.proxy(&name)?;
    proxy.set(Fault::Status { code: 503, every: 2 });
    let mut waits = Vec::new();
    for _ in 0..WAITS {
        let before = proxy.seen().len();
        scene.reach(&name, &created).await?;
        if let [first, second] = &proxy.seen()[before..] {
            waits.push(second.at - first.at);
        }
    }
    let (Some(least), Some(most)) = (waits.iter().min(), waits.iter().max()) else {
        return broken("there was no second attempt");
    };
    let words = format!("{} waits of {} to {} ms", waits.len(), least.as_millis(), most.as_millis());
    if waits.len() < 5 || most.saturating_sub(*least) < SPREAD { broken(words) } else { Ok(words) }
}

async fn once(bench: &Bench, name: String) -> Observed {
    let scene = bench.scene(&Setup::default()).await?;
    let created = scene.prepared(&name).await?;
    let proxy = scene.proxy(&name)?;
    let line = &bench.requests.dependencies[&name].call.request;
    let path = line.path.replace("{created}", &created);
    let before = proxy.calls();
    proxy.set(Fault::Status { code: 503, every: 1 });
    for _ in 0..WRITES {
        let id = unique();
        let headers = [("x-request-id", id.as_str())];
        scene.caller.send(&line.method, &path, &headers, "", PATIENCE).await?;
    }
    let calls = proxy.calls() - before;
    let words = format!("{calls} calls for {WRITES} requests");
    if calls == WRITES { Ok(words) } else { broken(words) }
}
