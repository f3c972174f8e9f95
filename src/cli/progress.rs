//! Events -> lines: finished stages stay, live parts vanish.

use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use crate::{
    engine::{Event, Reporter, Stage, clock::rfc3339},
    judge::Counts,
};

use super::output::{Output, Tone};

/// Prints events as they come.
pub struct Progress {
    output: Output,
    bar: ProgressBar,
    began: Mutex<Option<f64>>,
    measured: Mutex<f64>,
}

/// Seconds between two lines about a step where there is no live line.
const EVERY: f64 = 10.0;

fn word(stage: Stage) -> &'static str {
    match stage {
        Stage::Package => "package",
        Stage::Foundation => "foundation",
        Stage::Upload => "upload",
        Stage::Build => "build",
        Stage::Snapshot => "snapshot",
        Stage::Prepare => "prepare",
        Stage::Ready => "ready",
        Stage::Step => "step",
        Stage::Promote => "promote",
        Stage::Return => "return",
        Stage::Restore => "restore",
        Stage::Compare => "compare",
    }
}

fn failed(counts: Counts) -> String {
    format!("{} of {} failed", counts.errors, counts.total)
}

impl Progress {
    /// Prints to this output.
    pub fn new(output: &Output) -> Self {
        let bar = if output.live {
            ProgressBar::new_spinner().with_style(ProgressStyle::default_spinner())
        } else {
            ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden())
        };
        Self { output: *output, bar, began: Mutex::new(None), measured: Mutex::new(0.0) }
    }

    fn elapsed(&self, at: f64) -> f64 {
        let mut began = self.began.lock().unwrap_or_else(PoisonError::into_inner);
        at - *began.get_or_insert(at)
    }

    fn line(&self, at: f64, tone: Option<Tone>, stage: &str, text: &str) {
        let line = format!("{:>7.1}s  {stage:<10}  {text}", self.elapsed(at));
        let line = tone.map_or_else(|| line.clone(), |tone| self.output.paint(tone, &line));
        if self.output.live {
            self.bar.println(line);
        } else {
            self.output.progress(&line);
        }
    }

    /// Whether it is time for another line about a step; the first is due after a while, not at once.
    fn is_due(&self, at: f64) -> bool {
        let mut last = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        if at - *last < EVERY {
            return false;
        }
        let first = *last == 0.0;
        *last = at;
        !first
    }

    fn live(&self, text: String) {
        self.bar.set_message(text);
        self.bar.tick();
    }

    /// Takes the live line away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Reporter for Progress {
    fn report(&self, at: f64, event: &Event) {
        if self.output.is_json() {
            let mut line = json!({ "at": rfc3339(at) });
            if let (Some(line), Ok(serde_json::Value::Object(event))) =
                (line.as_object_mut(), serde_json::to_value(event))
            {
                line.extend(event);
            }
            self.output.json(&line);
            return;
        }
        if self.output.quiet {
            return;
        }
        match event {
            Event::Started { stage, detail } => {
                self.elapsed(at);
                self.live(format!("{}: {detail}", word(*stage)));
            }
            Event::Progress { stage, detail, .. } => self.live(format!("{}: {detail}", word(*stage))),
            Event::BuildLine { line } if self.output.verbose => self.line(at, Some(Tone::Dim), "build", line),
            Event::BuildLine { line } => self.live(format!("build: {line}")),
            Event::Done { stage, detail, seconds } => {
                let took = if *seconds >= 0.05 { format!(" ({seconds:.1}s)") } else { String::new() };
                self.line(at, None, word(*stage), &format!("{detail}{took}"));
            }
            Event::Failed { stage, reason, seconds } => {
                let mut lines = reason.lines();
                let first = lines.next().unwrap_or_default();
                self.line(at, Some(Tone::Bad), word(*stage), &format!("failed after {seconds:.1}s: {first}"));
                for line in lines {
                    self.line(at, Some(Tone::Dim), "", &format!("| {line}"));
                }
            }
            Event::Measured { weight, evidence, canary_p99_ms, stable_p99_ms, left_seconds, .. } => {
                let p99 = |ms: &Option<f64>| ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.0} ms"));
                let text = format!(
                    "{weight} on the canary: {} (p99 {}); stable: {} (p99 {}); evidence {:.2} of {:.0}; {left_seconds:.0}s left",
                    failed(evidence.canary),
                    p99(canary_p99_ms),
                    failed(evidence.stable),
                    p99(stable_p99_ms),
                    evidence.worse,
                    evidence.threshold,
                );
                if self.output.live {
                    self.live(text);
                } else if self.is_due(at) {
                    self.line(at, None, "step", &text);
                }
            }
            // The stage's own end says the same in its line.
            Event::Verdict { .. } => {}
            Event::Compared { differences, .. } => {
                for d in differences {
                    let text = format!("{} is {} instead of {}", d.field, d.live, d.expected);
                    self.line(at, Some(Tone::Bad), "differs", &text);
                }
            }
        }
    }
}
