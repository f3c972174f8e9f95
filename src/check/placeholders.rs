//! What was left for a person to fill in.

use std::sync::LazyLock;

use regex::Regex;

use crate::spec::Parsed;

use super::{Finding, Rule, rules, tree::Tree};

static TODO: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(?:TODO|FIXME)\b").expect("a fixed pattern"));
static CHANGE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)\bchange[_-]?me\b|<your[-_ ][a-z]").expect("a fixed pattern"));
static EXAMPLE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\bexample\.(?:com|org|net)\b").expect("a fixed pattern"));

/// Files that configure or promise something, where a stand-in address would be used.
const CONFIGURES: [&str; 9] =
    [".toml", ".yaml", ".yml", ".md", ".json", ".env.example", "CODEOWNERS", "Dockerfile", ".ini"];

/// Folders in which a stand-in address is what is wanted.
const EXAMPLES: [&str; 6] = ["tests/", "test/", "docs/examples/", "fixtures/", "e2e/", "examples/"];

pub(super) fn check(tree: &Tree, parsed: &Parsed, found: &mut Vec<Finding>) {
    let service = &parsed.spec.service;
    let line = parsed.source.line(&["service"]).unwrap_or(1);
    if service.on_call.is_none() {
        let todo = "add on_call = \"team@your-domain\" under [service]; a production deploy asks for it";
        found.push(rules::NO_ON_CALL.at("pave.toml", line, "nobody is on call", todo));
    }
    if service.description.trim().is_empty() {
        let todo = "add description = \"...\" under [service]";
        found.push(rules::NO_DESCRIPTION.at("pave.toml", line, "nothing says what the service does", todo));
    }
    owners(tree, found);
    for path in tree.paths().filter(|path| !is_lock(path)) {
        let Some(text) = tree.text(path) else { continue };
        first(
            path,
            &text,
            &TODO,
            &rules::TODO_LEFT,
            "do it, or write down where it is tracked instead",
            found,
        );
        first(path, &text, &CHANGE, &rules::CHANGE_ME, "write the real value", found);
        let name = path.rsplit('/').next().unwrap_or(path);
        let configures = CONFIGURES.iter().any(|ending| name.ends_with(ending));
        let example = EXAMPLES.iter().any(|folder| path.starts_with(folder));
        if configures && !example {
            first(path, &text, &EXAMPLE, &rules::EXAMPLE_DOMAIN, "write the real address", found);
        }
    }
}

/// Lock files and the manifest are nobody's words.
fn is_lock(path: &str) -> bool {
    path.ends_with(".lock")
        || path.ends_with("-lock.json")
        || path.ends_with("-lock.yaml")
        || path.starts_with(".pave/")
}

/// One finding per file and word: its first place, and how many there are.
fn first(path: &str, text: &str, pattern: &Regex, rule: &Rule, todo: &str, found: &mut Vec<Finding>) {
    let mut places = pattern.find_iter(text);
    let Some(place) = places.next() else { return };
    let line = text[..place.start()].matches('\n').count() + 1;
    let more = match places.count() {
        0 => String::new(),
        more => format!(", and {more} more in this file"),
    };
    found.push(rule.at(path, line, format!("`{}` is left{more}", place.as_str()), todo));
}

fn owners(tree: &Tree, found: &mut Vec<Finding>) {
    let places = ["CODEOWNERS", ".github/CODEOWNERS", "docs/CODEOWNERS"];
    let Some(path) = places.into_iter().find(|path| tree.has(path)) else { return };
    let text = tree.text(path).unwrap_or_default();
    let rule = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    if !text.lines().any(rule) {
        let todo = "add a line such as `* @organisation/team`";
        found.push(rules::NO_CODEOWNERS.on(path, "names nobody, so no review is asked for", todo));
    }
}
