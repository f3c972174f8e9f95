//! `pave rollback`.

use serde_json::json;

use crate::{
    engine::{self, Records, RolloutSettings},
    rollout::Outcome,
};

use super::{
    Done,
    args::Rollback,
    context::{Project, connect},
    deploy::{confirm, ended},
    interrupt,
    output::Output,
    progress::Progress,
};

/// Brings an earlier release back, or puts users back where a release was cut off.
pub async fn run(request: &Rollback, output: &Output) -> Done {
    let project = Project::find()?;
    let spec = project.environment(request.place.env.as_deref())?;
    if !request.dry_run {
        confirm(&spec, request.yes)?;
    }
    let connected = connect(&spec, output).await?;
    let settings = RolloutSettings::of(&spec);
    let releases = Records::new(&connected.ports).releases().await?;
    engine::unheld(&connected.ports).await?;
    let cut = releases.iter().rev().find(|release| release.outcome == Outcome::InProgress);
    let interrupt = interrupt::listen(output);
    let progress = Progress::new(output);
    if let Some(cut) = cut {
        output.progress(&format!("release {} was cut off; putting users back", cut.number));
        if request.dry_run {
            return Ok(0);
        }
        let release = engine::resume(&connected.ports, &settings, true, &progress, &interrupt).await;
        progress.finish();
        let release = release?;
        ended(&release, connected.url.as_deref(), output);
        // To put users back is what was asked for.
        return Ok(match release.outcome {
            Outcome::RolledBack { .. } | Outcome::Promoted | Outcome::Failed { .. } => 0,
            _ => super::code::HALTED,
        });
    }
    let plan = engine::plan_rollback(&connected.ports, request.to).await?;
    output.json(&json!({ "type": "plan", "plan": plan }));
    let how =
        if plan.warm { "in seconds: its slot still runs it" } else { "by bringing its slot back first" };
    output.progress(&format!("from release {} to release {}, {how}", plan.from, plan.to));
    if request.dry_run {
        for (index, step) in plan.steps.iter().enumerate() {
            output.say(&format!("  {}. {step}", index + 1));
        }
        return Ok(0);
    }
    let release = engine::rollback(&connected.ports, &settings, Some(plan.to), &progress, &interrupt).await;
    progress.finish();
    Ok(ended(&release?, connected.url.as_deref(), output))
}
