//! Rollback: an earlier release comes back as a release of its own, by the same machine that rolls one out.

use serde::Serialize;

use crate::rollout::{Live, Outcome, Plan, Release, Slot, SlotStatus, State};

use super::{
    EngineError, Interrupt, Reporter,
    clock::rfc3339,
    drive::{Driver, RolloutSettings},
    lease::Held,
    observe::observe,
    ports::Ports,
    records::{Records, newest_promoted},
};

/// A rollback that has not been driven.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RollbackPlan {
    /// Number the rollback gets as a release.
    pub number: u64,
    /// The release users are on.
    pub from: u64,
    /// The release that comes back.
    pub to: u64,
    /// The slot it comes back in.
    pub slot: Slot,
    /// Whether that slot still runs it, so that only the route changes.
    pub warm: bool,
    /// What will be done, in words.
    pub steps: Vec<String>,
}

/// The release that a rollback without a number goes to: the one before the one that users are really on.
fn default_target(releases: &[Release], current: &Release) -> Option<u64> {
    let really = current.brings_back.unwrap_or(current.number);
    let before = releases.iter().find(|release| release.number == really)?.before;
    let record = releases.iter().find(|release| release.number == before)?;
    Some(record.brings_back.unwrap_or(record.number))
}

/// Plans a rollback to release `to`, or to the one before.
///
/// # Errors
/// [`EngineError::NoTarget`] where there is nothing to go back to.
pub async fn plan_rollback(ports: &Ports, to: Option<u64>) -> Result<RollbackPlan, EngineError> {
    let releases = Records::new(ports).releases().await?;
    let none = |text: &str| EngineError::NoTarget(text.to_owned());
    let current = newest_promoted(&releases).ok_or_else(|| none("nothing was ever promoted here"))?;
    let to = match to {
        Some(to) => to,
        None => default_target(&releases, current)
            .ok_or_else(|| EngineError::NoTarget(format!("there is no release before {}", current.number)))?,
    };
    let target = releases.iter().find(|release| release.number == to);
    let target = target.ok_or_else(|| EngineError::NoTarget(format!("there is no release {to}")))?;
    if target.outcome != Outcome::Promoted {
        let text = format!("release {to} was {}; users were never wholly on it", target.outcome.word());
        return Err(EngineError::NoTarget(text));
    }
    let live = observe(ports).await?;
    let stable = live.route.as_ref().map(|route| route.stable);
    let stable = stable.ok_or_else(|| none("there is no route, so nobody is on any release"))?;
    if live
        .slot(stable)
        .is_some_and(|slot| slot.config == target.config && slot.status == SlotStatus::Running)
    {
        return Err(EngineError::NoTarget(format!("users are on release {to} already")));
    }
    Ok(plan(&live, stable.other(), current.number, target, releases.last().map_or(1, |r| r.number + 1)))
}

fn plan(live: &Live, slot: Slot, from: u64, target: &Release, number: u64) -> RollbackPlan {
    let held = live.slot(slot).filter(|state| state.config == target.config);
    let warm = held.is_some_and(|state| state.status == SlotStatus::Running);
    let mut steps = vec!["store a snapshot of what is live".to_owned()];
    steps.push(match held.map(|state| state.status) {
        Some(SlotStatus::Running) => format!("the slot {slot} still runs release {}", target.number),
        Some(SlotStatus::Paused) => {
            format!("resume the slot {slot}, which still holds release {}", target.number)
        }
        _ => {
            format!("bring the slot {slot} back to the image and configuration of release {}", target.number)
        }
    });
    steps.push("ask it whether it is ready".to_owned());
    steps.push("switch all users over".to_owned());
    steps.push("compare live state with what it should be, field by field".to_owned());
    RollbackPlan { number, from, to: target.number, slot, warm, steps }
}

/// Brings an earlier release back.
///
/// # Errors
/// [`EngineError`] before anything was touched; from then on, the outcome is in the release.
pub async fn rollback(
    ports: &Ports,
    settings: &RolloutSettings,
    to: Option<u64>,
    reporter: &dyn Reporter,
    interrupt: &Interrupt,
) -> Result<Release, EngineError> {
    let mut lease = Held::take(ports).await?;
    let result = lease
        .during(async {
            let plan = plan_rollback(ports, to).await?;
            let records = Records::new(ports);
            let target = records.release(plan.to).await?;
            let release = Release {
                number: plan.number,
                brings_back: Some(plan.to),
                before: plan.from,
                slot: plan.slot,
                snapshot: format!("before-{}", plan.number),
                plan: Plan { canary: plan.slot, steps: Vec::new() },
                actor: ports.identity.caller().await?.arn,
                started_at: rfc3339(ports.clock.now()),
                ended_at: None,
                timeline: Vec::new(),
                verdicts: Vec::new(),
                outcome: Outcome::InProgress,
                ..target
            };
            records.create(&release).await?;
            Driver { ports, reporter, interrupt, settings, release, state: State::Snapshotting, seq: 0 }
                .run()
                .await
        })
        .await;
    lease.give_back().await;
    result
}
