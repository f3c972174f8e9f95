//! Actions, performed through the ports.

use std::time::Duration;

use crate::{
    judge::Judge,
    rollout::{
        Action, Event as RolloutEvent, Live, Release, Route, Slot, SlotState, SlotStatus, Snapshot,
        VerdictKind, VerdictRecord, Weight, compare,
    },
};

use super::{
    Event, Reporter, Stage,
    clock::rfc3339,
    drive::RolloutSettings,
    judging::Step,
    observe::observe,
    ports::{PortError, Ports},
    records::Records,
};

/// Path that says whether a slot can serve users: process, configuration and critical dependencies.
const READY_PATH: &str = "/readyz";

/// Longest wait for a slot to be ready, and between two questions.
const READY: (Duration, Duration) = (Duration::from_secs(60), Duration::from_millis(200));

/// Tries on the way back, where giving up leaves users on a bad release, and the first wait between them.
const PATIENCE: (u32, Duration) = (8, Duration::from_millis(250));

/// Performs the actions of one release.
pub(super) struct Performer<'a> {
    pub ports: &'a Ports,
    pub reporter: &'a dyn Reporter,
    pub settings: &'a RolloutSettings,
    pub release: &'a mut Release,
    /// Whether failures that may pass are tried again.
    pub patient: bool,
}

type Performed = Result<(RolloutEvent, String), String>;

/// A failed port in one line, with the last lines of a log where there are any.
fn reason(error: &PortError) -> String {
    match error {
        PortError::SlotFailed { log, .. } if !log.is_empty() => format!("{error}\n{}", log.join("\n")),
        _ => error.to_string(),
    }
}

impl Performer<'_> {
    /// Performs one action: what came of it, with a few words for people; or why it failed.
    pub async fn perform(
        mut self,
        action: &Action,
        snapshot: &mut Option<Snapshot>,
        judge: &mut Judge,
    ) -> Performed {
        let mut wait = PATIENCE.1;
        for _ in 1..PATIENCE.0 {
            match self.once(action, snapshot, judge).await {
                Err(error) if self.patient && error.is_transient() => {
                    self.ports.clock.sleep(wait).await;
                    wait *= 2;
                }
                result => return result.map_err(|error| reason(&error)),
            }
        }
        self.once(action, snapshot, judge).await.map_err(|error| reason(&error))
    }

    async fn once(
        &mut self,
        action: &Action,
        snapshot: &mut Option<Snapshot>,
        judge: &mut Judge,
    ) -> Result<(RolloutEvent, String), PortError> {
        if *action == Action::TakeSnapshot {
            return self.take_snapshot(snapshot).await;
        }
        let before =
            snapshot.as_ref().ok_or_else(|| PortError::Invalid("there is no snapshot".to_owned()))?;
        match action {
            Action::TakeSnapshot => unreachable!("handled above"),
            Action::PrepareSlot => self.prepare().await,
            Action::CheckReady => {
                let slot = self.live_slot(self.release.plan.canary).await?;
                self.ready(&slot).await.map(|detail| (RolloutEvent::SlotReady, detail))
            }
            Action::CheckStable => {
                let stable = before.live.route.as_ref().and_then(|route| before.live.slot(route.stable));
                let stable = stable
                    .ok_or_else(|| PortError::Invalid("there is no release before this one".to_owned()))?;
                self.ready(stable).await.map(|detail| (RolloutEvent::StableHealthy, detail))
            }
            Action::SetWeight { weight } if *weight == Weight::ZERO => self.put_back(before).await,
            Action::SetWeight { weight } => {
                let stable = before.live.route.as_ref().map(|route| route.stable);
                let stable =
                    stable.ok_or_else(|| PortError::Invalid("there is no stable slot".to_owned()))?;
                self.route(stable, *weight).await?;
                Ok((RolloutEvent::WeightSet { weight: *weight }, format!("{weight} of users are on it")))
            }
            Action::Judge { step } => self.judge(*step, judge).await,
            Action::Promote => {
                self.route(self.release.plan.canary, Weight::ZERO).await?;
                Ok((RolloutEvent::SlotPromoted, format!("users are on release {}", self.runs())))
            }
            Action::Confirm => {
                let wanted = self.wanted(before).await?;
                self.compared(&wanted).await.map(|detail| (RolloutEvent::Confirmed, detail))
            }
            Action::RestoreSlot => {
                let slot = self.release.plan.canary;
                let update = self.telling(Stage::Restore);
                self.ports.runtime.restore(slot, before.live.slot(slot), &update).await?;
                Ok((RolloutEvent::SlotRestored, format!("the slot {slot} is as it was")))
            }
            Action::Verify => {
                let detail = self.compared(&before.live).await?;
                // Equal on paper is not enough: the slot that users are on must answer.
                if let Some(stable) =
                    before.live.route.as_ref().and_then(|route| before.live.slot(route.stable))
                {
                    self.ready(stable).await?;
                }
                Ok((RolloutEvent::Verified, detail))
            }
        }
    }

    /// The release whose code the slot runs: for a rollback the one it brings back.
    fn runs(&self) -> u64 {
        self.release.brings_back.unwrap_or(self.release.number)
    }

    fn telling(&self, stage: Stage) -> impl Fn(String) + Send + Sync + '_ {
        move |detail| {
            let event = Event::Progress { stage, detail, done: None, total: None };
            self.reporter.report(self.ports.clock.now(), &event);
        }
    }

    async fn live_slot(&self, slot: Slot) -> Result<SlotState, PortError> {
        let live = self.ports.runtime.observe(slot).await?;
        live.ok_or_else(|| PortError::NotFound { what: format!("the slot {slot}") })
    }

    async fn take_snapshot(
        &self,
        snapshot: &mut Option<Snapshot>,
    ) -> Result<(RolloutEvent, String), PortError> {
        let mut live = observe(self.ports).await?;
        let began = self.ports.clock.now();
        while [&live.blue, &live.green]
            .iter()
            .any(|s| s.as_ref().is_some_and(|s| s.status == SlotStatus::Busy))
        {
            if self.ports.clock.now() - began > READY.0.as_secs_f64() {
                return Err(PortError::Invalid(
                    "a slot has been busy for a minute; try again when it is not".to_owned(),
                ));
            }
            self.ports.clock.sleep(READY.1).await;
            live = observe(self.ports).await?;
        }
        let taken_at = rfc3339(self.ports.clock.now());
        let sealed = Snapshot::seal(self.release.snapshot.clone(), self.release.before, taken_at, live);
        let kept = Records::new(self.ports).keep(&sealed).await.map_err(|error| match error {
            super::EngineError::Port(error) => error,
            other => PortError::Invalid(other.to_string()),
        })?;
        let detail = format!("snapshot {} ({})", kept.id, &kept.digest[..12]);
        *snapshot = Some(kept);
        Ok((RolloutEvent::SnapshotTaken, detail))
    }

    async fn prepare(&self) -> Result<(RolloutEvent, String), PortError> {
        let slot = self.release.plan.canary;
        let update = self.telling(Stage::Prepare);
        let state = self.ports.runtime.deploy(slot, &self.release.config, &update).await?;
        Ok((RolloutEvent::SlotPrepared, format!("{} runs release {}", state.name, self.runs())))
    }

    /// Asks until the slot says that it is ready.
    async fn ready(&self, slot: &SlotState) -> Result<String, PortError> {
        let began = self.ports.clock.now();
        loop {
            let answer = self.ports.prober.get(&slot.host, READY_PATH, Duration::from_secs(5)).await;
            let why = match answer {
                Ok(200) => return Ok(format!("{READY_PATH} answers 200")),
                Ok(status) => format!("{READY_PATH} answers {status}"),
                Err(why) => why,
            };
            if self.ports.clock.now() - began > READY.0.as_secs_f64() {
                let since = ((began - 60.0) * 1000.0) as i64;
                let log = self.ports.logs.application(slot, since, 20).await.unwrap_or_default();
                return Err(PortError::SlotFailed {
                    service: slot.name.clone(),
                    operation: "readiness check".to_owned(),
                    status: "not ready".to_owned(),
                    reason: why,
                    log: log.into_iter().map(|line| line.text).collect(),
                });
            }
            self.ports.clock.sleep(READY.1).await;
        }
    }

    /// Sets the route: hosts as the slots report them, `weight` of users on the slot that is not `stable`.
    async fn route(&self, stable: Slot, weight: Weight) -> Result<(), PortError> {
        let live = observe(self.ports).await?;
        let host = |slot: &Option<SlotState>| slot.as_ref().map(|slot| slot.host.clone());
        let route = Route {
            blue: host(&live.blue),
            green: host(&live.green),
            stable,
            weight,
            // The same for all steps of a rollout, so that viewers stay where they are while the weight grows.
            salt: format!("release-{}", self.release.number),
        };
        self.ports.traffic.set(&route, live.route.as_ref()).await
    }

    /// Puts the route back exactly as the snapshot has it.
    async fn put_back(&self, before: &Snapshot) -> Result<(RolloutEvent, String), PortError> {
        if let Some(route) = &before.live.route {
            let live = self.ports.traffic.route().await?;
            self.ports.traffic.set(route, live.as_ref()).await?;
        }
        let detail = match before.release {
            0 => "no user was ever on it".to_owned(),
            release => format!("all users are on release {release}"),
        };
        Ok((RolloutEvent::WeightSet { weight: Weight::ZERO }, detail))
    }

    async fn judge(&mut self, step: usize, judge: &mut Judge) -> Result<(RolloutEvent, String), PortError> {
        let weight = self.release.plan.steps[step];
        let canary = self.live_slot(self.release.plan.canary).await?;
        let stable = self.live_slot(self.release.plan.canary.other()).await?;
        let watching = Step {
            ports: self.ports,
            reporter: self.reporter,
            settings: self.settings,
            index: step,
            weight,
            stable: &stable,
            canary: &canary,
        };
        let decision = watching.judged(judge).await?;
        let evidence = judge.evidence(step);
        let now = self.ports.clock.now();
        self.reporter.report(
            now,
            &Event::Verdict {
                step,
                weight,
                verdict: decision.verdict,
                reason: decision.reason.clone(),
                canary: evidence.canary,
                stable: evidence.stable,
            },
        );
        self.release.verdicts.push(VerdictRecord {
            at: rfc3339(now),
            step,
            weight,
            verdict: decision.verdict,
            reason: decision.reason.clone(),
            evidence: serde_json::to_value(&evidence).unwrap_or_default(),
        });
        let detail = match decision.verdict {
            VerdictKind::Promote => format!("good: {}", decision.reason),
            VerdictKind::Abort => format!("bad: {}", decision.reason),
            VerdictKind::Inconclusive => format!("inconclusive: {}", decision.reason),
        };
        Ok((RolloutEvent::Judged { verdict: decision.verdict, reason: decision.reason }, detail))
    }

    /// What live state should be after promotion: the slot runs the release and is stable, the other is as it was.
    async fn wanted(&self, before: &Snapshot) -> Result<Live, PortError> {
        let slot = self.release.plan.canary;
        let live = observe(self.ports).await?;
        let running = live.slot(slot).cloned().map(|state| SlotState {
            status: SlotStatus::Running,
            config: self.release.config.clone(),
            ..state
        });
        let mut wanted = Live { route: live.route.clone(), blue: running.clone(), green: running };
        let other = before.live.slot(slot.other()).cloned();
        match slot {
            Slot::Blue => wanted.green = other,
            Slot::Green => wanted.blue = other,
        }
        if let Some(route) = &mut wanted.route {
            route.stable = slot;
            route.weight = Weight::ZERO;
        }
        Ok(wanted)
    }

    async fn compared(&self, wanted: &Live) -> Result<String, PortError> {
        let live = observe(self.ports).await?;
        let (fields, differences) = compare(wanted, &live);
        let words: Vec<String> = differences
            .iter()
            .map(|d| format!("{} is {} instead of {}", d.field, d.live, d.expected))
            .collect();
        self.reporter.report(self.ports.clock.now(), &Event::Compared { fields, differences });
        if words.is_empty() {
            Ok(format!("{fields} fields compared, none differs"))
        } else {
            Err(PortError::Invalid(format!("live state differs: {}", words.join("; "))))
        }
    }
}
