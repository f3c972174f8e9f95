//! C12: one request gives one trace, metrics and logs that belong together; a dead collector costs nothing.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    spec::types::{Dependency, DependencyKind},
    verify::{
        report::{Miss, Observed, broken},
        stage::{Bench, Collector, Fault, Proxy, SERVER, Scene, Setup, Span, Target, unique},
    },
};

use super::{
    Experiment,
    draining::{LIMIT, leaves},
};

/// A caller's span, in the form of W3C Trace Context.
const CALLER_SPAN: &str = "00f067aa0ba902b7";
const READS: usize = 100;

/// Far above any answer, far below any export's time limit.
const SLOW: Duration = Duration::from_millis(500);

/// How many of them a busy machine may make slow.
const MOST_SLOW: usize = READS / 20;

pub(super) fn experiments(dependencies: &[Dependency]) -> Vec<Experiment> {
    let through = dependencies.iter().find(|one| one.kind == DependencyKind::Http).or(dependencies.first());
    let through = through.map(|dependency| dependency.name.clone());
    let expected = match &through {
        Some(name) => format!("one trace: a span for the request, under it one for {name}"),
        None => "one trace with a span for the request".to_owned(),
    };
    vec![
        Experiment::new(12, "a request with a traceparent", expected, move |bench| {
            Box::pin(one_trace(bench, through.clone()))
        }),
        Experiment::new(
            12,
            "its log lines",
            "JSON with its trace_id and request_id, status and duration",
            |bench| Box::pin(logs(bench)),
        ),
        Experiment::new(
            12,
            "the collector never answers",
            format!(
                "{READS} requests answered, at most {MOST_SLOW} after more than {} ms; exit 0 within 10 s",
                SLOW.as_millis()
            ),
            |bench| Box::pin(dead_collector(bench)),
        )
        .alone(),
    ]
}

fn exporting(endpoint: String) -> Setup {
    Setup::with(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        // So that what is recorded arrives soon; standard variables of the SDKs.
        ("OTEL_BSP_SCHEDULE_DELAY", "200".to_owned()),
        ("OTEL_METRIC_EXPORT_INTERVAL", "500".to_owned()),
    ])
}

fn new_trace() -> String {
    format!("{:032x}", rand::random::<u128>() | 1)
}

async fn one_trace(bench: &Bench, through: Option<String>) -> Observed {
    let collector = Collector::start().await?;
    let mut scene = bench.scene(&exporting(format!("http://{}", collector.address))).await?;
    let trace = new_trace();
    let parent = format!("00-{trace}-{CALLER_SPAN}-01");
    let id = unique();
    let headers = [("traceparent", parent.as_str()), ("x-request-id", id.as_str())];
    let answer = match &through {
        Some(name) => {
            let created = scene.prepared(name).await?;
            scene.call(&bench.requests.dependencies[name].call, &created, &headers).await?
        }
        None => scene.call(&bench.requests.read, "", &headers).await?,
    };
    if !answer.ok() {
        return broken(format!("it was answered {}", answer.brief()));
    }
    passed_on(&scene, through.as_deref(), &trace, &id)?;
    // Leaving flushes what was recorded.
    scene.running.terminate().await;
    leaves(scene.running.ended(LIMIT).await, Instant::now())?;
    let spans: Vec<Span> = collector.spans().into_iter().filter(|span| span.trace == trace).collect();
    let words = connected(&spans, through.is_some())?;
    let metrics = collector.metrics();
    let mut expected = vec!["http.server.request.duration"];
    if through.is_some() {
        expected.push("dependency.call.duration");
    }
    for name in expected {
        if !metrics.iter().any(|metric| metric == name) {
            return broken(format!("{words}; the metric {name} is missing among {}", metrics.join(", ")));
        }
    }
    Ok(format!("{words}; {} metrics", metrics.len()))
}

/// An HTTP dependency was told which trace and request it belongs to.
fn passed_on(scene: &Scene<'_>, through: Option<&str>, trace: &str, id: &str) -> Result<(), Miss> {
    let dependency = through.and_then(|name| scene.bench.dependency(name));
    let Some(dependency) = dependency.filter(|one| one.kind == DependencyKind::Http) else { return Ok(()) };
    let seen = scene.proxy(&dependency.name)?.seen();
    let told = |name: &str| {
        let value = seen.last().and_then(|request| request.headers.get(name));
        value.and_then(|value| value.to_str().ok()).unwrap_or("nothing").to_owned()
    };
    let (parent, request) = (told("traceparent"), told("x-request-id"));
    if parent.split('-').nth(1) != Some(trace) {
        return broken(format!(
            "{} was told the traceparent {parent}, the trace is {trace}",
            dependency.name
        ));
    }
    if request != id {
        return broken(format!("{} was told the x-request-id {request}, it is {id}", dependency.name));
    }
    Ok(())
}

/// One server span under the caller's, and every other span under one of the trace.
fn connected(spans: &[Span], calls: bool) -> Observed {
    let servers: Vec<&Span> = spans.iter().filter(|span| span.kind == SERVER).collect();
    let [server] = servers.as_slice() else {
        return broken(format!("{} spans for the request among {} of the trace", servers.len(), spans.len()));
    };
    if server.parent != CALLER_SPAN {
        return broken(format!("the request's span `{}` is not under the caller's", server.name));
    }
    let known: BTreeSet<&str> = spans.iter().map(|span| span.id.as_str()).chain([CALLER_SPAN]).collect();
    if let Some(stray) = spans.iter().find(|span| !known.contains(span.parent.as_str())) {
        return broken(format!("the span `{}` hangs under none of the trace", stray.name));
    }
    if calls && spans.len() < 2 {
        return broken("there is no span for the dependency");
    }
    Ok(format!("{} spans in one trace", spans.len()))
}

async fn logs(bench: &Bench) -> Observed {
    let mut scene = bench.scene(&Setup::default()).await?;
    let (trace, request) = (new_trace(), unique());
    let parent = format!("00-{trace}-{CALLER_SPAN}-01");
    let headers = [("traceparent", parent.as_str()), ("x-request-id", request.as_str())];
    let answer = scene.call(&bench.requests.read, "", &headers).await?;
    if answer.header("x-request-id") != request {
        return broken(format!("x-request-id came back as `{}`", answer.header("x-request-id")));
    }
    scene.running.terminate().await;
    leaves(scene.running.ended(LIMIT).await, Instant::now())?;
    let lines = scene.running.lines();
    let parsed: Vec<Value> = lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    if parsed.len() < lines.len() {
        let stray = lines.iter().find(|line| serde_json::from_str::<Value>(line).is_err());
        return broken(format!("a line is no JSON: {}", stray.map_or("", String::as_str)));
    }
    let own: Vec<&Value> = parsed
        .iter()
        .filter(|line| line["trace_id"] == trace.as_str() && line["request_id"] == request.as_str())
        .collect();
    if own.iter().any(|line| line["status"].is_number() && line["duration_ms"].is_number()) {
        return Ok(format!("{} lines, {} of them with both ids", lines.len(), own.len()));
    }
    match own.first() {
        Some(line) => broken(format!("its line has no status or duration: {line}")),
        None => broken(format!("none of {} lines has both ids", lines.len())),
    }
}

async fn dead_collector(bench: &Bench) -> Observed {
    let collector = Proxy::start(Target::Echo, Fault::Hang).await?;
    let mut scene = bench.scene(&exporting(format!("http://{}", collector.address))).await?;
    // The first request pays for connections and warm-up, with any collector.
    scene.read().await?;
    let (mut slow, mut slowest) = (0, Duration::ZERO);
    for _ in 0..READS {
        let answer = scene.read().await?;
        if !answer.ok() {
            return broken(format!("a request was answered {}", answer.brief()));
        }
        slow += usize::from(answer.took > SLOW);
        slowest = slowest.max(answer.took);
    }
    if slow > MOST_SLOW {
        return broken(format!(
            "{slow} of {READS} requests were slow, the slowest took {} ms",
            slowest.as_millis()
        ));
    }
    scene.running.terminate().await;
    let began = Instant::now();
    let left = leaves(scene.running.ended(LIMIT).await, began)?;
    Ok(format!("the slowest took {} ms; {left}", slowest.as_millis()))
}
