//! Which traces are recorded: those that a caller records already, and of the others the first ones of each second.
//! So a quiet service loses none, and a busy one does not spend on telemetry what its users wait for.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use opentelemetry::{
    Context, KeyValue,
    trace::{Link, SpanKind, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};

/// What the caller decided counts; where nobody did, the second's count does.
pub fn sampler(traces_per_second: u32) -> Sampler {
    Sampler::ParentBased(Box::new(FirstOfEachSecond {
        most: traces_per_second,
        began: Instant::now(),
        counted: Arc::default(),
    }))
}

/// Records so many traces a second and no more.
#[derive(Clone, Debug)]
struct FirstOfEachSecond {
    most: u32,
    began: Instant,
    counted: Arc<Mutex<Counted>>,
}

/// A second, and how many of its traces are recorded.
#[derive(Debug, Default)]
struct Counted {
    second: u64,
    recorded: u32,
}

impl FirstOfEachSecond {
    fn recorded_in(&self, second: u64) -> bool {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.second != second {
            *counted = Counted {
                second,
                recorded: 0,
            };
        }
        let room = counted.recorded < self.most;
        counted.recorded += u32::from(room);
        room
    }
}

impl ShouldSample for FirstOfEachSecond {
    /// Asked once a trace, where it begins.
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: TraceId,
        _: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        let decision = if self.recorded_in(self.began.elapsed().as_secs()) {
            SamplingDecision::RecordAndSample
        } else {
            SamplingDecision::Drop
        };
        SamplingResult {
            decision,
            attributes: Vec::new(),
            trace_state: TraceState::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_has_room_for_so_many_and_no_more() {
        let sampler = FirstOfEachSecond {
            most: 2,
            began: Instant::now(),
            counted: Arc::default(),
        };
        let recorded = [0, 0, 0, 1, 1, 1, 5].map(|second| sampler.recorded_in(second));
        assert_eq!(recorded, [true, true, false, true, true, false, true]);
    }
}
