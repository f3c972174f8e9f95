//! The experiments, a file per part of the contract. Each stages a service of its own, does one thing to it and says what it saw.

mod bounds;
mod circuit;
mod configuration;
mod draining;
mod fallback;
mod health;
mod idempotency;
mod migrations;
pub mod outside;
mod privileges;
mod problems;
mod retries;
mod telemetry;
mod time_limits;

use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use crate::spec::types::{Dependency, DependencyKind};

use super::{
    client::{Answer, NoAnswer},
    contract::Id,
    report::Observed,
    stage::Bench,
};

pub use migrations::LIMIT as MIGRATION_LIMIT;

type Run = Box<dyn for<'a> Fn(&'a Bench) -> BoxFuture<'a, Observed> + Send + Sync>;

/// One experiment.
pub struct Experiment {
    /// The promise it tries.
    pub id: Id,
    /// What is done.
    pub name: String,
    /// What should be seen.
    pub expected: String,
    /// It loads the machine or measures time so finely that others beside it would be felt.
    pub alone: bool,
    /// What it looks for comes by chance, not from a slow machine: seen once, it counts.
    pub once: bool,
    run: Run,
}

impl Experiment {
    fn new<F>(id: u8, name: impl Into<String>, expected: impl Into<String>, run: F) -> Self
    where
        F: for<'a> Fn(&'a Bench) -> BoxFuture<'a, Observed> + Send + Sync + 'static,
    {
        Self::new_at(Id::of(id), name, expected, run)
    }

    fn new_at<F>(id: Id, name: impl Into<String>, expected: impl Into<String>, run: F) -> Self
    where
        F: for<'a> Fn(&'a Bench) -> BoxFuture<'a, Observed> + Send + Sync + 'static,
    {
        Self {
            id,
            name: name.into(),
            expected: expected.into(),
            alone: false,
            once: false,
            run: Box::new(run),
        }
    }

    fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// Tries it.
    ///
    /// # Errors
    /// [`super::report::Miss`] when the promise is not shown.
    pub async fn run(&self, bench: &Bench) -> Observed {
        (self.run)(bench).await
    }
}

/// Every experiment that makes sense for a service, in the order of the contract.
pub fn all(bench: &Bench) -> Vec<Experiment> {
    let dependencies = &bench.spec.dependencies;
    let mut all = Vec::new();
    all.extend(bounds::experiments(bench));
    all.extend(dependencies.iter().flat_map(time_limits::experiments));
    all.extend(dependencies.iter().flat_map(retries::experiments));
    all.extend(dependencies.iter().flat_map(circuit::experiments));
    all.extend(dependencies.iter().map(fallback::experiment));
    all.extend(health::experiments(dependencies));
    all.extend(draining::experiments());
    all.extend(idempotency::experiments(dependencies));
    all.extend(migrations::experiments(dependencies));
    all.extend(configuration::experiments(dependencies));
    all.extend(telemetry::experiments(dependencies));
    all.extend(problems::experiments());
    all.extend(privileges::experiments());
    all
}

/// Experiments that need nothing but an address and change nothing there.
pub fn from_outside() -> Vec<outside::Outside> {
    outside::all()
}

/// Whether single calls of it can be seen, counted and refused.
fn speaks_http(dependency: &Dependency) -> bool {
    !matches!(dependency.kind, DependencyKind::Postgres | DependencyKind::Redis)
}

/// The dependency a degraded answer names.
fn degraded(answer: &Answer) -> &str {
    answer.header("x-degraded")
}

/// Asks again until the answer is as wanted; the last answer when time is over.
async fn until<F, A>(
    limit: Duration,
    mut ask: A,
    wanted: impl Fn(&Answer) -> bool,
) -> Result<Answer, Option<Answer>>
where
    A: FnMut() -> F,
    F: Future<Output = Result<Answer, NoAnswer>>,
{
    let began = Instant::now();
    loop {
        let answer = ask().await.ok();
        match answer {
            Some(answer) if wanted(&answer) => return Ok(answer),
            last if began.elapsed() > limit => return Err(last),
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// What the last of several answers was, for reports.
fn last(answer: Option<Answer>) -> String {
    answer.map_or_else(|| "no answer".to_owned(), |answer| answer.brief())
}
