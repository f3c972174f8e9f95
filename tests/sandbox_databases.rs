//! RDS of the sandbox, seen by botocore and by psql: `tests/sandbox_databases/databases.py` holds what it asks and expects,
//! before and after the sandbox is killed.

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use support::{Place, have, python};

/// What stands in every password that the script chooses; it is to be found in no file.
const MARK: &str = "k33p-this-secret";

/// A Python with botocore, where all else that is needed is there, too.
fn can_run() -> Option<PathBuf> {
    let works = |program: &str, arguments: &[&str]| {
        Command::new(program).args(arguments).output().is_ok_and(|out| out.status.success())
    };
    let servers = works("initdb", &["--version"]) || Path::new("/usr/lib/postgresql").is_dir();
    let python = python::botocore();
    let all = have("botocore, from PyPI", python.is_some())
        && have("psql", works("psql", &["--version"]))
        && have("PostgreSQL", servers);
    all.then_some(python?)
}

#[track_caller]
fn ask(python: &Path, place: &Place, part: &str) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sandbox_databases/databases.py");
    let mut command = Command::new(python);
    command.arg(script).arg(part).arg(place.path().join("noted.json")).envs(place.aws_env());
    command
        .env("HOME", place.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("RDS_DIR", place.sandbox().join("rds"));
    let out = command.output().expect("python3 runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(out.status.success(), "{part}: {}{}", text(&out.stdout), text(&out.stderr));
}

/// Servers whose files are below a folder, by their process.
fn servers(place: &Place) -> Vec<String> {
    let below = fs::canonicalize(place.sandbox()).expect("is there").join("rds");
    let processes = fs::read_dir("/proc").expect("reads").flatten();
    let homes = processes.filter_map(|process| fs::read_link(process.path().join("cwd")).ok());
    homes.filter(|home| home.starts_with(&below)).map(|home| home.display().to_string()).collect()
}

fn no_file_holds(place: &Path, mark: &str) {
    for entry in fs::read_dir(place).expect("reads") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            no_file_holds(&path, mark);
        } else if let Ok(bytes) = fs::read(&path) {
            let found = bytes.windows(mark.len()).any(|part| part == mark.as_bytes());
            assert!(!found, "{} holds a password", path.display());
        }
    }
}

#[test]
fn databases_are_as_rds_has_them_and_outlive_a_kill() {
    let Some(python) = can_run() else { return };
    let place = Place::new();
    place.pave(&["sandbox", "up"]).expect(0);
    ask(&python, &place, "before");
    place.kill_sandbox();
    place.pave(&["sandbox", "up"]).expect(0);
    ask(&python, &place, "after");
    no_file_holds(&place.sandbox().join("rds"), MARK);
    assert!(!servers(&place).is_empty(), "an instance is left running");
    place.pave(&["sandbox", "down"]).expect(0);
    assert_eq!(servers(&place), Vec::<String>::new(), "servers end with their sandbox");
}

#[test]
fn a_stack_makes_a_database_with_a_password_that_nobody_wrote_down() {
    let Some(python) = can_run() else { return };
    let place = Place::new();
    place.pave(&["sandbox", "up"]).expect(0);
    ask(&python, &place, "stacks");
    let noted = fs::read_to_string(place.path().join("noted.json")).expect("is there");
    let password: String = serde_json::from_str(&noted).expect("a text");
    for service in ["cloudformation", "rds", "logs"] {
        if place.sandbox().join(service).is_dir() {
            no_file_holds(&place.sandbox().join(service), &password);
        }
    }
    place.pave(&["sandbox", "down"]).expect(0);
}
