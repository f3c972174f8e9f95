//! `pave status`.

use serde_json::json;

use crate::{
    engine::{self, EngineError, Lease, Records, newest_promoted},
    rollout::{Outcome, Slot, Weight},
};

use super::{
    Done,
    context::{Project, connect},
    output::{Output, Tone},
};

/// Shows what is live: users, slots, releases, and who is at it.
pub async fn run(environment: Option<&str>, output: &Output) -> Done {
    let project = Project::find()?;
    let spec = project.environment(environment)?;
    let connected = connect(&spec, output).await?;
    let live = engine::observe(&connected.ports).await?;
    let releases = match Records::new(&connected.ports).releases().await {
        Ok(releases) => releases,
        // What is live can be told even where what was recorded cannot.
        Err(error @ EngineError::Record { .. }) => {
            output.progress(&output.paint(Tone::Bad, &format!("warning: {error}")));
            Vec::new()
        }
        Err(error) => return Err(error.into()),
    };
    let current = newest_promoted(&releases);
    let cut = releases.iter().rev().find(|release| release.outcome == Outcome::InProgress);
    let lease = connected.ports.state.get("lease.json").await?;
    let lease: Option<Lease> = lease.and_then(|stored| serde_json::from_slice(&stored.body).ok());
    let lease = lease.filter(|lease| lease.is_held(connected.ports.clock.now()));
    output.json(&json!({
        "type": "status",
        "service": spec.service.name,
        "environment": spec.environment.name,
        "url": connected.url,
        "release": current.map(|release| release.number),
        "unfinished": cut.map(|release| release.number),
        "lease": lease,
        "live": live,
    }));
    if output.is_json() {
        return Ok(0);
    }
    output.say(&format!("{} in {}", spec.service.name, spec.environment.name));
    if let Some(url) = &connected.url {
        output.say(&format!("  {url}"));
    }
    match (&live.route, current) {
        (Some(route), Some(current)) => {
            let really =
                current.brings_back.map_or_else(String::new, |n| format!(", which brought {n} back"));
            output.say(&format!(
                "users are on release {}{really}, in the slot {}",
                current.number, route.stable
            ));
            if route.weight > Weight::ZERO {
                output.say(&format!(
                    "{} of them are on the slot {} under trial",
                    route.weight,
                    route.canary()
                ));
            }
        }
        (Some(route), None) => output.say(&format!("users are in the slot {}", route.stable)),
        (None, _) => output.say("nothing was released here yet"),
    }
    let mut rows = Vec::new();
    for slot in Slot::ALL {
        if let Some(state) = live.slot(slot) {
            let release = state.config.env.get("PAVE_RELEASE").cloned().unwrap_or_default();
            let image = state.config.image.rsplit(':').next().unwrap_or_default();
            let image: String = image.chars().take(12).collect();
            rows.push(vec![slot.to_string(), state.status.to_string(), release, image, state.host.clone()]);
        }
    }
    if !rows.is_empty() {
        output.table(&["slot", "status", "release", "image", "host"], &rows);
    }
    if let Some(lease) = lease {
        output.say(&format!("{} is changing this environment now", lease.holder));
    } else if let Some(cut) = cut {
        output.say(&output.paint(Tone::Bad, &format!("release {} was cut off", cut.number)));
        output.next("pave deploy --resume goes on with it, pave rollback puts users back");
        return Ok(0);
    }
    output.next(if current.is_some() { "pave releases" } else { "pave deploy" });
    Ok(0)
}
