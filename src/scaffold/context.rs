//! What templates can read, and nothing else.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::spec::types::{Dependency, DependencyKind, Spec};

/// The whole context of a project.
pub(super) fn project(spec: &Spec) -> Value {
    let dependencies: Vec<Value> = spec.dependencies.iter().map(dependency).collect();
    let of: Map<String, Value> = DependencyKind::ALL
        .into_iter()
        .map(|kind| {
            let kind = json!(kind);
            let some: Vec<&Value> = dependencies.iter().filter(|d| d["kind"] == kind).collect();
            (kind.as_str().unwrap_or_default().to_owned(), json!(some))
        })
        .collect();
    let used = |kind: &Value| kind.as_array().is_some_and(|some| !some.is_empty());
    let kinds: Vec<&String> = of.iter().filter(|(_, some)| used(some)).map(|(kind, _)| kind).collect();
    let has: Map<String, Value> = of.iter().map(|(kind, some)| (kind.clone(), json!(used(some)))).collect();
    let environments: Vec<Value> = spec
        .environments
        .iter()
        .map(|(name, e)| {
            json!({
                "name": name,
                "target": e.target.unwrap_or_default(),
                "account": e.account.clone().unwrap_or_default(),
                "region": e.region.clone().unwrap_or_default(),
            })
        })
        .collect();
    let service = &spec.service;
    json!({
        "pave": { "version": env!("CARGO_PKG_VERSION") },
        "service": {
            "name": service.name,
            "snake": service.name.replace('-', "_"),
            "description": service.description,
            "owner": service.owner,
            "on_call": service.on_call.clone().unwrap_or_default(),
            "blueprint": service.blueprint,
            "language": service.language,
            "data": service.data,
        },
        "http": {
            "port": spec.http.port,
            "access": spec.http.access,
            "request_timeout_ms": spec.http.request_timeout.as_millis(),
        },
        "kinds": kinds,
        "has": has,
        "http_dependencies": of["http"],
        "of": of,
        "dependencies": dependencies,
        "scale": {
            "cpu_units": spec.scale.cpu.0,
            "memory_mb": spec.scale.memory.0,
            "min": spec.scale.min,
            "max": spec.scale.max,
            "concurrency": spec.scale.concurrency,
        },
        "slo": {
            "availability": spec.slo.availability,
            "latency_p99_ms": spec.slo.latency_p99.as_millis(),
            "latency_buckets": latency_buckets(spec.slo.latency_p99.as_millis()),
            "window_days": spec.slo.window.as_millis() / 86_400_000,
        },
        "rollout": {
            "steps": spec.rollout.steps,
            "bake_ms": spec.rollout.bake.as_millis(),
            "false_alarm": spec.rollout.false_alarm,
            "rollback_window_ms": spec.rollout.rollback_window.as_millis(),
        },
        "environments": environments,
    })
}

fn dependency(dependency: &Dependency) -> Value {
    let name = &dependency.name;
    let pascal: String = name.split('-').map(capitalised).collect();
    let camel =
        pascal.chars().take(1).flat_map(char::to_lowercase).chain(pascal.chars().skip(1)).collect::<String>();
    json!({
        "name": name,
        "snake": name.replace('-', "_"),
        "camel": camel,
        "pascal": pascal,
        "env": name.replace('-', "_").to_uppercase(),
        "kind": dependency.kind,
        "url": dependency.url.clone().unwrap_or_default(),
        "timeout_ms": dependency.timeout.as_millis(),
        "attempts": dependency.attempts,
        "fallback": dependency.fallback,
        "critical": dependency.critical,
    })
}

/// Upper bounds of the buckets of `http.server.request.duration`, in seconds: those that OpenTelemetry's semantic conventions
/// for HTTP metrics advise, and the objective itself, so that what was slower can be counted and not only guessed.
fn latency_buckets(objective_ms: u64) -> Vec<f64> {
    let mut milliseconds = vec![5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000];
    milliseconds.push(objective_ms);
    milliseconds.sort_unstable();
    milliseconds.dedup();
    milliseconds.into_iter().map(|ms| Duration::from_millis(ms).as_secs_f64()).collect()
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
