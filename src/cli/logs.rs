//! `pave logs`.

use std::{collections::HashSet, time::Duration};

use serde_json::json;

use crate::{
    engine::{self, clock::rfc3339},
    rollout::Slot,
    spec::{suggest, units},
};

use super::{
    Done, Failure,
    args::Logs,
    code,
    context::{Project, connect},
    output::{Output, Tone},
};

const SLOTS: [&str; 4] = ["stable", "canary", "blue", "green"];

/// Shows what a slot printed.
pub async fn run(request: &Logs, output: &Output) -> Done {
    let usage = |what: String, todo: String| Failure::new(code::USAGE, what, todo);
    let since: units::Duration =
        request.since.parse().map_err(|why: String| usage(why, "as in --since 10m".to_owned()))?;
    if !SLOTS.contains(&request.slot.as_str()) {
        return Err(usage(format!("there is no slot `{}`", request.slot), suggest(&request.slot, &SLOTS)));
    }
    let project = Project::find()?;
    let spec = project.environment(request.place.env.as_deref())?;
    let connected = connect(&spec, output).await?;
    let live = engine::observe(&connected.ports).await?;
    let stable = live.route.as_ref().map(|route| route.stable);
    let slot = match request.slot.as_str() {
        "blue" => Some(Slot::Blue),
        "green" => Some(Slot::Green),
        "canary" => stable.map(Slot::other),
        _ => stable,
    };
    let state = slot.and_then(|slot| live.slot(slot));
    let Some(state) = state else {
        let what = format!("there is no {} slot here yet", request.slot);
        return Err(Failure::new(code::INVALID, what, "run `pave deploy` first"));
    };
    let clock = &connected.ports.clock;
    let mut from = ((clock.now() - since.as_secs_f64()) * 1000.0) as i64;
    let mut shown = HashSet::new();
    loop {
        let lines = connected.ports.logs.application(state, from, request.limit).await?;
        for line in lines {
            from = from.max(line.at_ms);
            if !shown.insert((line.at_ms, line.stream.clone(), line.text.clone())) {
                continue;
            }
            output.json(&json!({ "at": rfc3339(line.at_ms as f64 / 1000.0), "stream": line.stream, "line": line.text }));
            let instance: String = line.stream.trim_start_matches("instance/").chars().take(6).collect();
            output.say(&format!("{} {}", output.paint(Tone::Dim, &instance), line.text));
        }
        if !request.follow {
            return Ok(0);
        }
        // Only lines of the newest millisecond can come again.
        shown.retain(|(at, _, _)| *at >= from);
        tokio::select! {
            () = clock.sleep(Duration::from_millis(500)) => {}
            _ = tokio::signal::ctrl_c() => return Ok(0),
        }
    }
}
