//! C03: a dependency that hangs costs its own time limit, and what is left of the request is passed on.

use std::time::Duration;

use crate::{
    spec::types::{Dependency, DependencyKind},
    verify::{
        report::{Observed, broken},
        stage::{Bench, Fault, Setup},
    },
};

use super::{Experiment, degraded};

const SLACK: Duration = Duration::from_millis(1_200);
const DEADLINE_MS: u64 = 900;

pub(super) fn experiments(dependency: &Dependency) -> Vec<Experiment> {
    let name = dependency.name.clone();
    let limit = dependency.timeout.as_millis();
    let mut all = vec![Experiment::new(
        3,
        format!("{name} hangs"),
        format!("an error or a fallback after {limit} ms, /livez at once"),
        move |bench| Box::pin(hang(bench, name.clone(), Duration::from_millis(limit))),
    )];
    if dependency.kind == DependencyKind::Http {
        let name = dependency.name.clone();
        all.push(Experiment::new(
            3,
            format!("a caller of {name} with {DEADLINE_MS} ms left"),
            format!("{name} is told that at most {DEADLINE_MS} ms are left"),
            move |bench| Box::pin(deadline(bench, name.clone())),
        ));
    }
    all
}

async fn hang(bench: &Bench, name: String, limit: Duration) -> Observed {
    let request_limit = limit.as_millis() + 5_000;
    let scene = bench.scene(&Setup::with(&[("REQUEST_TIMEOUT_MS", request_limit.to_string())])).await?;
    let created = scene.prepared(&name).await?;
    scene.proxy(&name)?.set(Fault::Hang);
    let (answer, live) = tokio::join!(scene.reach(&name, &created), scene.get("/livez"));
    let (answer, live) = (answer?, live?);
    if live.status != 200 || live.took > Duration::from_secs(1) {
        return broken(format!("/livez was answered {} meanwhile", live.brief()));
    }
    let honest = matches!(answer.status, 502..=504) || (answer.ok() && degraded(&answer) == name);
    if !honest || answer.took > limit + SLACK {
        return broken(answer.brief());
    }
    Ok(answer.brief())
}

async fn deadline(bench: &Bench, name: String) -> Observed {
    let scene = bench.scene(&Setup::default()).await?;
    let created = scene.prepared(&name).await?;
    let call = &bench.requests.dependencies[&name].call;
    let left = DEADLINE_MS.to_string();
    scene.call(call, &created, &[("x-request-timeout-ms", &left)]).await?;
    let seen = scene.proxy(&name)?.seen();
    let told = seen.last().and_then(|request| request.headers.get("x-request-timeout-ms"));
    let told = told.and_then(|value| value.to_str().ok()).unwrap_or("nothing");
    match told.parse::<u64>() {
        Ok(ms) if (1..=DEADLINE_MS).contains(&ms) => Ok(format!("it was told {ms} ms")),
        _ => broken(format!("it was told {told}")),
    }
}
