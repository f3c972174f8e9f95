//! What experiments found.

use serde::Serialize;

use super::contract::Id;

/// How an experiment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The promise held.
    Held,
    /// It did not.
    Failed,
    /// It could not be tried; `observed` says why.
    NotRun,
}

/// One experiment and what came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// The promise.
    pub id: Id,
    /// What was done.
    pub experiment: String,
    /// What should be seen.
    pub expected: String,
    /// What was seen.
    pub observed: String,
    /// How it ended.
    pub verdict: Verdict,
    /// What was seen the first time, when that failed and it was tried again by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_first: Option<String>,
    /// Milliseconds it took.
    pub took_ms: u64,
}

/// All findings of one run, in the order of the contract.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The service.
    pub service: String,
    /// Its findings.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Ids that failed, each once, in order.
    pub fn failed(&self) -> Vec<Id> {
        let failed = self.findings.iter().filter(|finding| finding.verdict == Verdict::Failed);
        let mut ids: Vec<Id> = failed.map(|finding| finding.id).collect();
        ids.sort();
        ids.dedup();
        ids
    }

    /// How many findings ended this way.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == verdict).count()
    }
}

/// What an experiment returns: what was observed, or why the promise is not shown.
pub type Observed = Result<String, Miss>;

/// Why an experiment does not show its promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Miss {
    /// It is broken; what was observed.
    Broken(String),
    /// It could not be tried; why.
    NotRun(String),
}

/// Ends an experiment with what was observed.
pub fn broken<T>(observed: impl Into<String>) -> Result<T, Miss> {
    Err(Miss::Broken(observed.into()))
}

impl From<super::client::NoAnswer> for Miss {
    fn from(error: super::client::NoAnswer) -> Self {
        Self::Broken(error.to_string())
    }
}

impl From<super::subject::StartError> for Miss {
    fn from(error: super::subject::StartError) -> Self {
        Self::Broken(error.to_string())
    }
}

impl From<std::io::Error> for Miss {
    fn from(error: std::io::Error) -> Self {
        Self::NotRun(error.to_string())
    }
}
