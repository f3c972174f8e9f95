//! The static side of the contract: what can be told about a project by reading it.
//!
//! Invariant: nothing is changed, nothing in the tree can make it crash or hang, and a secret that was found is never shown.
//! It refuses to know AWS, the network and how findings are printed.

mod dockerfile;
mod finding;
mod generated;
mod locks;
mod migrations;
mod placeholders;
mod rules;
mod secrets;
mod tree;
mod waivers;
mod workflows;

use std::path::Path;

use crate::spec::Parsed;

pub use finding::{Finding, Severity};
pub use rules::{RULES, Rule};

use tree::Tree;

/// Why a project cannot be checked at all.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// Its folder cannot be walked.
    #[error("the project cannot be read: {reason}")]
    Unreadable {
        /// Why, with the path.
        reason: String,
    },
}

/// What was found.
#[derive(Debug)]
pub struct Report {
    /// The worst first, then by file and line.
    pub findings: Vec<Finding>,
    /// Number of files looked at.
    pub files: usize,
}

impl Report {
    /// Number of findings of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}

/// Checks the project at `root`, whose spec has been validated.
///
/// # Errors
/// [`CheckError`] where the folder itself cannot be read; a single file that cannot be is a finding.
pub fn check(root: &Path, parsed: &Parsed) -> Result<Report, CheckError> {
    let tree = Tree::read(root)?;
    let mut findings = tree.findings();
    generated::check(&tree, parsed, &mut findings);
    migrations::check(&tree, &mut findings);
    dockerfile::check(&tree, &mut findings);
    workflows::check(&tree, &mut findings);
    secrets::check(&tree, &mut findings);
    placeholders::check(&tree, parsed, &mut findings);
    locks::check(&tree, parsed.spec.service.language, &mut findings);
    waivers::apply(&tree, &mut findings);
    findings
        .sort_by(|a, b| (b.severity, &a.file, a.line, &a.rule).cmp(&(a.severity, &b.file, b.line, &b.rule)));
    findings.dedup();
    Ok(Report { findings, files: tree.len() })
}
