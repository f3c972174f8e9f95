//! The judge of one rollout: streams of counts over its steps, and the verdict so far.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ln_evidence_of_fewer, ln_evidence_of_more};

/// Requests of one slot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All.
    pub total: u64,
    /// Of these, failed by the server's fault.
    pub errors: u64,
}

impl Counts {
    fn plus(self, other: Self) -> Self {
        Self { total: self.total + other.total, errors: self.errors + other.errors }
    }
}

/// An independent source of measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// What users sent.
    Users,
    /// Paired requests made by the rollout itself.
    Probes,
}

/// What both slots served in one step, counted from its start.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Where it was counted.
    pub stream: Stream,
    /// Index of the step.
    pub step: usize,
    /// The canary's share of requests as it was set, 0 to 1: the weight for users, one half for probes.
    pub share: f64,
    /// The stable slot.
    pub stable: Counts,
    /// The canary slot.
    pub canary: Counts,
}

/// What a verdict rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Evidence of more errors over all streams and steps, as a factor `E`; capped at 1e12 for printing.
    pub worse: f64,
    /// Abort at this factor: `1 / false_alarm`.
    pub threshold: f64,
    /// Evidence that the canary is not much worse (the mirror test), as a factor.
    pub fine: f64,
    /// Both streams at this step, the stable slot.
    pub stable: Counts,
    /// Both streams at this step, the canary slot.
    pub canary: Counts,
}

/// The verdict so far.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Go on to the next step.
    Promote {
        /// Why.
        reason: String,
    },
    /// Put users back.
    Abort {
        /// Why.
        reason: String,
    },
    /// Too early to tell.
    Continue,
}

/// Judges one rollout.
#[derive(Debug, Clone)]
pub struct Judge {
    false_alarm: f64,
    error_budget: f64,
    latest: BTreeMap<(usize, Stream), Measurement>,
}

/// Rate ratio that the mirror test rules out: half as many failures again as stable.
const TOLERATED_RATIO: f64 = 1.5;

/// Confidence in "within the error budget" that promotes a clean canary.
const CLEAN: f64 = 0.95;

impl Judge {
    /// A judge that aborts a good release with probability at most `false_alarm` over the whole rollout.
    /// `availability` is the objective in percent, whose complement is the error budget.
    pub fn new(false_alarm: f64, availability: f64) -> Self {
        Self { false_alarm, error_budget: (1.0 - availability / 100.0).max(1e-6), latest: BTreeMap::new() }
    }

    /// Takes the latest counts of one stream at one step; they replace earlier ones of the same stream and step.
    pub fn observe(&mut self, measurement: &Measurement) {
        self.latest.insert((measurement.step, measurement.stream), *measurement);
    }

    /// Both streams at one step: stable, canary.
    fn at(&self, step: usize) -> (Counts, Counts) {
        let mut sum = (Counts::default(), Counts::default());
        for m in self.latest.values().filter(|m| m.step == step) {
            sum.0 = sum.0.plus(m.stable);
            sum.1 = sum.1.plus(m.canary);
        }
        sum
    }

    /// What there is to decide on at a step.
    ///
    /// Under equal failure rates an error is on the canary with the probability that its request was, which is the share
    /// as it was set where viewers are assigned at random. A viewer who stays where it is and sends much shifts that, so
    /// the larger of the set and the realised share counts against the canary, and the smaller for it: the false-alarm
    /// bound holds either way. Streams and steps are independent, so their evidences multiply.
    pub fn evidence(&self, step: usize) -> Evidence {
        let (mut worse, mut fine) = (0.0, 0.0);
        for m in self.latest.values() {
            let requests = m.stable.total + m.canary.total;
            if requests == 0 {
                continue;
            }
            let realised = m.canary.total as f64 / requests as f64;
            let errors = m.stable.errors + m.canary.errors;
            worse += ln_evidence_of_more(m.canary.errors, errors, m.share.max(realised));
            fine += ln_evidence_of_fewer(m.canary.errors, errors, m.share.min(realised), TOLERATED_RATIO);
        }
        let (stable, canary) = self.at(step);
        let factor = |ln: f64| ln.min(1e12f64.ln()).exp();
        Evidence {
            worse: factor(worse),
            threshold: 1.0 / self.false_alarm,
            fine: factor(fine),
            stable,
            canary,
        }
    }

    /// The verdict on a step. `alone` says that no stable slot serves users at this step (the canary has them all),
    /// so that only probes can compare.
    pub fn verdict(&self, step: usize) -> Verdict {
        let evidence = self.evidence(step);
        let (stable, canary) = (evidence.stable, evidence.canary);
        if evidence.worse >= evidence.threshold {
            return Verdict::Abort {
                reason: format!(
                    "the canary fails more: {} of {} requests against {} of {} on stable, probes included (evidence {:.0}, limit {:.0})",
                    canary.errors,
                    canary.total,
                    stable.errors,
                    stable.total,
                    evidence.worse,
                    evidence.threshold
                ),
            };
        }
        if let Some(reason) = self.hopeless(canary) {
            return Verdict::Abort { reason };
        }
        if evidence.fine >= evidence.threshold && canary.total >= 20 {
            return Verdict::Promote {
                reason: format!("the canary fails less than {TOLERATED_RATIO} times as often as stable"),
            };
        }
        if self.within_budget(canary) {
            return Verdict::Promote {
                reason: format!(
                    "{} of {} canary requests failed, within the error budget",
                    canary.errors, canary.total
                ),
            };
        }
        Verdict::Continue
    }

    /// The verdict when the longest wait of a step is over: promote only what was seen enough and is within its
    /// budget or no worse than stable by count; `None` is inconclusive.
    pub fn at_end_of_bake(&self, step: usize) -> Option<Verdict> {
        match self.verdict(step) {
            Verdict::Continue => {}
            decided => return Some(decided),
        }
        let evidence = self.evidence(step);
        let (stable, canary) = (evidence.stable, evidence.canary);
        let rate = |c: Counts| c.errors as f64 / (c.total.max(1)) as f64;
        let seen_enough = canary.total >= ENOUGH;
        let acceptable =
            rate(canary) <= self.error_budget || (stable.total >= ENOUGH && rate(canary) <= rate(stable));
        (seen_enough && acceptable).then(|| Verdict::Promote {
            reason: format!(
                "no sign of more failures in the whole bake: {} of {} against {} of {} on stable",
                canary.errors, canary.total, stable.errors, stable.total
            ),
        })
    }

    /// Without anything to compare with, a canary that fails far beyond its budget is still caught: evidence of
    /// a failure rate above ten times the budget (at least 10 %), by the same test with the rate as the share.
    fn hopeless(&self, canary: Counts) -> Option<String> {
        let limit = (10.0 * self.error_budget).clamp(0.1, 0.5);
        // Its own false alarms come on top only for a release that fails a tenth of its requests: not a good one.
        let evidence = ln_evidence_of_more(canary.errors, canary.total, limit);
        (evidence >= (1.0 / self.false_alarm).ln() && self.stable_is_better(canary)).then(|| {
            format!(
                "the canary fails {} of {} requests, far beyond its error budget",
                canary.errors, canary.total
            )
        })
    }

    /// Whether stable, over the whole rollout, failed less than half as often; a broken dependency breaks both.
    fn stable_is_better(&self, canary: Counts) -> bool {
        let stable = self.latest.values().fold(Counts::default(), |sum, m| sum.plus(m.stable));
        let rate = |c: Counts| c.errors as f64 / c.total.max(1) as f64;
        stable.total >= ENOUGH && rate(stable) * 2.0 < rate(canary)
    }

    /// Whether the failure rate is below twice the budget with [`CLEAN`] confidence at any moment: the sequential
    /// test of "at least that" against less, with the rate as the share. With a budget of 0.1 % that takes about 3000
    /// clean requests, fewer with a looser objective.
    fn within_budget(&self, canary: Counts) -> bool {
        let limit = (2.0 * self.error_budget).min(0.5);
        let good = canary.total.saturating_sub(canary.errors);
        ln_evidence_of_more(good, canary.total, 1.0 - limit) >= (1.0 / (1.0 - CLEAN)).ln()
    }
}

/// Fewest canary requests that the end of a bake can promote on.
const ENOUGH: u64 = 20;

#[cfg(test)]
mod tests {
    use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

    use super::*;

    /// Plays one step after another, looking after every request, and returns whether the judge aborted and after
    /// how many canary requests.
    fn play(rng: &mut StdRng, stable_rate: f64, canary_rate: f64, per_step: u64) -> Option<u64> {
        let mut judge = Judge::new(0.05, 99.9);
        let mut served = 0;
        for (step, share) in [0.05, 0.25, 0.5].into_iter().enumerate() {
            let (mut stable, mut canary) = (Counts::default(), Counts::default());
            for _ in 0..per_step {
                let on_canary = rng.random_bool(share);
                let (counts, rate) =
                    if on_canary { (&mut canary, canary_rate) } else { (&mut stable, stable_rate) };
                counts.total += 1;
                counts.errors += u64::from(rng.random_bool(rate));
                served += u64::from(on_canary);
                judge.observe(&Measurement { stream: Stream::Users, step, share, stable, canary });
                if matches!(judge.verdict(step), Verdict::Abort { .. }) {
                    return Some(served);
                }
            }
        }
        None
    }

    #[test]
    fn a_good_release_is_aborted_no_more_often_than_stated() {
        let mut rng = StdRng::seed_from_u64(7);
        let rollouts = 200;
        for rate in [0.005, 0.05] {
            let aborted = (0..rollouts).filter(|_| play(&mut rng, rate, rate, 250).is_some()).count();
            // 5 % of 200 is 10; three standard deviations above are 19.
            assert!(aborted <= 19, "{aborted} of {rollouts} good releases aborted at rate {rate}");
        }
    }

    #[test]
    fn a_release_that_fails_a_fifth_of_its_requests_is_caught_soon() {
        let mut rng = StdRng::seed_from_u64(8);
        let mut needed: Vec<u64> =
            (0..200).map(|_| play(&mut rng, 0.001, 0.2, 2000).expect("is caught")).collect();
        needed.sort_unstable();
        assert!(needed[100] <= 20, "median {} canary requests", needed[100]);
    }

    #[test]
    fn a_fault_that_both_slots_share_is_not_the_releases_fault() {
        let mut judge = Judge::new(0.05, 99.9);
        let both = |total, errors| Counts { total, errors };
        judge.observe(&Measurement {
            stream: Stream::Users,
            step: 0,
            share: 0.1,
            stable: both(900, 450),
            canary: both(100, 50),
        });
        assert_eq!(judge.verdict(0), Verdict::Continue);
    }

    #[test]
    fn a_clean_canary_is_promoted_before_the_bake_is_over_and_a_silent_one_is_inconclusive() {
        let mut judge = Judge::new(0.05, 99.9);
        assert_eq!(judge.verdict(0), Verdict::Continue);
        assert_eq!(judge.at_end_of_bake(0), None);
        let clean = |total| Counts { total, errors: 0 };
        judge.observe(&Measurement {
            stream: Stream::Users,
            step: 0,
            share: 0.05,
            stable: clean(500),
            canary: clean(25),
        });
        assert_eq!(judge.verdict(0), Verdict::Continue);
        assert!(matches!(judge.at_end_of_bake(0), Some(Verdict::Promote { .. })));
        judge.observe(&Measurement {
            stream: Stream::Users,
            step: 0,
            share: 0.1,
            stable: clean(9000),
            canary: clean(4000),
        });
        assert!(matches!(judge.verdict(0), Verdict::Promote { .. }));
    }

    #[test]
    fn a_few_failures_do_not_pass_at_the_end_of_the_bake() {
        let mut judge = Judge::new(0.05, 99.9);
        let stable = Counts { total: 500, errors: 0 };
        judge.observe(&Measurement {
            stream: Stream::Users,
            step: 0,
            share: 0.1,
            stable,
            canary: Counts { total: 400, errors: 1 },
        });
        assert_eq!(judge.at_end_of_bake(0), None);
    }
}
