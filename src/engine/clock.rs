//! Real time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use time::{OffsetDateTime, macros::format_description};

use super::ports::Clock;

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> f64 {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

/// Seconds since the epoch as RFC 3339 in whole milliseconds.
pub fn rfc3339(at: f64) -> String {
    let millis = (at * 1000.0).round() as i128;
    OffsetDateTime::from_unix_timestamp_nanos(millis * 1_000_000)
        .ok()
        .and_then(|at| {
            let format =
                format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
            at.format(&format).ok()
        })
        .unwrap_or_default()
}
