//! A generated project, and ways to break it.

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde_json::Value;

use crate::support::{Background, Place};

/// A project to break.
pub struct Broken<'a> {
    pub place: &'a Place,
    pub root: PathBuf,
}

impl Broken<'_> {
    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let full = self.root.join(path);
        fs::create_dir_all(full.parent().expect("inside")).expect("dirs");
        fs::write(full, bytes).expect("writes");
    }

    #[track_caller]
    pub fn edit(&self, path: &str, find: &str, replace: &str) {
        let text = fs::read_to_string(self.root.join(path)).expect("reads");
        assert!(text.contains(find), "`{find}` is not in {path}:\n{text}");
        self.write(path, text.replacen(find, replace, 1));
    }

    pub fn append(&self, path: &str, more: &str) {
        let text = fs::read_to_string(self.root.join(path)).expect("reads");
        self.write(path, text + more);
    }

    pub fn remove(&self, path: &str) {
        fs::remove_file(self.root.join(path)).expect("removes");
    }

    /// A first migration that makes a table, and a second one that does `sql` to it.
    pub fn migrate(&self, sql: &str) {
        self.write(
            "migrations/0001_things.up.sql",
            "CREATE TABLE things (id bigint PRIMARY KEY, name text);\n",
        );
        self.write("migrations/0001_things.down.sql", "DROP TABLE things;\n");
        self.write("migrations/0002_next.up.sql", format!("SET LOCAL lock_timeout = '2s';\n{sql}\n"));
        self.write("migrations/0002_next.down.sql", "SELECT 1;\n");
    }

    /// A migration that may hold nothing but `sql`.
    pub fn migrate_alone(&self, sql: &str) {
        self.migrate("");
        self.write("migrations/0002_next.up.sql", sql);
    }

    pub fn workflow(&self, top: &str, steps: &str) {
        let text = format!(
            "name: extra\non: pull_request\n{top}jobs:\n  one:\n    runs-on: ubuntu-latest\n    steps:\n{steps}"
        );
        self.write(".github/workflows/extra.yml", text);
    }

    /// Lets `check` find git, besides which its PATH has nothing.
    pub fn with_git(&self) -> PathBuf {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let git = std::env::split_paths(&path).map(|dir| dir.join("git")).find(|git| git.is_file());
        let link = self.place.path().join("git");
        std::os::unix::fs::symlink(git.expect("git is installed"), &link).expect("links");
        link
    }

    pub fn render(&self) {
        let dir = self.root.to_str().expect("UTF-8");
        let spec = self.root.join("pave.toml");
        self.place.pave(&["new", "--spec", spec.to_str().expect("UTF-8"), "--dir", dir]).expect(0);
    }

    /// Every finding as (severity, rule), and how the command ended.
    pub fn found(&self, more: &[&str]) -> (BTreeMap<String, String>, i32, Vec<Value>) {
        let dir = self.root.to_str().expect("UTF-8");
        let mut command = self.place.command(&[&["check", "-o", "json", dir], more].concat());
        // Whatever this machine has installed is no part of what is shown here.
        command.env("PATH", self.place.path());
        let run = Background::start(command).end();
        let lines: Vec<Value> = run
            .out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {run:#?}")))
            .collect();
        assert_eq!(lines.last().expect("a last line")["type"], "checked", "{run:#?}");
        let findings: Vec<Value> = lines.into_iter().filter(|line| line["type"] == "finding").collect();
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let rules = findings.iter().map(|found| (text(&found["rule"]), text(&found["severity"]))).collect();
        (rules, run.code, findings)
    }
}

/// The head of a spec that leaves nothing open.
pub const SPEC: &str = "[service]\nname = \"orders\"\ndescription = \"Takes orders\"\nowner = \"payments\"\non_call = \"payments@shop.test\"\n";

/// A new project.
pub fn fresh<'a>(place: &'a Place, language: &str, rest: &str) -> Broken<'a> {
    let spec = place.path().join("spec.toml");
    fs::write(&spec, format!("{SPEC}language = \"{language}\"\n{rest}")).expect("writes");
    let root = place.path().join("orders");
    place.pave(&["new", "--spec", "spec.toml", "--dir", "orders"]).expect(0);
    Broken { place, root }
}

/// One with nothing to find.
pub fn clean<'a>(place: &'a Place, language: &str) -> Broken<'a> {
    let project = fresh(place, language, "");
    project.write("CODEOWNERS", "* @shop/payments\n");
    project
}
