//! Comments that allow what a rule forbids: `pave: allow <rule> because <reason>`.
//!
//! A waiver without a reason waives nothing. One at a statement or line counts there, for a finding about a file anywhere in it.

use std::{collections::HashMap, sync::LazyLock};

use regex::Regex;

use super::{Finding, Severity, tree::Tree};

static WAIVER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:--|#|//|/\*|<!--).*\bpave:\s*allow\s+([a-z0-9-]+)(?:\s+because\s+(.*\S))?")
        .expect("a fixed pattern")
});

/// One comment.
struct Waiver {
    line: usize,
    rule: String,
    reason: Option<String>,
}

fn of(text: &str) -> Vec<Waiver> {
    let lines = text.lines().enumerate().filter(|(_, line)| line.contains("pave:"));
    lines
        .filter_map(|(index, line)| {
            let found = WAIVER.captures(line)?;
            let reason =
                found.get(2).map(|m| m.as_str().trim_end_matches("*/").trim_end_matches("-->").trim());
            let reason = reason.filter(|reason| !reason.is_empty()).map(str::to_owned);
            Some(Waiver { line: index + 1, rule: found[1].to_owned(), reason })
        })
        .collect()
}

/// Turns every finding that a comment allows into information with its reason.
pub(super) fn apply(tree: &Tree, findings: &mut [Finding]) {
    let mut known: HashMap<String, Vec<Waiver>> = HashMap::new();
    for finding in findings {
        let waivers = known
            .entry(finding.file.clone())
            .or_insert_with(|| tree.text(&finding.file).map(|text| of(&text)).unwrap_or_default());
        let here = waivers.iter().find(|waiver| {
            waiver.rule == finding.rule
                && finding.scope.as_ref().is_none_or(|lines| lines.contains(&waiver.line))
        });
        match here {
            Some(Waiver { reason: Some(reason), .. }) => {
                finding.severity = Severity::Info;
                finding.waived = Some(reason.clone());
            }
            Some(Waiver { line, .. }) => {
                finding.what += &format!("; the waiver in line {line} says no `because <reason>`");
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiver_is_a_comment_with_a_reason() {
        let text = "-- pave: allow drop-table because nobody reads it\n# pave: allow x\npave: allow y because z\n/* pave: allow z because w */\n";
        let found: Vec<_> = of(text).into_iter().map(|w| (w.line, w.rule, w.reason)).collect();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            found,
            [
                (1, "drop-table".to_owned(), some("nobody reads it")),
                (2, "x".to_owned(), None),
                (4, "z".to_owned(), some("w"))
            ]
        );
    }
}
