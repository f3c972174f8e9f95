//! Generated services keep the contract; with one protection taken away, exactly that promise is broken.
//!
//! By default the fresh service is tried; with `PAVE_TEST_WHOLE=1` also every mutation of it.

mod support;

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::Deserialize;
use serde_json::Value;
use support::{Background, Place, Run, languages};

/// A service with a database, an API it can do without for a while, and a cache.
const SPEC: &str = r#"
[service]
name = "orders"
owner = "tests"
language = "LANGUAGE"

[[dependencies]]
name = "db"
kind = "postgres"
critical = true

[[dependencies]]
name = "prices"
kind = "http"
url = "https://prices.example.com"
fallback = "stale"

[[dependencies]]
name = "cache"
kind = "redis"
"#;

#[derive(Deserialize)]
struct Mutations {
    mutation: Vec<Mutation>,
}

/// One protection taken away from the generated code.
#[derive(Deserialize)]
struct Mutation {
    id: String,
    removes: String,
    file: String,
    find: String,
    replace: String,
}

impl Mutation {
    /// The file that it changes, as it is.
    fn text(&self, project: &Project) -> String {
        let good = fs::read_to_string(project.dir().join(&self.file))
            .unwrap_or_else(|error| panic!("{}: {error}", self.file));
        let times = good.matches(&self.find).count();
        assert_eq!(times, 1, "{}: {} has its text {times} times", self.id, self.file);
        good
    }
}

/// A generated project and how `pave` is run in it.
struct Project {
    place: Place,
    path: OsString,
}

impl Project {
    fn dir(&self) -> PathBuf {
        self.place.path().join("orders")
    }

    fn pave(&self, dir: &Path, arguments: &[&str]) -> Run {
        let mut command = self.place.command(arguments);
        command.env("PATH", &self.path).current_dir(dir);
        command.envs(languages::rust_settings());
        Background::start(command).end()
    }

    /// Ids that `pave verify` finds broken, and everything it says of them.
    fn broken(&self, arguments: &[&str]) -> (Vec<String>, String) {
        // One at a time: on a machine that is out of breath every time limit would seem broken.
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let run = self.pave(&self.dir(), &[&["verify", "-o", "json", "--jobs", "10"], arguments].concat());
        let lines: Vec<Value> = run.out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let Some(last) = lines.last().filter(|last| last["type"] == "verified") else {
            panic!("no verdict: {run:#?}");
        };
        let failed = last["failed"].as_array().expect("a list").iter();
        let failed: Vec<String> = failed.map(|id| id.as_str().expect("an id").to_owned()).collect();
        assert_eq!(run.code, if failed.is_empty() { 0 } else { 3 }, "{run:#?}");
        let not_run = lines.iter().filter(|line| line["finding"]["verdict"] == "not_run").count();
        assert_eq!(not_run, 0, "{run:#?}");
        let said = lines.iter().filter(|line| line["finding"]["verdict"] == "failed");
        (failed, said.map(|line| format!("{:#}\n", line["finding"])).collect())
    }
}

fn keeps_and_breaks(language: &str) {
    let Some(path) = languages::path(language) else { return };
    let project = Project { place: Place::new(), path };
    let spec = project.place.path().join("orders.toml");
    fs::write(&spec, SPEC.replace("LANGUAGE", language)).expect("writes");
    project.pave(project.place.path(), &["new", "--spec", spec.to_str().expect("UTF-8")]).expect(0);
    let (failed, said) = project.broken(&[]);
    assert!(failed.is_empty(), "a fresh {language} service breaks {failed:?}:\n{said}");

    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/mutations/{language}.toml"));
    let mutations: Mutations =
        toml_edit::de::from_str(&fs::read_to_string(file).expect("there")).expect("of this shape");
    let ids: Vec<&str> = mutations.mutation.iter().map(|one| one.id.as_str()).collect();
    let all: Vec<String> = (1..=15).map(|number| format!("C{number:02}")).collect();
    assert_eq!(ids, all, "one mutation for each promise, in order");
    // Each can be made, also when it is not tried: its text is there, once.
    for one in &mutations.mutation {
        one.text(&project);
    }
    if std::env::var_os("PAVE_TEST_WHOLE").is_none() {
        return;
    }
    let wrong: Vec<String> = mutations.mutation.iter().filter_map(|one| breaks(&project, one)).collect();
    assert!(wrong.is_empty(), "{language}:\n{}", wrong.join("\n"));
}

/// Takes one protection away, and says so if anything else than its promise breaks.
fn breaks(project: &Project, mutation: &Mutation) -> Option<String> {
    let file = project.dir().join(&mutation.file);
    let good = mutation.text(project);
    fs::write(&file, good.replace(&mutation.find, &mutation.replace)).expect("writes");
    let (failed, said) = project.broken(&[]);
    fs::write(&file, good).expect("writes");
    eprintln!("{} without: {} -> {failed:?}", mutation.id, mutation.removes);
    (failed != [mutation.id.as_str()]).then(|| {
        format!("without {} it breaks {failed:?} instead of {}:\n{said}", mutation.removes, mutation.id)
    })
}

#[test]
fn a_python_service_keeps_the_contract_and_each_protection_counts() {
    keeps_and_breaks("python");
}

#[test]
fn a_rust_service_keeps_the_contract_and_each_protection_counts() {
    keeps_and_breaks("rust");
}

#[test]
fn a_typescript_service_keeps_the_contract_and_each_protection_counts() {
    keeps_and_breaks("typescript");
}
