//! The driver: journal the action, perform it through a port, journal the event, feed it back.

use std::time::Duration;

use crate::{
    judge::Judge,
    rollout::{Action, Event as RolloutEvent, Outcome, Release, Snapshot, State, TimelineEntry, next},
    spec::{ResolvedSpec, types::Probe},
};

use super::{
    EngineError, Event, Interrupt, Reporter, Stage,
    clock::rfc3339,
    perform::Performer,
    ports::Ports,
    records::{Entry, Records},
};

/// What of the spec a rollout needs.
#[derive(Debug, Clone)]
pub struct RolloutSettings {
    /// Longest wait per step.
    pub bake: Duration,
    /// Probability of aborting a good release.
    pub false_alarm: f64,
    /// Objective in percent.
    pub availability: f64,
    /// Paired requests.
    pub probes: Vec<Probe>,
}

impl RolloutSettings {
    /// Taken from a spec.
    pub fn of(spec: &ResolvedSpec) -> Self {
        Self {
            bake: spec.rollout.bake.std(),
            false_alarm: spec.rollout.false_alarm,
            availability: spec.slo.availability,
            probes: spec.probes.clone(),
        }
    }
}

/// Drives one release from a state to an end.
pub(super) struct Driver<'a> {
    pub ports: &'a Ports,
    pub reporter: &'a dyn Reporter,
    pub interrupt: &'a Interrupt,
    pub settings: &'a RolloutSettings,
    pub release: Release,
    pub state: State,
    pub seq: u64,
}

impl Driver<'_> {
    /// Drives to the end and returns the release with its outcome.
    pub async fn run(mut self) -> Result<Release, EngineError> {
        let records = Records::new(self.ports);
        let mut snapshot: Option<Snapshot> = match self.state {
            State::Snapshotting => None,
            _ => Some(records.snapshot(&self.release.snapshot).await?),
        };
        let mut judge = Judge::new(self.settings.false_alarm, self.settings.availability);
        while let Some(action) = self.state.action(&self.release.plan) {
            let event = self.one(&action, &mut snapshot, &mut judge).await;
            self.state = next(&self.release.plan, &self.state, &event)
                .map_err(|illegal| EngineError::Journal { release: self.release.number, illegal })?;
        }
        self.release.outcome = match &self.state {
            State::Promoted => Outcome::Promoted,
            State::RolledBack { reason } => Outcome::RolledBack { reason: reason.clone() },
            State::Failed { reason } => Outcome::Failed { reason: reason.clone() },
            State::Halted { reason } => Outcome::Halted { reason: reason.clone() },
            _ => Outcome::InProgress,
        };
        self.release.ended_at = Some(rfc3339(self.ports.clock.now()));
        let saved = records.save(&self.release).await;
        // A halt is worse news than a record that could not be written.
        if !matches!(self.release.outcome, Outcome::Halted { .. }) {
            saved?;
        }
        Ok(self.release)
    }

    /// Whether users are already being put back: then nothing may keep an action from being performed.
    fn on_the_way_back(&self) -> bool {
        matches!(
            self.state,
            State::Doubting { .. }
                | State::Aborting { .. }
                | State::Restoring { .. }
                | State::Verifying { .. }
        )
    }

    async fn one(
        &mut self,
        action: &Action,
        snapshot: &mut Option<Snapshot>,
        judge: &mut Judge,
    ) -> RolloutEvent {
        let began = self.ports.clock.now();
        let stage = self.stage(action);
        let journalled = self.journal(Entry::Action(action.clone())).await;
        if let Err(error) = journalled
            && !self.on_the_way_back()
        {
            return RolloutEvent::Failed { reason: format!("the journal cannot be written: {error}") };
        }
        self.reporter.report(began, &Event::Started { stage, detail: describe(action) });
        let performer = Performer {
            ports: self.ports,
            reporter: self.reporter,
            settings: self.settings,
            release: &mut self.release,
            patient: matches!(
                self.state,
                State::Aborting { .. }
                    | State::Restoring { .. }
                    | State::Verifying { .. }
                    | State::Doubting { .. }
            ),
        };
        let result = if self.state.may_be_interrupted() {
            tokio::select! {
                result = performer.perform(action, snapshot, judge) => result,
                () = self.interrupt.asked() => Ok((RolloutEvent::Interrupted, "stopped by a person".to_owned())),
            }
        } else {
            performer.perform(action, snapshot, judge).await
        };
        let now = self.ports.clock.now();
        let seconds = now - began;
        let (event, told, what) = match result {
            Ok((event, detail)) => {
                let what = detail.clone();
                (event, Event::Done { stage, detail, seconds }, what)
            }
            Err(reason) => {
                let what = format!("failed: {reason}");
                (
                    RolloutEvent::Failed { reason: reason.clone() },
                    Event::Failed { stage, reason, seconds },
                    what,
                )
            }
        };
        self.reporter.report(now, &told);
        self.release
            .timeline
            .push(TimelineEntry { at: rfc3339(now), what: format!("{}: {what}", describe(action)) });
        match self.journal(Entry::Event(event.clone())).await {
            Err(error) if !self.on_the_way_back() && !matches!(event, RolloutEvent::Failed { .. }) => {
                RolloutEvent::Failed { reason: format!("the journal cannot be written: {error}") }
            }
            _ => event,
        }
    }

    async fn journal(&mut self, entry: Entry) -> Result<(), EngineError> {
        let seq = self.seq;
        self.seq += 1;
        Records::new(self.ports).append(self.release.number, seq, entry).await
    }

    fn stage(&self, action: &Action) -> Stage {
        match action {
            Action::TakeSnapshot => Stage::Snapshot,
            Action::PrepareSlot => Stage::Prepare,
            Action::CheckReady | Action::CheckStable => Stage::Ready,
            Action::SetWeight { .. } if matches!(self.state, State::Aborting { .. }) => Stage::Return,
            Action::SetWeight { .. } | Action::Judge { .. } => Stage::Step,
            Action::Promote => Stage::Promote,
            Action::RestoreSlot => Stage::Restore,
            Action::Confirm | Action::Verify => Stage::Compare,
        }
    }
}

fn describe(action: &Action) -> String {
    match action {
        Action::TakeSnapshot => "store a snapshot of what is live".to_owned(),
        Action::PrepareSlot => "bring the idle slot to the release".to_owned(),
        Action::CheckReady => "ask the slot whether it is ready".to_owned(),
        Action::SetWeight { weight } if *weight == crate::rollout::Weight::ZERO => {
            "put users back".to_owned()
        }
        Action::SetWeight { weight } => format!("give it {weight} of users"),
        Action::Judge { step } => format!("judge step {}", step + 1),
        Action::Promote => "make it the stable slot".to_owned(),
        Action::Confirm => "compare live state with what was wanted".to_owned(),
        Action::CheckStable => "ask the earlier slot whether it is ready".to_owned(),
        Action::RestoreSlot => "put the slot back".to_owned(),
        Action::Verify => "compare live state with the snapshot".to_owned(),
    }
}
