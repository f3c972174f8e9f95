//! GitHub workflows: what they may do, whose code they run, and what they print.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;
use serde_yaml_ng::{Mapping, Value};

use super::{Finding, Severity, rules, tree::Tree};

const FOLDER: &str = ".github/workflows";

/// Publishers whose version tags are taken as they are: GitHub itself, and who makes the tools that the build needs.
const TRUSTED: [&str; 4] = ["actions", "aws-actions", "docker", "github"];

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a fixed pattern")
}

static SHA: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[0-9a-f]{40}$"));
static VERSION: LazyLock<Regex> = LazyLock::new(|| pattern(r"^v?\d+(\.\d+)*$"));
static SECRET: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\$\{\{[^}]*\b(?:secrets\s*[.\[]|github\.token\b|toJSON\(\s*secrets)"));
static ALL_SECRETS: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\$\{\{\s*toJSON\(\s*secrets\s*\)"));
static PRINTS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?:^|[;&|(]\s*|\s)(?:echo|printf|Write-Host|Write-Output)\s"));
static STRANGER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\$\{\{[^}]*\bgithub\.(?:head_ref\b|event\.(?:issue\.(?:title|body)|pull_request\.(?:title|body|head\.(?:ref|label|repo\.default_branch))|comment\.body|review\.body|review_comment\.body|discussion\.(?:title|body)|head_commit\.(?:message|author\.(?:name|email))|commits|pages|workflow_run\.(?:head_branch|head_commit\.message)))",
    )
});

pub(super) fn check(tree: &Tree, found: &mut Vec<Finding>) {
    for (path, name) in tree.folder(FOLDER) {
        if !(name.ends_with(".yml") || name.ends_with(".yaml")) {
            continue;
        }
        let Some(text) = tree.text(path) else {
            found.push(rules::WORKFLOW_UNREAD.on(path, "is not text", "restore it from version control"));
            continue;
        };
        match serde_yaml_ng::from_str::<Value>(&text) {
            Ok(Value::Mapping(workflow)) => Reader { path, text: &text, workflow, found }.read(),
            Ok(_) => {
                let todo = "give it a trigger and jobs, or remove it";
                found.push(rules::WORKFLOW_UNREAD.on(path, "is not a workflow", todo));
            }
            Err(error) => {
                let line = error.location().map_or(1, |location| location.line());
                let what = format!("is not YAML: {error}");
                found.push(rules::WORKFLOW_UNREAD.at(path, line.max(1), what, "correct it"));
            }
        }
    }
}

/// A workflow being read.
struct Reader<'a> {
    path: &'a str,
    text: &'a str,
    workflow: Mapping,
    found: &'a mut Vec<Finding>,
}

impl Reader<'_> {
    fn read(mut self) {
        let jobs: Vec<(String, Mapping)> = self
            .workflow
            .get("jobs")
            .and_then(Value::as_mapping)
            .map(|jobs| {
                jobs.iter()
                    .filter_map(|(name, job)| Some((name.as_str()?.to_owned(), job.as_mapping()?.clone())))
                    .collect()
            })
            .unwrap_or_default();
        self.actions(&jobs);
        self.permissions(&jobs);
        self.target(&jobs);
        let mut printed = BTreeSet::new();
        for (_, job) in &jobs {
            for step in steps(job) {
                self.step(job, step, &mut printed);
            }
        }
    }

    /// The line of a text, from one on; the first line where it cannot be found, as after an alias.
    fn line_of(&self, text: &str, from: usize) -> usize {
        let text = text.trim();
        let mut lines = self.text.lines().enumerate().skip(from.saturating_sub(1));
        lines.find(|(_, line)| !text.is_empty() && line.contains(text)).map_or(1, |(index, _)| index + 1)
    }

    fn actions(&mut self, jobs: &[(String, Mapping)]) {
        let own = jobs.iter().map(|(_, job)| job);
        let uses = own.clone().chain(own.flat_map(steps)).filter_map(|place| place.get("uses"));
        let uses: BTreeSet<&str> = uses.filter_map(Value::as_str).collect();
        for uses in uses {
            if uses.starts_with("./") || uses.contains("@sha256:") {
                continue;
            }
            let owner = uses.split('/').next().unwrap_or_default();
            let version = uses.rsplit_once('@').map(|(_, version)| version).unwrap_or_default();
            let todo = "name a version by the full digest of its commit, with the tag in a comment";
            let (what, severity) = if SHA.is_match(version) {
                continue;
            } else if uses.starts_with("docker://") || !VERSION.is_match(version) {
                (format!("{uses} is whatever its publisher makes of it next"), Severity::Error)
            } else if TRUSTED.contains(&owner) {
                continue;
            } else {
                (format!("{uses} is a tag, which its publisher can move"), Severity::Warning)
            };
            let ends = |c: char| c.is_whitespace() || "\"',{}".contains(c);
            let lines = self.text.lines().enumerate();
            let named = lines.filter(|(_, line)| {
                !line.trim_start().starts_with('#') && line.split(ends).any(|word| word == uses)
            });
            let mut lines: Vec<usize> = named.map(|(index, _)| index + 1).collect();
            // Folded over lines, or by an alias.
            if lines.is_empty() {
                lines.push(1);
            }
            for line in lines {
                let finding = rules::ACTION_UNPINNED.at(self.path, line, what.as_str(), todo);
                self.found.push(finding.with(severity));
            }
        }
    }

    fn permissions(&mut self, jobs: &[(String, Mapping)]) {
        let todo = "write `permissions: {contents: read}` at the top and add what a single job needs there";
        let whole = self.workflow.get("permissions").cloned();
        let mut say = |line: usize, what: String, severity: Severity| {
            self.found.push(rules::WORKFLOW_PERMISSIONS.at(self.path, line, what, todo).with(severity));
        };
        let line_of = |text: &str, nth: usize| {
            self.text
                .lines()
                .enumerate()
                .filter(|(_, line)| line.contains(text))
                .nth(nth)
                .map_or(1, |(index, _)| index + 1)
        };
        match &whole {
            None => {
                for (name, _) in jobs.iter().filter(|(_, job)| !job.contains_key("permissions")) {
                    let what =
                        format!("the job {name} has every permission that the repository gives by default");
                    say(line_of(&format!("{name}:"), 0), what, Severity::Error);
                }
            }
            Some(Value::Mapping(scopes)) => {
                for (scope, _) in scopes.iter().filter(|(_, access)| access.as_str() == Some("write")) {
                    let scope = scope.as_str().unwrap_or_default();
                    let what = format!("every job may write {scope}");
                    say(line_of(&format!("{scope}:"), 0), what, Severity::Warning);
                }
            }
            Some(_) => {}
        }
        let broad = [whole.as_ref()]
            .into_iter()
            .flatten()
            .chain(jobs.iter().filter_map(|(_, job)| job.get("permissions")));
        for (nth, _) in broad.filter(|value| value.as_str() == Some("write-all")).enumerate() {
            say(line_of("write-all", nth), "may do everything".to_owned(), Severity::Error);
        }
    }

    fn target(&mut self, jobs: &[(String, Mapping)]) {
        // YAML 1.1 reads the key `on` as true.
        let on = self.workflow.get("on").or_else(|| self.workflow.get(Value::Bool(true)));
        let triggered = match on {
            Some(Value::String(name)) => name == "pull_request_target",
            Some(Value::Sequence(names)) => {
                names.iter().any(|name| name.as_str() == Some("pull_request_target"))
            }
            Some(Value::Mapping(names)) => names.contains_key("pull_request_target"),
            _ => false,
        };
        let uses = |step: &Mapping| step.get("uses").and_then(Value::as_str).unwrap_or_default().to_owned();
        let checks_out =
            jobs.iter().any(|(_, job)| steps(job).any(|step| uses(step).starts_with("actions/checkout@")));
        if triggered && checks_out {
            let what = "checks a stranger's code out where it can reach this repository's secrets";
            let todo = "use pull_request; what needs secrets goes into a workflow that touches no code of the request";
            let line = self.line_of("pull_request_target", 1);
            self.found.push(rules::WORKFLOW_TARGET.at(self.path, line, what, todo));
        }
    }

    fn step(&mut self, job: &Mapping, step: &Mapping, printed: &mut BTreeSet<usize>) {
        let Some(script) = step.get("run").and_then(Value::as_str) else { return };
        let held: Vec<String> = [Some(&self.workflow), Some(job), Some(step)]
            .into_iter()
            .flatten()
            .filter_map(|place| place.get("env").and_then(Value::as_mapping))
            .flat_map(|variables| variables.iter())
            .filter(|(_, value)| value.as_str().is_some_and(|value| SECRET.is_match(value)))
            .filter_map(|(name, _)| name.as_str().map(str::to_owned))
            .collect();
        for line in script.lines() {
            if STRANGER.is_match(line) {
                let todo = "hand it over as a variable: env: {TITLE: ${{ ... }}}, and use \"$TITLE\"";
                let at = self.line_of(line, 1);
                self.found.push(rules::WORKFLOW_INJECTION.at(
                    self.path,
                    at,
                    "a stranger's words become part of the script",
                    todo,
                ));
            }
            let kept = line.contains('|') || line.contains('>');
            let holds = SECRET.is_match(line) || held.iter().any(|name| mentions(line, name));
            if ALL_SECRETS.is_match(line) || (PRINTS.is_match(line) && holds && !kept) {
                let at = self.line_of(line, 1);
                if printed.insert(at) {
                    let todo = "hand it to the program that needs it, by its environment or standard input";
                    self.found.push(rules::WORKFLOW_SECRET.at(
                        self.path,
                        at,
                        "prints a secret into the log",
                        todo,
                    ));
                }
            }
        }
    }
}

fn steps(job: &Mapping) -> impl Iterator<Item = &Mapping> {
    job.get("steps").and_then(Value::as_sequence).into_iter().flatten().filter_map(Value::as_mapping)
}

/// Whether a line of shell reads a variable.
fn mentions(line: &str, name: &str) -> bool {
    line.match_indices('$').any(|(at, _)| {
        let rest = line[at + 1..].trim_start_matches('{');
        rest.strip_prefix(name)
            .is_some_and(|after| !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
    })
}
