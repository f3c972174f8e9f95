//! The Dockerfile: what ends up in the image, and as whom it runs.

use std::{collections::HashMap, sync::LazyLock};

use parse_dockerfile::{
    AddInstruction, Command, Dockerfile, FromInstruction, HealthcheckArguments, Instruction, RunInstruction,
    Source, Stage,
};
use regex::Regex;

use crate::spec::names_a_secret;

use super::{Finding, rules, tree::Tree};

const FILE: &str = "Dockerfile";

/// Deeper chains of stages do not occur; the limit ends a circle.
const DEEPEST: usize = 64;

static ASSIGNMENT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"([A-Za-z_][A-Za-z0-9_]*)(?:=("(?:[^"\\]|\\.)*"|'[^']*'|\S*))?"#).expect("a fixed pattern")
});

/// A Dockerfile being read.
struct Reader<'a, 'f> {
    text: &'a str,
    file: &'f Dockerfile<'a>,
    /// Defaults of the arguments before the first stage, which images may be named by.
    defaults: HashMap<String, String>,
    /// Those and what stages set.
    values: HashMap<String, String>,
    found: &'f mut Vec<Finding>,
}

pub(super) fn check(tree: &Tree, found: &mut Vec<Finding>) {
    if !tree.has(FILE) {
        return;
    }
    let Some(text) = tree.text(FILE) else {
        found.push(rules::DOCKER_UNREAD.on(FILE, "is not text", "restore it from version control"));
        return;
    };
    let file = match parse_dockerfile::parse(&text) {
        Ok(file) => file,
        Err(error) => {
            let todo = "correct it; `docker build --check .` says the same";
            found.push(rules::DOCKER_UNREAD.at(FILE, error.line().max(1), error.to_string(), todo));
            return;
        }
    };
    let mut defaults = HashMap::new();
    for argument in file.global_args() {
        for (name, value) in assignments(&argument.arguments.value, false) {
            defaults.insert(name, value.unwrap_or_default());
        }
    }
    let mut values = defaults.clone();
    for instruction in &file.instructions {
        let (text, bare) = match instruction {
            Instruction::Arg(arg) => (&arg.arguments.value, false),
            Instruction::Env(env) => (&env.arguments.value, true),
            _ => continue,
        };
        values.extend(assignments(text, bare).into_iter().filter_map(|(name, value)| Some((name, value?))));
    }
    Reader { text: &text, file: &file, defaults, values, found }.read();
}

impl Reader<'_, '_> {
    fn read(mut self) {
        let stages: Vec<Stage<'_, '_>> = self.file.stages().collect();
        for stage in &stages {
            self.image(stage.from, &stages);
        }
        for instruction in &self.file.instructions {
            match instruction {
                Instruction::Add(add) => self.add(add),
                Instruction::Arg(arg) => self.secret(&arg.arguments.value, arg.arg.span.start, false),
                Instruction::Env(env) => self.secret(&env.arguments.value, env.env.span.start, true),
                _ => {}
            }
        }
        let Some(last) = stages.len().checked_sub(1) else { return };
        if last == 0 {
            let at = stages[0].from.from.span.start;
            let todo = "build in a stage of its own and COPY --from it into the last one";
            self.push(
                &rules::DOCKER_ONE_STAGE,
                at,
                "what builds the service is in the image that runs".to_owned(),
                todo,
            );
        }
        let chain = chain(&stages, last);
        self.user(&stages, &chain);
        self.health(&stages, &chain);
        for index in chain {
            for instruction in stages[index].instructions {
                if let Instruction::Run(run) = instruction {
                    self.caches(run);
                }
            }
        }
    }

    fn line(&self, at: usize) -> usize {
        let before = self.text.as_bytes().get(..at).unwrap_or_default();
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }

    fn push(&mut self, rule: &super::Rule, at: usize, what: String, todo: &str) {
        let line = self.line(at);
        self.found.push(rule.at(FILE, line, what, todo));
    }

    fn image(&mut self, from: &FromInstruction<'_>, stages: &[Stage<'_, '_>]) {
        let written = from.image.value.as_ref();
        if written == "scratch" || index_of(stages, written).is_some() {
            return;
        }
        let image = filled(written, &self.defaults);
        let (name, digest) = image.split_once('@').unwrap_or((&image, ""));
        let tag = name.rsplit('/').next().and_then(|last| last.split_once(':')).map(|(_, tag)| tag);
        let problem = match tag {
            _ if digest.starts_with("sha256:") => return,
            None | Some("") => "has no tag",
            Some("latest") => "has the tag latest",
            Some(tag) if tag.contains('$') => "has a tag that only the build knows",
            Some(_) => return,
        };
        let what = format!("the base image {written} {problem}: it can be another one tomorrow");
        self.push(&rules::DOCKER_IMAGE, from.from.span.start, what, "name an exact version, or a digest");
    }

    fn add(&mut self, add: &AddInstruction<'_>) {
        let verified = add.options.iter().any(|flag| flag.name.value == "checksum");
        let remote = add.src.iter().any(|source| match source {
            Source::Path(path) => path.value.starts_with("http://") || path.value.starts_with("https://"),
            _ => false,
        });
        if remote && !verified {
            let what = "ADD takes whatever the address gives on the day of the build".to_owned();
            let todo = "use ADD --checksum=sha256:..., or RUN that downloads and compares the digest";
            self.push(&rules::DOCKER_ADD_URL, add.add.span.start, what, todo);
        }
    }

    fn secret(&mut self, arguments: &str, at: usize, bare: bool) {
        for (name, value) in assignments(arguments, bare) {
            let set =
                value.as_deref().is_none_or(|value| !value.is_empty() && !value.starts_with("/run/secrets"));
            if names_a_secret(&name) && set {
                let what = format!("{name} stays readable in the image's history");
                let todo =
                    "at build time: RUN --mount=type=secret; at run time: the environment of the service";
                self.push(&rules::DOCKER_SECRET, at, what, todo);
            }
        }
    }

    fn user(&mut self, stages: &[Stage<'_, '_>], chain: &[usize]) {
        let end = stages[chain[0]].from.from.span.start;
        let last = chain.iter().find_map(|index| {
            stages[*index].instructions.iter().rev().find_map(|instruction| match instruction {
                Instruction::User(user) => Some((user.user.span.start, user.arguments.value.to_string())),
                _ => None,
            })
        });
        let todo = "add USER 10001 before ENTRYPOINT, after whatever needs root";
        let Some((at, written)) = last else {
            self.push(&rules::DOCKER_USER, end, "the service runs as root".to_owned(), todo);
            return;
        };
        let filled = filled(&written, &self.values);
        let id = filled.split(':').next().unwrap_or_default();
        match id.parse::<u32>() {
            _ if id == "root" => {
                self.push(&rules::DOCKER_USER, at, "the service runs as root".to_owned(), todo);
            }
            Ok(0) => self.push(&rules::DOCKER_USER, at, "the service runs as root".to_owned(), todo),
            Ok(_) => {}
            Err(_) => {
                let what = format!(
                    "the user {written} is a name; what runs containers cannot tell that it is not root"
                );
                self.push(&rules::DOCKER_USER, at, what, "write its number");
            }
        }
    }

    fn health(&mut self, stages: &[Stage<'_, '_>], chain: &[usize]) {
        let last = chain.iter().find_map(|index| {
            stages[*index].instructions.iter().rev().find_map(|instruction| match instruction {
                Instruction::Healthcheck(check) => {
                    Some(matches!(check.arguments, HealthcheckArguments::Cmd { .. }))
                }
                _ => None,
            })
        });
        if last != Some(true) {
            let at = stages[chain[0]].from.from.span.start;
            let todo = "add HEALTHCHECK CMD that asks /livez";
            self.push(&rules::DOCKER_HEALTHCHECK, at, "there is no HEALTHCHECK".to_owned(), todo);
        }
    }

    fn caches(&mut self, run: &RunInstruction<'_>) {
        let mut script = match &run.arguments {
            Command::Shell(text) => text.value.to_owned(),
            Command::Exec(words) => {
                words.value.iter().map(|w| w.value.as_ref()).collect::<Vec<_>>().join(" ")
            }
            _ => String::new(),
        };
        for document in &run.here_docs {
            script.push('\n');
            script.push_str(&document.value);
        }
        let mounted = run.options.iter().any(|flag| {
            flag.name.value == "mount"
                && flag.value.as_ref().is_some_and(|value| value.value.contains("type=cache"))
        });
        if mounted {
            return;
        }
        let off = |name: &str| self.text.contains(name);
        let left = [
            ("apt-get install", "rm -rf /var/lib/apt/lists", false),
            ("apt install", "rm -rf /var/lib/apt/lists", false),
            ("apk add", "--no-cache", script.contains("rm -rf /var/cache/apk")),
            ("pip install", "--no-cache-dir", off("PIP_NO_CACHE_DIR=")),
            ("npm ci", "npm cache clean", false),
            ("npm install", "npm cache clean", false),
            ("dnf install", "dnf clean", false),
            ("yum install", "yum clean", false),
        ];
        for (installs, cleans, clean) in left {
            if script.contains(installs) && !script.contains(cleans) && !clean {
                let what = format!("`{installs}` leaves its cache in the image");
                let todo = format!("use RUN --mount=type=cache, or `{cleans}` in the same RUN");
                self.push(&rules::DOCKER_CACHE, run.run.span.start, what, &todo);
            }
        }
    }
}

/// A text with variables replaced by their values, where they have one.
fn filled(text: &str, values: &HashMap<String, String>) -> String {
    let mut text = text.to_owned();
    for (name, value) in values.iter().filter(|(_, value)| !value.is_empty()) {
        text = text.replace(&format!("${{{name}}}"), value).replace(&format!("${name}"), value);
    }
    text
}

/// The place of the stage with a name; names ignore case.
fn index_of(stages: &[Stage<'_, '_>], name: &str) -> Option<usize> {
    stages.iter().position(|stage| {
        stage.from.as_.as_ref().is_some_and(|(_, own)| own.value.eq_ignore_ascii_case(name))
    })
}

/// The last stage and those it is built on, the last first.
fn chain(stages: &[Stage<'_, '_>], last: usize) -> Vec<usize> {
    let mut chain = vec![last];
    while chain.len() < DEEPEST {
        let on = chain.last().and_then(|index| index_of(stages, &stages[*index].from.image.value));
        match on {
            Some(next) if !chain.contains(&next) => chain.push(next),
            _ => break,
        }
    }
    chain
}

/// The names and values of `ARG` and `ENV`; `bare` also reads the older form `ENV name value`.
fn assignments(text: &str, bare: bool) -> Vec<(String, Option<String>)> {
    let text = text.trim();
    if bare
        && let Some((name, value)) = text.split_once(char::is_whitespace)
        && !name.contains('=')
    {
        return vec![(name.to_owned(), Some(value.trim().to_owned()))];
    }
    let unquoted = |value: &str| value.trim_matches(['"', '\'']).to_owned();
    ASSIGNMENT
        .captures_iter(text)
        .map(|found| (found[1].to_owned(), found.get(2).map(|value| unquoted(value.as_str()))))
        .collect()
}
