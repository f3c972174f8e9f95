//! The background: every second each alarm is held against its data.
//!
//! Periods are counted back from the end of the last whole one; those of more than a minute roll on by the minute. Source:
//! CloudWatch user guide, "Evaluating an alarm".

use std::collections::BTreeMap;

use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Iso8601, macros::format_description};

use super::{
    super::{CloudWatch, lock, math::Line, query, stat::Metric, stat::Stat, store::Store, store::Window},
    Alarm, Alarms, State, Turn, judge, rule,
};

/// Seconds of one period.
pub(super) fn period(alarm: &Alarm) -> i64 {
    let metrics =
        alarm.config.get("Metrics").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let inner = |one: &Value| one["MetricStat"]["Period"].as_i64().or_else(|| one["Period"].as_i64());
    let own = alarm.config.get("Period").and_then(Value::as_i64);
    own.or_else(|| metrics.iter().filter_map(inner).max()).unwrap_or(60)
}

/// What a metric alarm's data say.
struct Seen {
    /// Data of each period, the oldest first.
    points: Vec<(i64, Option<f64>)>,
    /// The time that is looked at.
    end: i64,
}

fn look(alarm: &Alarm, store: &Store, now: f64) -> Result<Seen, String> {
    let period = period(alarm);
    let step = alarm.step();
    let end = (now.floor() as i64).div_euclid(step) * step;
    let count = alarm.number("EvaluationPeriods").unwrap_or(1.0) as i64 + judge::EXTRA as i64;
    let start = end - count * period;
    let line: Line = match alarm.config.get("Metrics").and_then(Value::as_array) {
        Some(metrics) => {
            let queries = query::all(metrics).map_err(|error| error.message)?;
            let window = |period: i64| Window { period, start, end, origin: start };
            let found = query::run(store, &queries, &window).map_err(|error| error.message)?;
            found.into_iter().next().map(|found| found.line).unwrap_or_default()
        }
        None => {
            let input = Value::Object(alarm.config.clone());
            let namespace = alarm.text("Namespace").unwrap_or_default();
            let metric = Metric::of(namespace, &input).map_err(|error| error.message)?;
            let name = alarm.text("Statistic").or_else(|| alarm.text("ExtendedStatistic"));
            let stat = Stat::required(name.unwrap_or_default()).map_err(|error| error.message)?;
            store.values(&metric, alarm.text("Unit"), stat, Window { period, start, end, origin: start })
        }
    };
    let times = (0..count).map(|n| start + n * period);
    Ok(Seen { points: times.map(|at| (at, line.get(&at).copied())).collect(), end })
}

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// The state that the data mean, where it is another one.
fn turned(alarm: &Alarm, seen: &Seen, now: f64) -> Option<Turn> {
    let n = alarm.number("EvaluationPeriods")? as usize;
    let m = alarm.number("DatapointsToAlarm").map_or(n, |m| m as usize);
    let threshold = alarm.number("Threshold")?;
    let comparison = alarm.text("ComparisonOperator")?;
    let missing = alarm.text("TreatMissingData").and_then(judge::Treat::of).unwrap_or(judge::Treat::Missing);
    let range: Vec<Option<bool>> =
        seen.points.iter().map(|(_, value)| judge::breaches(comparison, (*value)?, threshold)).collect();
    let state = judge::judge(&range, m, n, missing).filter(|state| *state != alarm.state)?;
    // What is told are the newest real data points that were evaluated, the newest first.
    let recent: Vec<(i64, f64)> =
        seen.points.iter().rev().filter_map(|(at, value)| Some((*at, (*value)?))).take(n).collect();
    let word = judge::words(comparison);
    let count = |count: usize| format!("{count} datapoint{}", if count == 1 { "" } else { "s" });
    let form = format_description!("[day]/[month]/[year repr:last_two] [hour]:[minute]:[second]");
    let list: Vec<String> = recent
        .iter()
        .map(|(time, value)| format!("{value:?} ({})", at(*time).format(&form).unwrap_or_default()))
        .collect();
    let reason = match state {
        State::InsufficientData => {
            format!("Insufficient Data: {} {} unknown.", count(n), if n == 1 { "was" } else { "were" })
        }
        _ if recent.is_empty() => {
            let as_what = if state == State::Alarm { "Breaching" } else { "NonBreaching" };
            format!(
                "Threshold Crossed: no datapoints were received for {n} period{} and {n} missing datapoint{} treated as [{as_what}].",
                if n == 1 { "" } else { "s" },
                if n == 1 { " was" } else { "s were" }
            )
        }
        _ => {
            let not = if state == State::Alarm { "" } else { "not " };
            let were = if recent.len() == 1 { "was" } else { "were" };
            format!(
                "Threshold Crossed: {} [{}] {were} {not}{word} the threshold ({threshold:?}).",
                count(recent.len()),
                list.join(", ")
            )
        }
    };
    let iso = |seconds: i64| at(seconds).format(&Iso8601::DEFAULT).unwrap_or_default();
    let oldest = seen.points.iter().rev().nth(n.saturating_sub(1)).map_or(seen.end, |(at, _)| *at);
    let data = json!({
        "version": "1.0",
        "queryDate": iso(now as i64),
        "startDate": iso(recent.last().map_or(oldest, |(at, _)| *at)),
        "statistic": alarm.text("Statistic").or_else(|| alarm.text("ExtendedStatistic")),
        "period": period(alarm),
        "recentDatapoints": recent.iter().rev().map(|(_, value)| *value).collect::<Vec<_>>(),
        "threshold": threshold,
    });
    // Both have a most length. Source: CloudWatch API reference, `MetricAlarm`.
    let short: String = reason.chars().take(1023).collect();
    let data = Some(data.to_string()).filter(|data| data.len() <= 4000);
    Some(Turn { state, reason: short, data, held: 0.0 })
}

/// The state that a rule means, where it is another one.
fn turned_by_rule(name: &str, alarm: &Alarm, states: &BTreeMap<String, State>) -> Option<Turn> {
    let text = alarm.text("AlarmRule")?;
    let holds = rule::parse(text).ok()?.holds(&|child| states.get(child).copied().filter(|_| child != name));
    let state = if holds { State::Alarm } else { State::Ok };
    (state != alarm.state).then(|| Turn {
        state,
        reason: format!(
            "{} transitioned to {} because the alarm rule is {holds}: {text}",
            alarm.arn,
            state.name()
        )
        .chars()
        .take(1023)
        .collect(),
        data: None,
        held: 0.0,
    })
}

impl Alarms {
    /// Holds every alarm against its data, then the composite ones against these.
    pub fn evaluate(&self, cloudwatch: &CloudWatch, now: f64) {
        let due = |alarm: &Alarm| alarm.held <= now;
        let (metric, mut composite): (Vec<(String, Alarm)>, Vec<_>) = lock(&self.all)
            .map()
            .iter()
            .map(|(name, alarm)| (name.clone(), alarm.clone()))
            .partition(|(_, alarm)| !alarm.composite);
        if metric.is_empty() && composite.is_empty() {
            return;
        }
        let turns: Vec<(String, Alarm, Turn)> = {
            let store = cloudwatch.store();
            let judged = metric.into_iter().filter(|(_, alarm)| due(alarm));
            // An expression that has no value now is as data that are missing would be: the alarm stays.
            judged
                .filter_map(|(name, alarm)| {
                    let seen = look(&alarm, &store, now).ok()?;
                    let turn = turned(&alarm, &seen, now)?;
                    Some((name, alarm, turn))
                })
                .collect()
        };
        for (name, alarm, turn) in turns {
            self.settle(&name, &alarm, turn, now);
        }
        composite.retain(|(_, alarm)| due(alarm));
        // A composite alarm may look at others: one round for each level, and an end for rules that go in circles.
        for _ in 0..composite.len().min(10) {
            let states =
                lock(&self.all).map().iter().map(|(name, alarm)| (name.clone(), alarm.state)).collect();
            let mut still = true;
            for (name, alarm) in &mut composite {
                if let Some(turn) = turned_by_rule(name, alarm, &states) {
                    let state = turn.state;
                    self.settle(name, alarm, turn, now);
                    alarm.state = state;
                    still = false;
                }
            }
            if still {
                break;
            }
        }
    }

    /// Turns an alarm, unless it was changed or deleted in the meantime; then the next second judges it.
    fn settle(&self, name: &str, alarm: &Alarm, turn: Turn, now: f64) {
        let current = lock(&self.all).map().get(name).cloned();
        if let Some(current) = current
            && current.configured == alarm.configured
            && current.held <= now
        {
            // A disk that refuses leaves the state as it was, and is asked again in a second.
            let _ = self.turn(name, &current, turn, now);
        }
    }
}
