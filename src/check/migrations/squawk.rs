//! The findings of `squawk`, a linter of PostgreSQL migrations, where this machine has it.

use std::{
    borrow::Cow,
    process::{Command, Stdio},
};

use serde::Deserialize;

use crate::check::{Finding, Severity, tree::Tree};

/// What it says about one place.
#[derive(Debug, Deserialize)]
struct Told {
    file: String,
    /// 0-based.
    line: usize,
    level: String,
    message: String,
    help: Option<String>,
    rule_name: String,
}

/// Its rules for which there is one here, so that nothing is said twice.
const OWN: [&str; 15] = [
    "adding-field-with-default",
    "adding-foreign-key-constraint",
    "adding-not-nullable-field",
    "adding-required-field",
    "ban-concurrent-index-creation-in-transaction",
    "ban-drop-column",
    "ban-drop-table",
    "ban-truncate-cascade",
    "changing-column-type",
    "constraint-missing-not-valid",
    "disallowed-unique-constraint",
    "renaming-column",
    "renaming-table",
    "require-concurrent-index-creation",
    "require-lock-timeout",
];

/// Runs it over the migrations; nothing where it is not installed or there are none.
pub(super) fn run(tree: &Tree, paths: &[&str]) -> Vec<Finding> {
    // What nobody wrote by hand would keep it busy for long.
    let paths: Vec<&str> = paths.iter().copied().filter(|path| tree.text(path).is_some()).collect();
    if paths.is_empty() {
        return Vec::new();
    }
    let mut command = Command::new("squawk");
    // `migrate` runs each file as one transaction, unless it asks not to, which is looked at here; the project's own .squawk.toml counts.
    command.args(["--reporter", "json", "--assume-in-transaction"]).args(&paths);
    command.current_dir(tree.root()).stdin(Stdio::null());
    let Ok(output) = command.output() else { return Vec::new() };
    let Ok(told) = serde_json::from_slice::<Vec<Told>>(&output.stdout) else { return Vec::new() };
    told.into_iter()
        .filter(|told| !OWN.contains(&told.rule_name.as_str()))
        .filter(|told| paths.contains(&told.file.as_str()))
        .map(finding)
        .collect()
}

fn finding(told: Told) -> Finding {
    let line = told.line + 1;
    Finding {
        rule: Cow::Owned(format!("squawk-{}", told.rule_name)),
        contract: Some("C10"),
        severity: if told.level.eq_ignore_ascii_case("error") { Severity::Error } else { Severity::Warning },
        file: told.file,
        line: Some(line),
        what: told.message,
        todo: told.help.unwrap_or_else(|| "see the documentation of squawk".to_owned()),
        waived: None,
        scope: Some(line.saturating_sub(1)..=line),
    }
}
