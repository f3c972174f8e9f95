//! Closed; open after failures in a row; half-open for one trial call once it has rested.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::Serialize;
use tokio::time::Instant;

const FAILURES_TO_OPEN: u32 = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CircuitState {
    Closed,
    Open,
    HalfOpen,
}

pub struct Circuit {
    open_for: Duration,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    failures: u32,
    opened_at: Option<Instant>,
    trial_running: bool,
}

impl Circuit {
    pub fn new(open_for: Duration) -> Self {
        Self {
            open_for,
            memory: Mutex::default(),
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn state(&self) -> CircuitState {
        match self.memory().opened_at {
            None => CircuitState::Closed,
            Some(at) if at.elapsed() < self.open_for => CircuitState::Open,
            Some(_) => CircuitState::HalfOpen,
        }
    }

    /// How long to wait when the call must not be made: nothing is known of a trial that is running.
    pub fn enter(&self) -> Result<Permit<'_>, Duration> {
        let mut memory = self.memory();
        let trial = memory.opened_at.is_some();
        if let Some(at) = memory.opened_at {
            let wait = self.open_for.saturating_sub(at.elapsed());
            if !wait.is_zero() || memory.trial_running {
                return Err(wait);
            }
            memory.trial_running = true;
        }
        Ok(Permit {
            circuit: self,
            trial,
        })
    }
}

/// A call that may be made. One that nobody waited for says nothing about the dependency.
pub struct Permit<'a> {
    circuit: &'a Circuit,
    trial: bool,
}

impl Permit<'_> {
    pub fn succeeded(self) {
        let mut memory = self.circuit.memory();
        // A call that began before the circuit opened says nothing about now.
        if self.trial || memory.opened_at.is_none() {
            memory.failures = 0;
            memory.opened_at = None;
        }
    }

    pub fn failed(self) {
        let mut memory = self.circuit.memory();
        memory.failures += 1;
        if self.trial || memory.failures >= FAILURES_TO_OPEN {
            memory.opened_at = Some(Instant::now());
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.trial {
            self.circuit.memory().trial_running = false;
        }
    }
}
