//! Pythons with packages from PyPI, in the target directory. What they bring is held against, so versions are fixed.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use super::Place;

/// AWS's own client for Python; its models are what answers are held against.
pub const CLIENT: &str = "botocore[crt]==1.43.11";

/// A Python that has AWS's own client.
pub fn botocore() -> Option<PathBuf> {
    with("botocore", &[CLIENT])
}

/// A Python that has `packages`, made once under this name.
pub fn with(name: &str, packages: &[&str]) -> Option<PathBuf> {
    let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let program = home.join("bin/python3");
    let known = home.join("packages");
    let wanted = packages.join("\n");
    if std::fs::read_to_string(&known).is_ok_and(|there| there == wanted) {
        return Some(program);
    }
    let venv = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home).status().ok()?;
    let pip = Command::new(&program)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(packages)
        .status()
        .ok()?;
    (venv.success() && pip.success()).then_some(())?;
    std::fs::write(known, wanted).ok()?;
    Some(program)
}

/// Runs a package below `tests/` against the sandbox of a place. It prints one object, whose `problems` have to be none.
pub fn ask(python: &Path, package: &str, place: &Place) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(package);
    let out = Command::new(python)
        .arg(script)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .envs(place.aws_env())
        .output()
        .expect("runs");
    let said: Value = serde_json::from_slice(&out.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&out.stderr)));
    let problems: Vec<&str> =
        said["problems"].as_array().expect("a list").iter().map(|one| one.as_str().expect("text")).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    said
}
