//! `pave releases`.

use serde_json::json;

use crate::{engine::Records, rollout::Release};

use super::{
    Done,
    args::Releases,
    context::{Project, connect},
    output::Output,
};

/// Lists releases, or shows all that is recorded of one.
pub async fn run(request: &Releases, output: &Output) -> Done {
    let project = Project::find()?;
    let spec = project.environment(request.place.env.as_deref())?;
    let connected = connect(&spec, output).await?;
    let records = Records::new(&connected.ports);
    if let Some(number) = request.number {
        let release = records.release(number).await?;
        output.json(&json!({ "type": "release", "release": release }));
        if !output.is_json() {
            show(&release, output);
        }
        return Ok(0);
    }
    let releases = records.releases().await?;
    output.json(&json!({ "type": "releases", "releases": releases }));
    if output.is_json() {
        return Ok(0);
    }
    if releases.is_empty() {
        output.say("nothing was released here yet");
        output.next("pave deploy");
        return Ok(0);
    }
    let rows: Vec<Vec<String>> = releases
        .iter()
        .rev()
        .map(|release| {
            let what = release.brings_back.map_or_else(String::new, |n| format!("brings back {n}"));
            let why = release.outcome.reason().and_then(|reason| reason.lines().next()).unwrap_or(&what);
            let why: String = why.chars().take(70).collect();
            vec![
                release.number.to_string(),
                release.started_at.clone(),
                release.outcome.word().to_owned(),
                release.slot.to_string(),
                release.bundle_digest.chars().take(12).collect(),
                why,
            ]
        })
        .collect();
    output.table(&["release", "began", "outcome", "slot", "bundle", "why"], &rows);
    Ok(0)
}

fn show(release: &Release, output: &Output) {
    output.say(&format!(
        "release {} of {} in {}: {}",
        release.number,
        release.service,
        release.environment,
        release.outcome.word()
    ));
    if let Some(reason) = release.outcome.reason() {
        output.say(&format!("  why       {}", reason.replace('\n', "\n            ")));
    }
    output.say(&format!("  actor     {}", release.actor));
    output.say(&format!("  image     {}", release.config.image));
    output.say(&format!("  bundle    {}", release.bundle_digest));
    output.say(&format!("  spec      {}", release.spec_digest));
    output.say(&format!("  snapshot  {} (of release {})", release.snapshot, release.before));
    for entry in &release.timeline {
        output.say(&format!("  {}  {}", entry.at, entry.what.lines().next().unwrap_or_default()));
    }
    for verdict in &release.verdicts {
        output.say(&format!("  step {} at {}: {}", verdict.step + 1, verdict.weight, verdict.reason));
        output.say(&format!("         {}", verdict.evidence));
    }
}
