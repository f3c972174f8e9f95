//! How many tokens may be used: a bucket that holds a minute's worth and fills evenly.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);

pub struct Tokens {
    most: f64,
    bucket: Mutex<Bucket>,
}

struct Bucket {
    left: f64,
    at: Instant,
}

impl Tokens {
    pub fn new(per_minute: u32) -> Self {
        let most = f64::from(per_minute);
        Self {
            most,
            bucket: Mutex::new(Bucket {
                left: most,
                at: Instant::now(),
            }),
        }
    }

    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let filled = self.most * bucket.at.elapsed().as_secs_f64() / MINUTE.as_secs_f64();
        bucket.left = self.most.min(bucket.left + filled);
        bucket.at = Instant::now();
        bucket
    }

    /// Takes what a call may need at most, or says after how many seconds it can.
    pub fn reserve(&self, tokens: u32) -> Result<Reserved<'_>, u32> {
        // A call that needs more than there ever is waits for a full bucket.
        let tokens = f64::from(tokens).min(self.most);
        let mut bucket = self.bucket();
        if bucket.left >= tokens {
            bucket.left -= tokens;
            return Ok(Reserved { of: self, tokens });
        }
        let wait = (tokens - bucket.left) / self.most * MINUTE.as_secs_f64();
        Err(wait.ceil().clamp(1.0, 60.0) as u32)
    }
}

/// Tokens that a call may use. What is left of them goes back.
pub struct Reserved<'a> {
    of: &'a Tokens,
    tokens: f64,
}

impl Reserved<'_> {
    pub fn used(mut self, tokens: u32) {
        self.tokens -= f64::from(tokens);
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        self.of.bucket().left += self.tokens;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_used_is_gone_until_time_brings_it_back() {
        let tokens = Tokens::new(600);
        tokens.reserve(600).expect("is full").used(600);
        assert_eq!(tokens.reserve(100).err(), Some(10));
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(tokens.reserve(100).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_reserved_and_not_used_goes_back() {
        let tokens = Tokens::new(600);
        tokens.reserve(500).expect("is full").used(100);
        assert!(tokens.reserve(500).is_ok());
        drop(
            tokens
                .reserve(500)
                .expect("a call that failed gives all back"),
        );
        assert!(tokens.reserve(500).is_ok());
        assert!(tokens.reserve(501).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_larger_than_a_minute_is_not_refused_for_ever() {
        assert!(Tokens::new(10).reserve(1000).is_ok());
    }
}
