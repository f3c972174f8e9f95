//! What state the data points of an alarm mean.
//!
//! Source: CloudWatch user guide, "Evaluating an alarm" and "Configuring how CloudWatch alarms treat missing data", whose
//! tables are the tests. Pure.

use super::State;

/// How many more periods than those to be evaluated are looked at where some have no data. CloudWatch does not publish the
/// number, which is 2 in its examples.
pub(super) const EXTRA: usize = 2;

/// How periods without data count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Treat {
    Missing,
    Ignore,
    Breaching,
    NotBreaching,
}

impl Treat {
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "missing" => Self::Missing,
            "ignore" => Self::Ignore,
            "breaching" => Self::Breaching,
            "notBreaching" => Self::NotBreaching,
            _ => return None,
        })
    }
}

/// Judges periods, the oldest first: `Some(true)` is over the threshold, `None` has no data. Of `n` periods `m` have to be
/// over it. `None` is an alarm that stays as it is.
pub(super) fn judge(range: &[Option<bool>], m: usize, n: usize, missing: Treat) -> Option<State> {
    // Real data points, the newest first, with their age in periods.
    let real: Vec<(usize, bool)> = range
        .iter()
        .rev()
        .enumerate()
        .filter_map(|(age, point)| Some((age + 1, (*point)?)))
        .take(n)
        .collect();
    let breaching = real.iter().filter(|(_, bad)| *bad).count();
    let unknown = n - real.len();
    if breaching >= m {
        return Some(State::Alarm);
    }
    if unknown == 0 {
        return Some(State::Ok);
    }
    match missing {
        Treat::Breaching if breaching + unknown >= m => Some(State::Alarm),
        Treat::Breaching | Treat::NotBreaching => Some(State::Ok),
        Treat::Ignore if real.is_empty() => None,
        Treat::Missing if real.is_empty() => Some(State::InsufficientData),
        // Some data point is good, and too few are not.
        _ if real.iter().any(|(_, bad)| !bad) => Some(State::Ok),
        Treat::Ignore => None,
        // All there is is bad. The alarm waits until the oldest is old enough, lest the next one is good again.
        Treat::Missing => real.last().filter(|(age, _)| *age >= m).map(|_| State::Alarm),
    }
}

/// Whether a value is over, or under, a threshold; `None` for a comparison that there is not.
pub(super) fn breaches(comparison: &str, value: f64, threshold: f64) -> Option<bool> {
    Some(match comparison {
        "GreaterThanThreshold" => value > threshold,
        "GreaterThanOrEqualToThreshold" => value >= threshold,
        "LessThanThreshold" => value < threshold,
        "LessThanOrEqualToThreshold" => value <= threshold,
        _ => return None,
    })
}

/// The same in words.
pub(super) fn words(comparison: &str) -> &'static str {
    match comparison {
        "GreaterThanThreshold" => "greater than",
        "GreaterThanOrEqualToThreshold" => "greater than or equal to",
        "LessThanThreshold" => "less than",
        _ => "less than or equal to",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALARM: Option<State> = Some(State::Alarm);
    const OK: Option<State> = Some(State::Ok);
    const DARK: Option<State> = Some(State::InsufficientData);
    const STAYS: Option<State> = None;

    /// Rows of the guide's tables: 0 is not breaching, X breaching, - missing; then missing, ignore, breaching, notBreaching.
    type Row = (&'static str, [Option<State>; 4]);

    fn hold(m: usize, rows: &[Row]) {
        for (text, expected) in rows {
            let points: Vec<Option<bool>> =
                text.bytes().filter(|b| *b != b' ').map(|b| (b != b'-').then_some(b == b'X')).collect();
            let ways = [Treat::Missing, Treat::Ignore, Treat::Breaching, Treat::NotBreaching];
            for (missing, expected) in ways.into_iter().zip(expected) {
                assert_eq!(judge(&points, m, 3, missing), *expected, "{m} of 3, {text}, {missing:?}");
            }
        }
    }

    #[test]
    fn three_of_three() {
        hold(
            3,
            &[
                ("0 - X - X", [OK, OK, OK, OK]),
                ("- - - - 0", [OK, OK, OK, OK]),
                ("- - - - -", [DARK, STAYS, ALARM, OK]),
                ("0 X X - X", [ALARM, ALARM, ALARM, ALARM]),
                ("- - X - -", [ALARM, STAYS, ALARM, OK]),
                // Premature: the next point may be a good one.
                ("- - - - X", [STAYS, STAYS, ALARM, OK]),
                ("- - - X -", [STAYS, STAYS, ALARM, OK]),
            ],
        );
    }

    #[test]
    fn two_of_three() {
        hold(
            2,
            &[
                ("0 - X - X", [ALARM, ALARM, ALARM, ALARM]),
                ("0 0 X 0 X", [ALARM, ALARM, ALARM, ALARM]),
                ("0 - X - -", [OK, OK, ALARM, OK]),
                ("- - - - 0", [OK, OK, ALARM, OK]),
                ("- - - X -", [ALARM, STAYS, ALARM, OK]),
                ("X X 0 0 0", [OK, OK, OK, OK]),
            ],
        );
    }

    #[test]
    fn comparisons_are_as_they_are_called() {
        for (comparison, of_two) in [
            ("GreaterThanThreshold", [false, false, true]),
            ("GreaterThanOrEqualToThreshold", [false, true, true]),
            ("LessThanThreshold", [true, false, false]),
            ("LessThanOrEqualToThreshold", [true, true, false]),
        ] {
            let found = [1.0, 2.0, 3.0].map(|value| breaches(comparison, value, 2.0) == Some(true));
            assert_eq!(found, of_two, "{comparison}");
        }
    }
}
