//! A run: stand everything up once, try every experiment, several at a time.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};

use crate::spec::types::Spec;

use super::{
    client::Caller,
    contract::Id,
    experiments::{self, Experiment, MIGRATION_LIMIT},
    report::{Finding, Miss, Observed, Report, Verdict},
    requests::Requests,
    stage::{Backing, BackingError, Bench, Cloud, Setup},
    subject::{StartError, Subject},
};

/// Longest wait for the first answer of an address.
const FIRST_ANSWER: Duration = Duration::from_secs(20);

/// Longest time to remove what was made on a server of somebody else.
const CLEANING: Duration = Duration::from_secs(30);

/// How to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Only these promises; empty for all.
    pub only: Vec<Id>,
    /// Experiments at a time.
    pub jobs: usize,
}

/// Why experiments make no sense yet: the service does not work while all is well.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Something it depends on is not there.
    #[error(transparent)]
    Backing(#[from] BackingError),
    /// It cannot be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Its migrations fail.
    #[error("`migrate up` on an empty database failed:\n{0}")]
    Migrations(String),
    /// It does not do what `verify.toml` says it does.
    #[error("with every dependency well, {0}")]
    NotWell(String),
    /// The address cannot be called, or nothing answers there.
    #[error("nothing answers at that address: {0}")]
    Address(String),
    /// Somebody asked to stop.
    #[error("stopped before the experiments were done")]
    Stopped,
    /// None of the chosen promises can be tried from outside.
    #[error("{0} cannot be tried on an address alone")]
    NothingToTry(String),
}

/// Tries a project's service with everything around it under control. `said` hears each finding as it comes; when `stop` resolves
/// everything ends, and what was made on a server of somebody else is removed.
///
/// # Errors
/// [`VerifyError`] when the service does not even work while all is well.
pub async fn project(
    spec: Spec,
    requests: Requests,
    subject: Subject,
    cloud: Option<Cloud>,
    options: &Options,
    said: impl Fn(&Finding, usize, usize) + Send + Sync,
    stop: impl Future<Output = ()>,
) -> Result<Report, VerifyError> {
    let backing = Backing::start(&spec, cloud).await?;
    let mut bench = Bench { spec, requests, subject, backing, template: None };
    let result = tokio::select! {
        result = tried(&mut bench, options, said) => result,
        () = stop => Err(VerifyError::Stopped),
    };
    if let Some(server) = &bench.backing.database {
        // A server that has gone away keeps nobody here.
        let _ = tokio::time::timeout(CLEANING, server.clean_up()).await;
    }
    result
}

async fn tried(
    bench: &mut Bench,
    options: &Options,
    said: impl Fn(&Finding, usize, usize) + Send + Sync,
) -> Result<Report, VerifyError> {
    migrated(bench).await?;
    let bench = &*bench;
    well(bench).await?;
    let chosen: Vec<_> = experiments::all(bench)
        .into_iter()
        .filter(|one| options.only.is_empty() || options.only.contains(&one.id))
        .collect();
    let total = chosen.len();
    let mut findings = Vec::with_capacity(total);
    let (alone, together): (Vec<_>, Vec<_>) = chosen.iter().enumerate().partition(|(_, one)| one.alone);
    let mut doubtful = Vec::new();
    for (some, jobs) in [(together, options.jobs.max(1)), (alone, 1)] {
        let mut running = stream::iter(some)
            .map(|(number, one)| async move { (number, one, tried_once(one, bench).await) })
            .buffer_unordered(jobs);
        while let Some((number, one, finding)) = running.next().await {
            if finding.verdict == Verdict::Failed && !one.once {
                doubtful.push((number, one, finding));
                continue;
            }
            said(&finding, findings.len() + 1, total);
            findings.push((number, finding));
        }
    }
    // On a machine that is out of breath every time limit seems broken: what failed among others is tried by itself.
    for (number, one, first) in doubtful {
        let again = tried_once(one, bench).await;
        let finding = match again.verdict {
            Verdict::NotRun => first,
            _ => Finding { at_first: Some(first.observed), ..again },
        };
        said(&finding, findings.len() + 1, total);
        findings.push((number, finding));
    }
    findings.sort_by_key(|(number, _)| *number);
    let mut findings: Vec<Finding> = findings.into_iter().map(|(_, finding)| finding).collect();
    findings.sort_by_key(|finding| finding.id);
    Ok(Report { service: bench.spec.service.name.clone(), findings })
}

async fn tried_once(one: &Experiment, bench: &Bench) -> Finding {
    let began = Instant::now();
    let observed = one.run(bench).await;
    finding(one.id, one.name.clone(), one.expected.clone(), observed, began.elapsed())
}

/// Tries an address, with the experiments that change nothing there.
///
/// # Errors
/// [`VerifyError::Address`] when nothing answers at all, [`VerifyError::NothingToTry`] when no experiment is left.
pub async fn address(
    name: &str,
    base: &str,
    requests: &Requests,
    options: &Options,
    said: impl Fn(&Finding, usize, usize),
) -> Result<Report, VerifyError> {
    let wrong = |why: String| VerifyError::Address(format!("{base} ({why})"));
    let caller = Caller::new(base).map_err(|error| wrong(error.to_string()))?;
    let chosen: Vec<_> = experiments::from_outside()
        .into_iter()
        .filter(|one| options.only.is_empty() || options.only.contains(&one.id))
        .collect();
    if chosen.is_empty() {
        let ids: Vec<String> = options.only.iter().map(ToString::to_string).collect();
        return Err(VerifyError::NothingToTry(ids.join(", ")));
    }
    let asked = caller.send("GET", "/livez", &[], "", FIRST_ANSWER).await;
    asked.map_err(|error| wrong(error.to_string()))?;
    let mut findings = Vec::new();
    for one in &chosen {
        let began = Instant::now();
        let observed = one.run(&caller, requests).await;
        let finding =
            finding(one.id, one.name.to_owned(), one.expected.to_owned(), observed, began.elapsed());
        said(&finding, findings.len() + 1, chosen.len());
        findings.push(finding);
    }
    Ok(Report { service: name.to_owned(), findings })
}

fn finding(id: Id, experiment: String, expected: String, observed: Observed, took: Duration) -> Finding {
    let (verdict, observed) = match observed {
        Ok(words) => (Verdict::Held, words),
        Err(Miss::Broken(words)) => (Verdict::Failed, words),
        Err(Miss::NotRun(words)) => (Verdict::NotRun, words),
    };
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    Finding { id, experiment, expected, observed, verdict, at_first: None, took_ms }
}

/// Migrates one database, from which each experiment's own is copied.
async fn migrated(bench: &mut Bench) -> Result<(), VerifyError> {
    if bench.backing.database.is_none() {
        return Ok(());
    }
    let unreachable = |words: String| VerifyError::NotWell(words);
    let (variables, _proxies) =
        bench.surroundings(&Setup::default()).await.map_err(|miss| unreachable(words(miss)))?;
    let ended = bench.subject.run(&["migrate", "up"], &variables, MIGRATION_LIMIT).await?;
    if ended.code != Some(0) {
        return Err(VerifyError::Migrations(ended.all.trim().to_owned()));
    }
    bench.template = bench.backing.database.as_ref().and_then(|server| server.first());
    Ok(())
}

/// Every request of `verify.toml` is answered with 2xx while all is well.
async fn well(bench: &Bench) -> Result<(), VerifyError> {
    let failed = |miss: Miss| VerifyError::NotWell(words(miss));
    let scene = bench.scene(&Setup::default()).await.map_err(failed)?;
    let not_well = |line: &super::requests::Line, answer: &super::client::Answer| {
        let body = String::from_utf8_lossy(&answer.body).chars().take(300).collect::<String>();
        VerifyError::NotWell(format!("{} {} was answered {}: {body}", line.method, line.path, answer.status))
    };
    let read = scene.read().await.map_err(|error| failed(error.into()))?;
    if !read.ok() {
        return Err(not_well(&bench.requests.read.request, &read));
    }
    if bench.requests.write.is_some() {
        scene.created().await.map_err(failed)?;
    }
    for (name, reach) in &bench.requests.dependencies {
        let created = scene.prepared(name).await.map_err(failed)?;
        let answer = scene.reach(name, &created).await.map_err(|error| failed(error.into()))?;
        if !answer.ok() {
            return Err(not_well(&reach.call.request, &answer));
        }
    }
    Ok(())
}

fn words(miss: Miss) -> String {
    match miss {
        Miss::Broken(words) | Miss::NotRun(words) => words,
    }
}
