//! One step of a rollout under the judge's eyes: measure, ask, wait, until there is a verdict.

use std::time::Duration;

use crate::{
    judge::{Counts, Judge, Measurement, Stream, Verdict},
    rollout::{SlotState, VerdictKind, Weight},
    spec::types::Probe,
};

use super::{
    Event, Reporter,
    drive::RolloutSettings,
    ports::{PortError, Ports},
};

/// Longest wait for the answer to a probe.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// Time between two looks: often enough for forty in a bake, so that probes alone can tell, within these bounds.
const TICK: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));
const LOOKS: u32 = 40;

/// Fewest looks of a bake: on a machine that is too slow for the bake, probes must still be enough to tell.
const FEWEST_LOOKS: u32 = 25;

/// One step.
pub(super) struct Step<'a> {
    pub ports: &'a Ports,
    pub reporter: &'a dyn Reporter,
    pub settings: &'a RolloutSettings,
    pub index: usize,
    pub weight: Weight,
    pub stable: &'a SlotState,
    pub canary: &'a SlotState,
}

/// How a step was decided.
pub(super) struct Decision {
    pub verdict: VerdictKind,
    pub reason: String,
}

impl Step<'_> {
    /// Watches until the judge decides. A bake that ends without a verdict is extended once.
    pub async fn judged(&self, judge: &mut Judge) -> Result<Decision, PortError> {
        let clock = &self.ports.clock;
        let began = clock.now();
        // Metrics come in whole periods; the first that lies wholly after the weight was set is the first to count.
        let period = self.ports.metrics.resolution().as_secs_f64().max(1.0);
        let since = (began / period).ceil() * period;
        let bake = self.settings.bake.as_secs_f64();
        let mut deadline = began + bake;
        let mut extended = false;
        let mut probes = (Counts::default(), Counts::default());
        let mut looks = 0;
        loop {
            looks += 1;
            clock.sleep((self.settings.bake / LOOKS).clamp(TICK.0, TICK.1)).await;
            self.probe(&mut probes).await;
            judge.observe(&self.measurement(Stream::Probes, probes.0, probes.1));
            let now = clock.now();
            let read = tokio::try_join!(
                self.ports.metrics.requests(self.stable, since),
                self.ports.metrics.requests(self.canary, since),
            );
            let (stable_p99_ms, canary_p99_ms) = match read {
                Ok((stable, canary)) => {
                    let counts =
                        |r: super::ports::Requests| Counts { total: r.total, errors: r.errors.min(r.total) };
                    judge.observe(&self.measurement(
                        Stream::Users,
                        less(counts(stable), probes.0),
                        less(counts(canary), probes.1),
                    ));
                    (stable.p99_ms, canary.p99_ms)
                }
                // Metrics that are late are waited for, as long as the bake lasts.
                Err(error) if error.is_transient() && now < deadline => (None, None),
                Err(error) => return Err(error),
            };
            let evidence = judge.evidence(self.index);
            let left_seconds = (deadline - now).max(0.0);
            self.reporter.report(
                now,
                &Event::Measured {
                    step: self.index,
                    weight: self.weight,
                    evidence,
                    stable_p99_ms,
                    canary_p99_ms,
                    left_seconds,
                },
            );
            let verdict = if now < deadline || looks < FEWEST_LOOKS {
                Some(judge.verdict(self.index))
            } else {
                judge.at_end_of_bake(self.index)
            };
            match verdict {
                Some(Verdict::Promote { reason }) => {
                    return Ok(Decision { verdict: VerdictKind::Promote, reason });
                }
                Some(Verdict::Abort { reason }) => {
                    return Ok(Decision { verdict: VerdictKind::Abort, reason });
                }
                Some(Verdict::Continue) => {}
                None if !extended => {
                    extended = true;
                    deadline = now + bake;
                }
                None => {
                    let evidence = judge.evidence(self.index);
                    return Ok(Decision {
                        verdict: VerdictKind::Inconclusive,
                        reason: format!(
                            "too little was seen to tell: {} canary requests, {} failed; users stay on the stable release",
                            evidence.canary.total, evidence.canary.errors
                        ),
                    });
                }
            }
        }
    }

    fn measurement(&self, stream: Stream, stable: Counts, canary: Counts) -> Measurement {
        let share = match stream {
            Stream::Users => self.weight.share(),
            // Each probe is asked of both.
            Stream::Probes => 0.5,
        };
        Measurement { stream, step: self.index, share, stable, canary }
    }

    /// Asks both slots the same, at the same time.
    async fn probe(&self, counts: &mut (Counts, Counts)) {
        for probe in &self.settings.probes {
            let (stable, canary) = tokio::join!(self.ask(self.stable, probe), self.ask(self.canary, probe));
            for (count, failed) in [(&mut counts.0, stable), (&mut counts.1, canary)] {
                count.total += 1;
                count.errors += u64::from(failed);
            }
        }
    }

    /// Whether a probe failed by the server's fault.
    async fn ask(&self, slot: &SlotState, probe: &Probe) -> bool {
        !matches!(self.ports.prober.get(&slot.host, &probe.path, PROBE_TIMEOUT).await, Ok(status) if status < 500)
    }
}

/// The slot's own metrics count probes too; what is left are users. Probes of the last, incomplete period may not be in them
/// yet, which makes the user count a little too small and never too large.
fn less(all: Counts, probes: Counts) -> Counts {
    let total = all.total.saturating_sub(probes.total);
    Counts { total, errors: all.errors.saturating_sub(probes.errors).min(total) }
}
