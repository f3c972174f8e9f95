//! The release state machine.
//!
//! Each state that is not an end has exactly one [`Action`]; performing it yields an [`Event`], and [`next`]
//! says which state follows. So a rollout is resumed by replaying the events of its journal and performing
//! the action of the state they lead to: every action may be performed twice.
//!
//! ```text
//! Snapshotting -> Preparing -> Checking -> (Stepping(i) -> Judging(i))* -> Promoting -> Confirming -> Promoted
//!      |              \____________\____________\__________\                  |            |
//!    Failed                                      Aborting <--- stable healthy - Doubting <-+
//!                                                    |                            | stable sick
//!                                         Restoring -> Verifying -> RolledBack  Halted
//! ```

use serde::{Deserialize, Serialize};

use super::{Slot, Weight};

/// What a rollout is to do, fixed before it starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The slot that gets the release.
    pub canary: Slot,
    /// Weights to go through; empty where users are switched over at once.
    pub steps: Vec<Weight>,
}

/// Where a rollout is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Everything needed to come back is being stored. Nothing was touched yet.
    Snapshotting,
    /// The canary slot is being brought to the release.
    Preparing,
    /// The canary slot runs; is it ready to serve?
    Checking,
    /// The weight is being raised.
    Stepping {
        /// Index into [`Plan::steps`].
        step: usize,
    },
    /// Users are on both; the judge is looking.
    Judging {
        /// Index into [`Plan::steps`].
        step: usize,
    },
    /// The canary is becoming stable.
    Promoting,
    /// Live state is being compared with what was wanted.
    Confirming,
    /// Promotion failed half-way; is the earlier stable slot still healthy?
    Doubting {
        /// What failed.
        reason: String,
    },
    /// Users are being put back on the stable slot.
    Aborting {
        /// Why.
        reason: String,
    },
    /// The canary slot is being put back to what the snapshot says.
    Restoring {
        /// Why.
        reason: String,
    },
    /// Live state is being compared with the snapshot.
    Verifying {
        /// Why.
        reason: String,
    },
    /// End: users are on the release.
    Promoted,
    /// End: users are on the release they were on before.
    RolledBack {
        /// Why.
        reason: String,
    },
    /// End: needs a person.
    Halted {
        /// Why.
        reason: String,
    },
    /// End: nothing was touched.
    Failed {
        /// Why.
        reason: String,
    },
}

/// What the driver is to do. Each may be done twice without harm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Store the snapshot and read it back.
    TakeSnapshot,
    /// Bring the canary slot to the release.
    PrepareSlot,
    /// Ask the canary slot whether it is ready.
    CheckReady,
    /// Give the canary this share of users.
    SetWeight {
        /// The share.
        weight: Weight,
    },
    /// Measure both slots until there is a verdict.
    Judge {
        /// Index into [`Plan::steps`].
        step: usize,
    },
    /// Make the canary the stable slot.
    Promote,
    /// Compare live state with what was wanted.
    Confirm,
    /// Ask the earlier stable slot whether it is ready.
    CheckStable,
    /// Put the canary slot back to what the snapshot says.
    RestoreSlot,
    /// Compare live state with the snapshot.
    Verify,
}

/// How the judge decided a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictKind {
    /// No worse than stable, or good enough by its objective.
    Promote,
    /// Worse than stable.
    Abort,
    /// Not enough was seen to tell.
    Inconclusive,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The snapshot is stored and readable.
    SnapshotTaken,
    /// The canary slot runs the release.
    SlotPrepared,
    /// The canary slot is ready to serve.
    SlotReady,
    /// The edge has this weight.
    WeightSet {
        /// The weight.
        weight: Weight,
    },
    /// The judge decided.
    Judged {
        /// How.
        verdict: VerdictKind,
        /// In a sentence.
        reason: String,
    },
    /// The canary is the stable slot.
    SlotPromoted,
    /// Live state is what was wanted.
    Confirmed,
    /// The earlier stable slot answers.
    StableHealthy,
    /// The canary slot is as in the snapshot.
    SlotRestored,
    /// Live state equals the snapshot.
    Verified,
    /// The action could not be done, or its answer was no.
    Failed {
        /// Why.
        reason: String,
    },
    /// A person wants to stop.
    Interrupted,
}

/// An event that cannot happen in a state: the journal or the driver is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{event:?} cannot follow {state:?}")]
pub struct Illegal {
    /// The state.
    pub state: State,
    /// The event.
    pub event: Event,
}

impl State {
    /// What to do in this state; `None` at an end.
    pub fn action(&self, plan: &Plan) -> Option<Action> {
        Some(match self {
            Self::Snapshotting => Action::TakeSnapshot,
            Self::Preparing => Action::PrepareSlot,
            Self::Checking => Action::CheckReady,
            Self::Stepping { step } => Action::SetWeight { weight: *plan.steps.get(*step)? },
            Self::Judging { step } => Action::Judge { step: *step },
            Self::Promoting => Action::Promote,
            Self::Confirming => Action::Confirm,
            Self::Doubting { .. } => Action::CheckStable,
            Self::Aborting { .. } => Action::SetWeight { weight: Weight::ZERO },
            Self::Restoring { .. } => Action::RestoreSlot,
            Self::Verifying { .. } => Action::Verify,
            Self::Promoted | Self::RolledBack { .. } | Self::Halted { .. } | Self::Failed { .. } => {
                return None;
            }
        })
    }

    /// Whether a person may stop here: before promotion, and not while already on the way back.
    pub fn may_be_interrupted(&self) -> bool {
        matches!(
            self,
            Self::Snapshotting
                | Self::Preparing
                | Self::Checking
                | Self::Stepping { .. }
                | Self::Judging { .. }
        )
    }
}

/// The state that follows. Illegal events are rejected, never ignored.
///
/// # Errors
/// [`Illegal`] where the event cannot happen in this state.
pub fn next(plan: &Plan, state: &State, event: &Event) -> Result<State, Illegal> {
    let illegal = || Illegal { state: state.clone(), event: event.clone() };
    let enter =
        |step: usize| if step < plan.steps.len() { State::Stepping { step } } else { State::Promoting };
    let reason = match event {
        Event::Failed { reason } => reason.clone(),
        Event::Interrupted if state.may_be_interrupted() => "stopped by a person".to_owned(),
        Event::Interrupted => return Err(illegal()),
        _ => String::new(),
    };
    let stopped = matches!(event, Event::Failed { .. } | Event::Interrupted);
    Ok(match (state, event) {
        (State::Snapshotting, Event::SnapshotTaken) => State::Preparing,
        (State::Snapshotting, _) if stopped => State::Failed { reason },
        (State::Preparing, Event::SlotPrepared) => State::Checking,
        (State::Checking, Event::SlotReady) => enter(0),
        (State::Stepping { step }, Event::WeightSet { weight }) if plan.steps.get(*step) == Some(weight) => {
            State::Judging { step: *step }
        }
        (State::Judging { step }, Event::Judged { verdict: VerdictKind::Promote, .. }) => enter(step + 1),
        (State::Judging { .. }, Event::Judged { reason, .. }) => State::Aborting { reason: reason.clone() },
        (_, _) if stopped && state.may_be_interrupted() => State::Aborting { reason },
        (State::Promoting, Event::SlotPromoted) => State::Confirming,
        (State::Confirming, Event::Confirmed) => State::Promoted,
        (State::Promoting | State::Confirming, Event::Failed { .. }) => State::Doubting { reason },
        (State::Doubting { reason }, Event::StableHealthy) => State::Aborting { reason: reason.clone() },
        (State::Aborting { reason }, Event::WeightSet { weight: Weight::ZERO }) => {
            State::Restoring { reason: reason.clone() }
        }
        (State::Restoring { reason }, Event::SlotRestored) => State::Verifying { reason: reason.clone() },
        (State::Verifying { reason }, Event::Verified) => State::RolledBack { reason: reason.clone() },
        (
            State::Doubting { reason: first }
            | State::Aborting { reason: first }
            | State::Restoring { reason: first }
            | State::Verifying { reason: first },
            Event::Failed { reason },
        ) => State::Halted { reason: format!("{first}; and on the way back: {reason}") },
        _ => return Err(illegal()),
    })
}

/// The state that the events of a journal lead to.
///
/// # Errors
/// [`Illegal`] at the first event that cannot have happened.
pub fn replay<'a>(plan: &Plan, events: impl IntoIterator<Item = &'a Event>) -> Result<State, Illegal> {
    events.into_iter().try_fold(State::Snapshotting, |state, event| next(plan, &state, event))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plan(steps: &[u8]) -> Plan {
        Plan { canary: Slot::Green, steps: steps.iter().copied().map(Weight::percent).collect() }
    }

    fn promote() -> Event {
        Event::Judged { verdict: VerdictKind::Promote, reason: "no worse".into() }
    }

    #[test]
    fn a_good_release_goes_through_all_steps() {
        let plan = plan(&[5, 100]);
        let events = [
            Event::SnapshotTaken,
            Event::SlotPrepared,
            Event::SlotReady,
            Event::WeightSet { weight: Weight::percent(5) },
            promote(),
            Event::WeightSet { weight: Weight::FULL },
            promote(),
            Event::SlotPromoted,
            Event::Confirmed,
        ];
        assert_eq!(replay(&plan, &events), Ok(State::Promoted));
    }

    #[test]
    fn a_bad_verdict_takes_users_off_before_anything_else() {
        let plan = plan(&[5, 100]);
        let abort = Event::Judged { verdict: VerdictKind::Abort, reason: "worse".into() };
        let state = next(&plan, &State::Judging { step: 0 }, &abort).expect("legal");
        assert_eq!(state.action(&plan), Some(Action::SetWeight { weight: Weight::ZERO }));
    }

    #[test]
    fn a_failed_promotion_halts_where_stable_is_sick() {
        let failed = || Event::Failed { reason: "no answer".into() };
        let doubting = next(&plan(&[]), &State::Promoting, &failed()).expect("legal");
        assert!(matches!(next(&plan(&[]), &doubting, &failed()), Ok(State::Halted { .. })));
        assert!(matches!(next(&plan(&[]), &doubting, &Event::StableHealthy), Ok(State::Aborting { .. })));
    }

    fn any_event() -> impl Strategy<Value = Event> {
        prop_oneof![
            Just(Event::SnapshotTaken),
            Just(Event::SlotPrepared),
            Just(Event::SlotReady),
            prop_oneof![Just(0u8), Just(5), Just(25), Just(100)]
                .prop_map(|p| Event::WeightSet { weight: Weight::percent(p) }),
            prop_oneof![
                Just(VerdictKind::Promote),
                Just(VerdictKind::Abort),
                Just(VerdictKind::Inconclusive)
            ]
            .prop_map(|verdict| Event::Judged { verdict, reason: "because".into() }),
            Just(Event::SlotPromoted),
            Just(Event::Confirmed),
            Just(Event::StableHealthy),
            Just(Event::SlotRestored),
            Just(Event::Verified),
            Just(Event::Failed { reason: "broken".into() }),
            Just(Event::Interrupted),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn no_sequence_of_events_breaks_an_invariant(events in prop::collection::vec(any_event(), 0..60)) {
            let plan = plan(&[5, 25, 100]);
            let (mut state, mut weight) = (State::Snapshotting, Weight::ZERO);
            let (mut snapshot, mut ready, mut judged) = (false, false, true);
            for event in events {
                let before = state.clone();
                let Ok(after) = next(&plan, &before, &event) else { continue };
                match &event {
                    Event::SnapshotTaken => snapshot = true,
                    Event::SlotReady => ready = true,
                    Event::Judged { verdict: VerdictKind::Promote, .. } => judged = true,
                    Event::WeightSet { weight: now } => weight = *now,
                    _ => {}
                }
                state = after;
                match state.action(&plan) {
                    Some(Action::TakeSnapshot) | None => {}
                    Some(action) => {
                        prop_assert!(snapshot, "{action:?} before the snapshot");
                        if let Action::SetWeight { weight: wanted } = action && wanted > weight {
                            prop_assert!(ready, "users on a slot that was never ready");
                            prop_assert!(judged, "the weight rises without a verdict");
                            judged = false;
                        }
                        if action == Action::Promote {
                            prop_assert!(ready && judged && weight == Weight::FULL, "promoted unjudged");
                        }
                        if action == Action::RestoreSlot {
                            prop_assert_eq!(weight, Weight::ZERO, "the slot is changed under its users");
                        }
                    }
                }
                if matches!(state, State::RolledBack { .. }) {
                    prop_assert_eq!(&event, &Event::Verified);
                }
                if matches!(state, State::Promoted) {
                    prop_assert_eq!(&event, &Event::Confirmed);
                }
            }
        }

        #[test]
        fn every_state_survives_the_journal(events in prop::collection::vec(any_event(), 0..60)) {
            let plan = plan(&[5, 100]);
            let mut state = State::Snapshotting;
            let mut journal = Vec::new();
            for event in events {
                if let Ok(after) = next(&plan, &state, &event) {
                    state = after;
                    journal.push(serde_json::to_string(&event).expect("serialises"));
                }
            }
            let read: Vec<Event> = journal.iter().map(|e| serde_json::from_str(e).expect("reads")).collect();
            prop_assert_eq!(replay(&plan, &read), Ok(state));
        }
    }
}
