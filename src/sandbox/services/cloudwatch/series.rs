//! Requests per service and second.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
};

/// How long seconds are kept.
const KEEP_SECONDS: i64 = 6 * 3600;

/// Most latencies kept of one second.
const LATENCIES: usize = 2000;

#[derive(Debug, Clone, Default)]
struct Second {
    requests: u64,
    ok: u64,
    client_errors: u64,
    server_errors: u64,
    latencies: Vec<f32>,
}

/// Seconds by service name and id.
#[derive(Debug, Default)]
pub(super) struct Series(Mutex<HashMap<(String, String), BTreeMap<i64, Second>>>);

impl Series {
    pub fn record(&self, name: &str, id: &str, status: u16, latency_ms: f64, at: f64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = all.entry((name.to_owned(), id.to_owned())).or_default();
        let now = at.floor() as i64;
        let second = seconds.entry(now).or_default();
        second.requests += 1;
        match status {
            200..=299 => second.ok += 1,
            400..=499 => second.client_errors += 1,
            500..=599 => second.server_errors += 1,
            _ => {}
        }
        if second.latencies.len() < LATENCIES {
            second.latencies.push(latency_ms as f32);
        }
        while seconds.first_key_value().is_some_and(|(first, _)| *first < now - KEEP_SECONDS) {
            seconds.pop_first();
        }
    }

    /// Values of one metric in periods that begin in `start..end`, oldest first.
    #[allow(clippy::too_many_arguments, reason = "these are the seven things a metric query says")]
    pub fn read(
        &self,
        name: &str,
        id: &str,
        metric: &str,
        stat: &str,
        period: i64,
        start: f64,
        end: f64,
    ) -> Vec<(f64, f64)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(seconds) = all.get(&(name.to_owned(), id.to_owned())) else { return Vec::new() };
        let first = (start as i64).div_euclid(period) * period;
        let mut periods: BTreeMap<i64, Second> = BTreeMap::new();
        for (at, second) in seconds.range(first..(end.ceil() as i64).max(first)) {
            let sum = periods.entry(at.div_euclid(period) * period).or_default();
            sum.requests += second.requests;
            sum.ok += second.ok;
            sum.client_errors += second.client_errors;
            sum.server_errors += second.server_errors;
            sum.latencies.extend_from_slice(&second.latencies);
        }
        periods.into_iter().filter_map(|(at, sum)| Some((at as f64, value(&sum, metric, stat)?))).collect()
    }
}

fn value(second: &Second, metric: &str, stat: &str) -> Option<f64> {
    let count = match metric {
        "Requests" => second.requests,
        "2xxStatusResponses" => second.ok,
        "4xxStatusResponses" => second.client_errors,
        "5xxStatusResponses" => second.server_errors,
        "RequestLatency" => return latency(&second.latencies, stat),
        _ => return None,
    };
    (stat == "Sum").then_some(count as f64)
}

fn latency(latencies: &[f32], stat: &str) -> Option<f64> {
    let mut sorted = latencies.to_vec();
    sorted.sort_by(f32::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    let total: f64 = sorted.iter().map(|ms| f64::from(*ms)).sum();
    match stat {
        "Average" => Some(total / sorted.len() as f64),
        "Minimum" => sorted.first().map(|ms| f64::from(*ms)),
        "Maximum" => sorted.last().map(|ms| f64::from(*ms)),
        _ => {
            let percentile: f64 = stat.strip_prefix('p')?.parse().ok()?;
            let rank = (percentile / 100.0 * sorted.len() as f64).ceil() as usize;
            sorted.get(rank.saturating_sub(1).min(last)).map(|ms| f64::from(*ms))
        }
    }
}
