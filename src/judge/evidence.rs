//! The sequential test on the canary's share of errors.
//!
//! Setting: an error is on the canary with probability `t`, the canary's share of requests, if the canary fails as
//! often as stable does. Of `n` errors, `x` were on the canary. The evidence against "no more than `t`" is
//! the likelihood ratio of a Beta(1,1) mixture over shares above `t` to the share `t` itself:
//!
//! `ln E = ln B(a+x, b+n-x) - ln B(a,b) + ln[1 - I(t; a+x, b+n-x)] - ln[1 - I(t; a,b)] - x ln t - (n-x) ln(1-t)`
//!
//! `E` is a non-negative martingale of mean 1 under "exactly `t`" and a supermartingale below it, so by Ville's inequality
//! it ever exceeds `1/alpha` with probability at most `alpha`. Sources: Lindon, Sanden and Shirikian, "Rapid regression
//! detection in software deployments through sequential testing", KDD 2022; Howard and Ramdas, "Sequential estimation of
//! quantiles with applications to A/B testing and best-arm identification", Bernoulli 2022, for the mixture.
//!
//! `I` is the regularised incomplete beta function. Where its tail underflows, its logarithm is bounded from below by its
//! series' first term, which only makes the evidence smaller: the bound on false alarms still holds.

use statrs::function::beta::{beta_reg, ln_beta};

/// Parameters of the mixing prior: uniform over the shares in question.
const A: f64 = 1.0;
const B: f64 = 1.0;

/// Logarithm of `I(t; a, b)`, never above its true value by more than rounding.
fn ln_lower(t: f64, a: f64, b: f64) -> f64 {
    let direct = beta_reg(a, b, t);
    if direct > 1e-280 {
        return direct.ln();
    }
    // I(t;a,b) = t^a (1-t)^b / (a B(a,b)) * (1 + ...), all terms positive (DLMF 8.17.8 with 8.17.22).
    a * t.ln() + b * (-t).ln_1p() - a.ln() - ln_beta(a, b)
}

/// Logarithm of `1 - I(t; a, b) = I(1-t; b, a)`.
fn ln_upper(t: f64, a: f64, b: f64) -> f64 {
    ln_lower(1.0 - t, b, a)
}

/// Evidence that errors fall on the canary more often than its share `t` of requests explains.
///
/// `x` of `n` errors were on the canary; `0 < t < 1`. Returns `ln E`; 0 where nothing can be said.
pub fn ln_evidence_of_more(x: u64, n: u64, t: f64) -> f64 {
    if n == 0 || x > n || !(t > 0.0 && t < 1.0) {
        return 0.0;
    }
    let (hits, misses) = (x as f64, (n - x) as f64);
    let (a, b) = (A + hits, B + misses);
    ln_beta(a, b) - ln_beta(A, B) + ln_upper(t, a, b)
        - ln_upper(t, A, B)
        - hits * t.ln()
        - misses * (-t).ln_1p()
}

/// Evidence that errors fall on the canary less often than they would if it failed `ratio` times as often as stable:
/// the mirror test, against the share `r t / (r t + 1 - t)`.
///
/// Returns `ln E`; 0 where nothing can be said.
pub fn ln_evidence_of_fewer(x: u64, n: u64, t: f64, ratio: f64) -> f64 {
    if n == 0 || x > n || !(t > 0.0 && t < 1.0) || ratio <= 1.0 {
        return 0.0;
    }
    let bad = ratio * t / (ratio * t + 1.0 - t);
    // Fewer on the canary is more on stable.
    ln_evidence_of_more(n - x, n, 1.0 - bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reference values: for a = b = 1 the formula is `ln( integral_t^1 p^x (1-p)^(n-x) dp / ((1-t) t^x (1-t)^(n-x)) )`;
    /// here the integral is done by Simpson's rule with 200 000 intervals.
    fn by_integration(x: u64, n: u64, t: f64) -> f64 {
        let steps = 200_000;
        let width = (1.0 - t) / f64::from(steps);
        let log_null = x as f64 * t.ln() + (n - x) as f64 * (1.0 - t).ln();
        let f = |p: f64| {
            let misses = if n == x { 0.0 } else { (n - x) as f64 * (1.0 - p).ln() };
            (x as f64 * p.ln() + misses - log_null).exp()
        };
        let mut sum = f(t) + f(1.0 - 1e-15);
        for i in 1..steps {
            let p = t + width * f64::from(i);
            sum += f(p) * if i % 2 == 1 { 4.0 } else { 2.0 };
        }
        (sum * width / 3.0 / (1.0 - t)).ln()
    }

    #[test]
    fn the_closed_form_equals_the_integral() {
        for (x, n, t) in
            [(0, 1, 0.05), (1, 1, 0.05), (3, 4, 0.25), (10, 40, 0.25), (2, 100, 0.05), (9, 9, 0.5)]
        {
            let (closed, integral) = (ln_evidence_of_more(x, n, t), by_integration(x, n, t));
            assert!((closed - integral).abs() < 1e-6, "{x}/{n} at {t}: {closed} against {integral}");
        }
    }

    #[test]
    fn a_value_that_can_be_checked_by_hand() {
        // One error, on the canary, at t = 1/2: (integral of p from 1/2 to 1) / (1/2 * 1/2) = (3/8) / (1/4) = 3/2.
        assert!((ln_evidence_of_more(1, 1, 0.5) - 1.5f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn evidence_grows_with_every_error_on_the_canary_and_stays_finite() {
        let mut before = 0.0;
        for n in 1..2000 {
            let now = ln_evidence_of_more(n, n, 0.05);
            assert!(now > before && now.is_finite(), "{n}: {now}");
            before = now;
        }
        assert!(ln_evidence_of_more(0, 1_000_000, 0.5).is_finite());
        assert!(ln_evidence_of_more(0, 1_000_000, 0.5) < -10.0);
        assert!(ln_evidence_of_fewer(0, 400, 0.5, 1.5) > 20.0);
    }

    #[test]
    fn nothing_seen_says_nothing() {
        assert!(ln_evidence_of_more(0, 0, 0.5).abs() < f64::EPSILON);
        assert!(ln_evidence_of_more(5, 10, 1.0).abs() < f64::EPSILON);
    }
}
