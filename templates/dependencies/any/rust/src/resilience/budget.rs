//! Which retries are made, and when.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

const FIRST_DELAY: Duration = Duration::from_millis(50);
const LONGEST_DELAY: Duration = Duration::from_secs(1);
/// What a call adds, and the most there can be. One retry takes 1.
const SHARE: f64 = 0.1;
const RESERVE: f64 = 5.0;

/// Lets retries be at most a tenth of calls, so that they cannot become the outage. The small reserve lets rare calls
/// be retried.
pub struct RetryBudget {
    tokens: Mutex<f64>,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self {
            tokens: Mutex::new(RESERVE),
        }
    }
}

impl RetryBudget {
    pub fn call_made(&self) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        *tokens = RESERVE.min(*tokens + SHARE);
    }

    /// True when a retry may be made now.
    pub fn take(&self) -> bool {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let enough = *tokens >= 1.0;
        if enough {
            *tokens -= 1.0;
        }
        enough
    }
}

/// The waits before the retries of one call: exponential with full jitter, ending with the attempts or the budget.
pub struct Retries<'a> {
    budget: &'a RetryBudget,
    left: usize,
    longest: Duration,
}

impl<'a> Retries<'a> {
    pub fn new(budget: &'a RetryBudget, attempts: usize) -> Self {
        Self {
            budget,
            left: attempts.saturating_sub(1),
            longest: FIRST_DELAY,
        }
    }
}

impl Iterator for Retries<'_> {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.left = self.left.checked_sub(1)?;
        if !self.budget.take() {
            return None;
        }
        let wait = self.longest.mul_f64(rand::random::<f64>());
        self.longest = LONGEST_DELAY.min(self.longest * 2);
        Some(wait)
    }
}
