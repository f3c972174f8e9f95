//! C04: retries, of idempotent calls only, inside a budget.

use crate::{
    spec::types::{Dependency, DependencyKind},
    verify::{
        report::{Observed, broken},
        stage::{Bench, Fault, Setup, unique},
    },
};

use super::{Experiment, degraded, speaks_http};

const CALLS: u64 = 60;

/// A tenth of the calls, and the reserve that lets rare calls be retried, with one for rounding.
const MOST_RETRIES: u64 = CALLS / 10 + 6;

/// Fewer than open the circuit.
const WRITES: u64 = 4;

pub(super) fn experiments(dependency: &Dependency) -> Vec<Experiment> {
    let name = dependency.name.clone();
    let attempts = u64::from(dependency.attempts);
    if !speaks_http(dependency) {
        if attempts < 2 {
            return Vec::new();
        }
        return vec![Experiment::new(
            4,
            format!("{name} loses one answer"),
            "a second attempt succeeds",
            move |bench| Box::pin(lost(bench, name.clone())),
        )];
    }
    let expected = if attempts < 2 {
        format!("{CALLS} calls of it")
    } else {
        format!("more than {CALLS} and at most {} calls of it", CALLS + MOST_RETRIES)
    };
    let mut all = vec![Experiment::new(
        4,
        format!("{CALLS} requests while {name} fails every second call"),
        expected,
        move |bench| Box::pin(budget(bench, name.clone(), attempts)),
    )];
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
    scene.proxy(&name)?.set(Fault::LoseOne);
    let answer = scene.reach(&name, &created).await?;
    if !answer.ok() || degraded(&answer) == name {
        let mark = degraded(&answer);
        return broken(format!("{}{}", answer.brief(), if mark.is_empty() { "" } else { ", degraded" }));
    }
    Ok(answer.brief())
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
        scene.caller.send(&line.method, &path, &headers, "", std::time::Duration::from_secs(20)).await?;
    }
    let calls = proxy.calls() - before;
    let words = format!("{calls} calls for {WRITES} requests");
    if calls == WRITES { Ok(words) } else { broken(words) }
}
