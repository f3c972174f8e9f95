//! One finding.

use std::{borrow::Cow, ops::RangeInclusive};

use serde::Serialize;

use super::Rule;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; fails nothing.
    Info,
    /// Fails where warnings do.
    Warning,
    /// Fails.
    Error,
}

/// One thing that breaks a rule, or that somebody allowed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Id of the rule, in kebab-case.
    pub rule: Cow<'static, str>,
    /// Id of the promise of the contract that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<&'static str>,
    /// How much it matters.
    pub severity: Severity,
    /// Path inside the project, with `/` between segments.
    pub file: String,
    /// 1-based; absent where it is about the whole file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// What is wrong.
    pub what: String,
    /// What to do.
    #[serde(rename = "do")]
    pub todo: String,
    /// Why it was allowed, where a comment says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waived: Option<String>,
    /// Lines on which a comment may waive it; the whole file where there are none.
    #[serde(skip)]
    pub(super) scope: Option<RangeInclusive<usize>>,
}

impl Rule {
    /// A finding about a whole file.
    pub(super) fn on(&self, file: &str, what: impl Into<String>, todo: impl Into<String>) -> Finding {
        Finding {
            rule: Cow::Borrowed(self.id),
            contract: self.contract,
            severity: self.severity,
            file: file.to_owned(),
            line: None,
            what: what.into(),
            todo: todo.into(),
            waived: None,
            scope: None,
        }
    }

    /// A finding at a line, which a comment there or on the line above may waive.
    pub(super) fn at(
        &self,
        file: &str,
        line: usize,
        what: impl Into<String>,
        todo: impl Into<String>,
    ) -> Finding {
        let mut finding = self.on(file, what, todo);
        finding.line = Some(line);
        finding.scope = Some(line.saturating_sub(1)..=line);
        finding
    }
}

impl Finding {
    /// The same with another severity than its rule's.
    pub(super) fn with(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// The same with other lines on which a comment may waive it.
    pub(super) fn within(mut self, lines: RangeInclusive<usize>) -> Self {
        self.scope = Some(lines);
        self
    }
}
