//! What happened on the tour, told from the records and from what users saw.

use std::time::Instant;

use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::sandbox::daemon::Record;

use super::{
    super::output::{Output, Tone},
    Done, Failure, SERVICE, code,
    load::Seen,
};

struct Chapter {
    number: u64,
    release: Value,
    seen: Seen,
}

/// The releases so far.
pub struct Story<'a> {
    output: &'a Output,
    began: Instant,
    chapters: Vec<Chapter>,
}

fn at(text: Option<&str>) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text?, &Rfc3339).ok()
}

impl Chapter {
    fn outcome(&self) -> &str {
        self.release["outcome"]["outcome"].as_str().unwrap_or("unknown")
    }

    fn verdict(&self) -> Option<&Value> {
        self.release["verdicts"].as_array()?.last()
    }

    /// Seconds from the last verdict until all users were on stable again.
    fn recovery(&self) -> Option<f64> {
        let back = self.release["timeline"]
            .as_array()?
            .iter()
            .find(|e| e["what"].as_str().is_some_and(|what| what.starts_with("put users back")))?;
        let decided = at(self.verdict()?["at"].as_str())?;
        Some((at(back["at"].as_str())? - decided).as_seconds_f64())
    }

    fn count(&self, arm: &str) -> (u64, u64) {
        self.seen.get(arm).copied().unwrap_or_default()
    }
}

impl<'a> Story<'a> {
    /// An empty one.
    pub fn new(output: &'a Output, began: Instant) -> Self {
        Self { output, began, chapters: Vec::new() }
    }

    /// Adds a release with what users saw while it was rolled out.
    pub fn add(&mut self, number: u64, release: &Value, seen: Seen) {
        self.chapters.push(Chapter { number, release: release.clone(), seen });
    }

    /// Prints the story and says whether it went as it should.
    pub fn tell(&self, record: &Record, after: &Seen) -> Done {
        let out = self.output;
        out.say(&format!("\n{}", out.paint(Tone::Note, "what happened")));
        for chapter in &self.chapters {
            out.say(&format!("\nrelease {}: {}", chapter.number, chapter.outcome().replace('_', " ")));
            let start = at(chapter.release["started_at"].as_str());
            for entry in chapter.release["timeline"].as_array().into_iter().flatten() {
                let (Some(start), Some(when)) = (start, at(entry["at"].as_str())) else { continue };
                let what = entry["what"].as_str().unwrap_or_default().lines().next().unwrap_or_default();
                out.say(&format!("  {:>6.1}s  {what}", (when - start).as_seconds_f64()));
            }
            if let Some(verdict) = chapter.verdict() {
                let evidence = &verdict["evidence"];
                out.say(&format!(
                    "  evidence at the last verdict: {:.2} of {:.0} needed to abort",
                    evidence["worse"].as_f64().unwrap_or_default(),
                    evidence["threshold"].as_f64().unwrap_or_default()
                ));
            }
            if let Some(seconds) = chapter.recovery() {
                out.say(&format!("  users were back on the stable release {seconds:.2} s after the verdict"));
            }
        }
        out.say("");
        let mut rows = Vec::new();
        for chapter in &self.chapters {
            for (arm, (all, failed)) in &chapter.seen {
                rows.push(vec![chapter.number.to_string(), arm.clone(), all.to_string(), failed.to_string()]);
            }
        }
        if !out.is_json() {
            out.table(&["during release", "answered by", "requests", "failed"], &rows);
        }
        let problems = self.problems(after);
        let seconds = self.began.elapsed().as_secs_f64();
        let chapters: Vec<Value> = self
            .chapters
            .iter()
            .map(|c| json!({ "number": c.number, "release": c.release, "seen": c.seen, "recovery_seconds": c.recovery() }))
            .collect();
        out.json(&json!({ "type": "tour", "seconds": seconds, "releases": chapters, "problems": problems }));
        out.say(&format!(
            "\nthe tour took {seconds:.0} s; users reached http://{SERVICE}.sandbox.localhost:{}",
            record.edge
        ));
        if problems.is_empty() {
            out.say(&out.paint(Tone::Good, "no request failed outside the canary share of release 3"));
            return Ok(0);
        }
        Err(Failure::new(code::INTERNAL, "the tour did not go as it should", "please report this")
            .because(problems))
    }

    fn problems(&self, after: &Seen) -> Vec<String> {
        let mut problems = Vec::new();
        for chapter in &self.chapters {
            let good = chapter.number != 3;
            let wanted = if good { "promoted" } else { "rolled_back" };
            if chapter.outcome() != wanted {
                problems.push(format!(
                    "release {} is {} instead of {wanted}",
                    chapter.number,
                    chapter.outcome()
                ));
            }
            for (arm, (_, failed)) in &chapter.seen {
                if *failed > 0 && (good || arm != "canary") {
                    problems.push(format!(
                        "{failed} requests answered by {arm} failed during release {}",
                        chapter.number
                    ));
                }
            }
            if chapter.count("canary").0 == 0 {
                problems.push(format!("no user was ever on release {} as a canary", chapter.number));
            }
            if !good && chapter.recovery().is_none_or(|seconds| seconds > 2.0) {
                problems.push("users were not put back within 2 s of the verdict".to_owned());
            }
        }
        // Since the mark of release 3 nothing was forgotten, so its canary's failures are in here too.
        let late: u64 = after.iter().filter(|(arm, _)| *arm != "canary").map(|(_, (_, failed))| failed).sum();
        if late > 0 {
            problems.push(format!("{late} requests outside the canary failed at the end"));
        }
        problems
    }
}
