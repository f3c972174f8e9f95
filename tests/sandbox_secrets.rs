//! Secrets Manager and SSM Parameter Store of the sandbox, seen by botocore, which is what the AWS CLI and boto3 are made
//! of: `tests/sandbox_secrets/` holds what it asks and expects, before and after the sandbox is killed.

mod support;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use support::{Background, Place, have, python, until};

/// What stands in every value that the scripts write; it is to be found nowhere but in the values' own files.
const MARK: &str = "k33p-this-secret";

fn botocore() -> Option<PathBuf> {
    let found = python::botocore();
    have("botocore, from PyPI", found.is_some()).then_some(found?)
}

fn command(python: &Path, place: &Place, script: &str, part: &str) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sandbox_secrets").join(script);
    let mut command = Command::new(python);
    command.arg(script).arg(part).arg(place.path().join("noted.json")).envs(place.aws_env());
    command.env("HOME", place.path()).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

#[track_caller]
fn ask(python: &Path, place: &Place, script: &str, part: &str) {
    let out = command(python, place, script, part).output().expect("python3 runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(out.status.success(), "{part}: {}{}", text(&out.stdout), text(&out.stderr));
}

fn files(dir: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(dir).expect("reads") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// Every value is in a file of its owner's alone, and in no log and no other file.
fn values_are_kept_to_their_owner(place: &Place, service: &str) {
    let (mut all, mut holding) = (Vec::new(), 0);
    files(&place.sandbox(), &mut all);
    for file in all {
        let holds = String::from_utf8_lossy(&fs::read(&file).expect("reads")).contains(MARK);
        let own = file.starts_with(place.sandbox().join(service));
        assert!(own || !holds, "{} holds a value", file.display());
        if own {
            holding += usize::from(holds);
            let mode = |path: &Path| fs::metadata(path).expect("is there").permissions().mode() & 0o777;
            assert_eq!((mode(&file), mode(file.parent().expect("a folder"))), (0o600, 0o700));
        }
    }
    assert!(holding > 0, "no file of {service} holds a value");
}

fn over_a_kill(service: &str) {
    let Some(python) = botocore() else { return };
    let place = Place::new();
    place.pave(&["sandbox", "up"]).expect(0);
    let script = format!("{service}.py");
    ask(&python, &place, &script, "before");
    place.kill_sandbox();
    place.pave(&["sandbox", "up"]).expect(0);
    ask(&python, &place, &script, "after");
    values_are_kept_to_their_owner(&place, service);
}

#[test]
fn secrets_are_as_secrets_manager_has_them_and_outlive_a_kill() {
    over_a_kill("secretsmanager");
}

#[test]
fn parameters_are_as_parameter_store_has_them_and_outlive_a_kill() {
    over_a_kill("ssm");
}

#[test]
fn what_was_acknowledged_outlives_a_kill_in_the_middle_of_writing() {
    let Some(python) = botocore() else { return };
    let place = Place::new();
    place.pave(&["sandbox", "up"]).expect(0);
    let writer = Background::start(command(&python, &place, "ssm.py", "writing"));
    let acknowledged = || fs::read_to_string(place.path().join("noted.json")).ok()?.parse::<u64>().ok();
    until("some writes are acknowledged", || acknowledged().is_some_and(|number| number >= 50));
    place.kill_sandbox();
    writer.end().expect(0);
    place.pave(&["sandbox", "up"]).expect(0);
    ask(&python, &place, "ssm.py", "written");
}
