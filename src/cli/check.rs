//! `pave check`, `pave config explain`, `pave config schema`.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::{
    blueprint,
    check::{self, Finding, RULES, Report, Severity},
    spec::{self, Origin},
};

use super::{
    Done,
    args::Check,
    code,
    context::Project,
    output::{Output, Tone},
};

/// Checks the spec, every environment of it, that its blueprint has all it asks for, and the files of the project.
pub fn check(request: &Check, output: &Output) -> Done {
    if request.rules {
        return rules(output);
    }
    let project = match &request.dir {
        Some(directory) => Project::at(directory)?,
        None => Project::find()?,
    };
    spec::validate(&project.parsed)?;
    let blueprint = blueprint::bind(&project.parsed.spec)?;
    let report = check::check(&project.root, &project.parsed)?;
    let [errors, warnings, infos] =
        [Severity::Error, Severity::Warning, Severity::Info].map(|severity| report.count(severity));
    let fails = errors > 0 || (request.strict && warnings > 0);
    for finding in &report.findings {
        output.json(&as_json(finding));
    }
    let environments: Vec<&String> = project.parsed.spec.environments.keys().collect();
    output.json(&json!({
        "type": "checked", "ok": !fails, "blueprint": blueprint.name, "environments": environments, "files": report.files,
        "errors": errors, "warnings": warnings, "infos": infos,
    }));
    output.say(&format!("{} is valid ({})", project.parsed.source.file, blueprint.summary));
    show(&report, output);
    let hint = if infos > 0 && !output.verbose { " (-v shows notes)" } else { "" };
    let counts = [count(errors, "error"), count(warnings, "warning"), count(infos, "note")].join(", ") + hint;
    output.say(&format!("{} files against {} rules: {counts}", report.files, RULES.len()));
    if fails {
        return Ok(code::INVALID);
    }
    output.next(super::deploy::next(&project.parsed.spec));
    Ok(0)
}

fn count(number: usize, word: &str) -> String {
    match number {
        0 => format!("no {word}s"),
        1 => format!("1 {word}"),
        _ => format!("{number} {word}s"),
    }
}

fn as_json(finding: &Finding) -> Value {
    let mut value = json!({ "type": "finding" });
    if let (Some(object), Ok(Value::Object(members))) = (value.as_object_mut(), serde_json::to_value(finding))
    {
        object.extend(members);
    }
    value
}

/// Findings for people; notes only for those who ask for more.
fn show(report: &Report, output: &Output) {
    let shown = |finding: &&Finding| finding.severity > Severity::Info || output.verbose;
    for finding in report.findings.iter().filter(shown) {
        let (word, tone) = match finding.severity {
            Severity::Error => ("error", Tone::Bad),
            Severity::Warning => ("warning", Tone::Note),
            Severity::Info => ("note", Tone::Dim),
        };
        let contract = finding.contract.map(|id| format!(" ({id})")).unwrap_or_default();
        let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
        let head = format!("{} {}{contract}", output.paint(tone, &format!("{word}:")), finding.rule);
        output.say(&format!("{head}  {}{line}", plain(&finding.file)));
        output.say(&format!("  {}", plain(&finding.what)));
        match &finding.waived {
            Some(reason) => output.say(&format!("  allowed: {}", plain(reason))),
            None => output.say(&format!("  {} {}", output.paint(Tone::Note, "do:"), finding.todo)),
        }
    }
}

/// What the project's own words hold must not steer the terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { c.escape_debug().to_string() } else { c.to_string() }).collect()
}

fn rules(output: &Output) -> Done {
    for rule in RULES {
        output.json(&json!({
            "type": "rule", "id": rule.id, "contract": rule.contract, "severity": rule.severity, "asks": rule.asks,
        }));
    }
    if !output.is_json() {
        let word = |severity: Severity| match severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "note",
        };
        let row = |rule: &check::Rule| {
            vec![rule.id, word(rule.severity), rule.contract.unwrap_or("-"), rule.asks]
                .into_iter()
                .map(str::to_owned)
                .collect()
        };
        let rows: Vec<Vec<String>> = RULES.iter().map(row).collect();
        output.table(&["rule", "is", "contract", "asks that"], &rows);
    }
    Ok(0)
}

/// Every value that holds in an environment, with where it comes from.
pub fn explain(environment: Option<&str>, output: &Output) -> Done {
    let project = Project::find()?;
    let resolved = project.environment(environment)?;
    let origins = spec::origins(&project.parsed, &resolved);
    let mut rows = Vec::new();
    for (path, (value, origin)) in &origins {
        output.json(&json!({ "path": path, "value": value, "origin": origin }));
        let origin = match origin {
            Origin::BuiltIn | Origin::Blueprint => origin.to_string(),
            _ => format!("{}, {origin}", project.parsed.source.file),
        };
        rows.push(vec![path.clone(), value.to_string(), origin]);
    }
    if !output.is_json() {
        output.table(&["key", "value", "from"], &rows);
    }
    Ok(0)
}

/// The JSON Schema of `pave.toml`.
pub fn schema() -> Done {
    let text = serde_json::to_string_pretty(&spec::schema()).expect("a schema always serialises");
    let _ = writeln!(std::io::stdout(), "{text}");
    Ok(0)
}
