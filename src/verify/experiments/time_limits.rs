//! C03: a dependency that hangs costs its own time limit, and what is left of the request is passed on.

use std::time::Duration;

use crate::{
    spec::types::{Dependency, DependencyKind},
    verify::{
        report::{Miss, Observed, broken},
        stage::{Bench, Fault, Seen, Setup},
    },
};

use super::{Experiment, degraded};

const SLACK: Duration = Duration::from_millis(1_200);
const LONGEST_WAIT_MS: u64 = 900;

/// Requests that are tried a second time; fewer than the budget of retries lets through.
const RETRIED: usize = 4;

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
        let attempts = dependency.attempts;
        // Less than the dependency's own time, which it is told where the caller has more.
        let left = LONGEST_WAIT_MS.min(limit * 3 / 4);
        let name = dependency.name.clone();
        all.push(Experiment::new(
            3,
            format!("a caller of {name} with {left} ms left"),
            format!("{name} is told that at most {left} ms are left, and less at a second attempt"),
            move |bench| Box::pin(deadline(bench, name.clone(), left, attempts)),
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

async fn deadline(bench: &Bench, name: String, deadline_ms: u64, attempts: u8) -> Observed {
    let scene = bench.scene(&Setup::default()).await?;
    let created = scene.prepared(&name).await?;
    let call = &bench.requests.dependencies[&name].call;
    let proxy = scene.proxy(&name)?;
    let left = deadline_ms.to_string();
    let told = async || {
        let before = proxy.seen().len();
        scene.call(call, &created, &[("x-request-timeout-ms", &left)]).await?;
        let seen = proxy.seen();
        let header =
            |request: &Seen| Some(request.headers.get("x-request-timeout-ms")?.to_str().ok()?.to_owned());
        Ok::<_, Miss>(
            seen[before..]
                .iter()
                .map(|one| header(one).unwrap_or_else(|| "nothing".to_owned()))
                .collect::<Vec<_>>(),
        )
    };
    let first = told().await?;
    let first = first.first().map_or("nothing", String::as_str).to_owned();
    if !first.parse().is_ok_and(|ms: u64| (1..=deadline_ms).contains(&ms)) {
        return broken(format!("it was told {first}"));
    }
    if attempts < 2 {
        return Ok(format!("it was told {first} ms"));
    }
    // Every second call fails, so that each request is tried a second time and the circuit stays closed.
    proxy.set(Fault::Status { code: 503, every: 2 });
    for _ in 0..RETRIED {
        let both: Vec<u64> = told().await?.iter().filter_map(|ms| ms.parse().ok()).collect();
        // The wait between the two is random and can be next to nothing, once.
        if let [one, other] = both[..]
            && other < one
        {
            return Ok(format!(
                "it was told {first} ms; {one} ms at first and {other} ms at a second attempt"
            ));
        }
    }
    broken("a second attempt is told as much as the first")
}
