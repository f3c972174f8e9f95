//! `pave deploy`.

use std::io::IsTerminal as _;

use serde_json::json;

use crate::{
    engine::{self, DeployPlan, DeployRequest, Deployed, Mode, RolloutSettings},
    rollout::{Outcome, Release},
    spec::{
        ResolvedSpec,
        types::{Dependency, DependencyKind, Spec, Target},
    },
};

use super::{
    Done, Failure,
    args::Deploy,
    code,
    context::{Project, connect},
    interrupt,
    output::{Output, Tone},
    progress::Progress,
};

/// Deploys.
pub async fn run(request: &Deploy, output: &Output) -> Done {
    let project = Project::find()?;
    let spec = project.environment(request.place.env.as_deref())?;
    deployable(&spec)?;
    if !request.dry_run {
        confirm(&spec, request.yes)?;
    }
    let connected = connect(&spec, output).await?;
    let interrupt = interrupt::listen(output);
    let progress = Progress::new(output);
    if request.resume {
        let settings = RolloutSettings::of(&spec);
        let release = engine::resume(&connected.ports, &settings, false, &progress, &interrupt).await;
        progress.finish();
        return Ok(ended(&release?, connected.url.as_deref(), output));
    }
    let deploy = DeployRequest {
        root: project.root.clone(),
        spec_text: project.parsed.source.text.clone(),
        spec,
        mode: match &request.all_at_once {
            Some(reason) => Mode::AllAtOnce { reason: reason.clone() },
            None => Mode::Canary,
        },
        plan_only: request.dry_run,
        scratch: std::env::temp_dir(),
    };
    let result = engine::deploy(&connected.ports, &deploy, &progress, &interrupt).await;
    progress.finish();
    match result? {
        Deployed::Planned(plan) => {
            output.json(&json!({ "type": "plan", "plan": plan }));
            output.say(&describe(&plan));
            output.next("pave deploy --canary");
            Ok(0)
        }
        Deployed::Unchanged(plan) => {
            output
                .json(&json!({ "type": "unchanged", "release": plan.before, "bundle": plan.bundle_digest }));
            output.say(&format!(
                "nothing to do: users are on release {}, which is this tree (bundle {}); nothing was uploaded or built",
                plan.before,
                &plan.bundle_digest[..12]
            ));
            Ok(0)
        }
        Deployed::Released(release) => Ok(ended(&release, connected.url.as_deref(), output)),
    }
}

/// Refuses at once what could only fail after the build: nothing is made for a release but itself, so each store that the service
/// cannot start without must be named by a variable.
fn deployable(spec: &ResolvedSpec) -> Result<(), Failure> {
    let place = &spec.environment;
    let missing: Vec<String> = spec
        .dependencies
        .iter()
        .filter_map(address_variable)
        .filter(|name| !place.variables.contains_key(name))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let what = format!(
        "the service does not start without {}, and `pave deploy` makes no stores yet",
        missing.join(", ")
    );
    let todo = format!(
        "say where they are under [environments.{}.variables] in pave.toml; or run it with `docker compose up --build`, prove it with `pave verify`",
        place.name
    );
    Err(Failure::new(code::INVALID, what, todo))
}

/// The variable that a dependency's address or name is read from, where it has no default.
fn address_variable(dependency: &Dependency) -> Option<String> {
    let what = match dependency.kind {
        DependencyKind::Http | DependencyKind::Bedrock => return None,
        DependencyKind::Postgres | DependencyKind::Redis => "URL",
        DependencyKind::S3 => "BUCKET",
        DependencyKind::Dynamodb => "TABLE",
        DependencyKind::Sqs => "QUEUE_URL",
    };
    Some(dependency.variable(what))
}

/// What to do next with a project: go down the road, or as far as it leads.
pub fn next(spec: &Spec) -> &'static str {
    let only_http = spec.dependencies.iter().all(|one| one.kind == DependencyKind::Http);
    if only_http { "pave deploy --canary" } else { "pave verify" }
}

/// Asks before an account is changed.
pub fn confirm(spec: &ResolvedSpec, yes: bool) -> Result<(), Failure> {
    let place = &spec.environment;
    if place.target == Target::Sandbox || yes {
        return Ok(());
    }
    let question = format!(
        "This changes `{}` in account {}, region {}. Go on?",
        place.name,
        place.account.as_deref().unwrap_or("?"),
        place.region.as_deref().unwrap_or("?")
    );
    let refused = || {
        Failure::new(code::REFUSED, "nobody agreed to change this account", "add --yes to agree beforehand")
    };
    if !std::io::stdin().is_terminal() || std::env::var_os("CI").is_some() {
        return Err(refused());
    }
    match dialoguer::Confirm::new().with_prompt(question).default(false).interact() {
        Ok(true) => Ok(()),
        _ => Err(refused()),
    }
}

fn describe(plan: &DeployPlan) -> String {
    if plan.unchanged {
        return format!("nothing to do: users are on release {}, which is this tree", plan.before);
    }
    let steps: Vec<String> =
        plan.steps.iter().enumerate().map(|(i, step)| format!("  {}. {step}", i + 1)).collect();
    format!("release {} would\n{}\nplan {}", plan.number, steps.join("\n"), &plan.digest[..12])
}

/// Says how a release ended and returns its exit code.
pub fn ended(release: &Release, url: Option<&str>, output: &Output) -> u8 {
    output.json(&json!({ "type": "released", "release": release, "url": url }));
    let number = release.number;
    match &release.outcome {
        Outcome::Promoted => {
            let what = match release.brings_back {
                Some(earlier) => format!("release {earlier} is back (as release {number})"),
                None => format!("release {number} is live"),
            };
            output.say(&output.paint(Tone::Good, &what));
            if let Some(url) = url {
                output.say(&format!("  {url}"));
            }
            output.next("pave status");
            0
        }
        Outcome::RolledBack { reason } => {
            let reason = reason.lines().next().unwrap_or_default();
            let safe = match release.before {
                0 => "there was no release before it".to_owned(),
                before => format!("users are on release {before}"),
            };
            output.say(&output.paint(Tone::Note, &format!("release {number} was rolled back; {safe}")));
            output.say(&format!("  why: {reason}"));
            output.next(&format!("pave releases {number}   (everything that was recorded)"));
            if reason.starts_with("stopped by a person") { code::INTERRUPTED } else { code::ROLLED_BACK }
        }
        Outcome::Failed { reason } => {
            output.say(
                &output.paint(Tone::Note, &format!("release {number} did not begin; nothing was changed")),
            );
            output.say(&format!("  why: {reason}"));
            if reason.starts_with("stopped by a person") { code::INTERRUPTED } else { code::TRANSIENT }
        }
        Outcome::Halted { reason } => {
            output.say(&output.paint(Tone::Bad, &format!("release {number} is halted and needs a person")));
            output.say(&format!("  why: {reason}"));
            output.next("pave status; then pave rollback");
            code::HALTED
        }
        Outcome::InProgress => code::INTERNAL,
    }
}
