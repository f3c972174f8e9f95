//! A Python with what scripts of tests import.

use std::{path::PathBuf, process::Command};

/// The client, from PyPI into the target directory. Its models are what answers are held against, so its version is fixed.
const CLIENT: &str = "botocore[crt]==1.43.11";

/// A Python that has AWS's own client.
pub fn botocore() -> Option<PathBuf> {
    let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("botocore");
    let program = home.join("bin/python3");
    let known = home.join("client");
    if std::fs::read_to_string(&known).is_ok_and(|version| version == CLIENT) {
        return Some(program);
    }
    let venv = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home).status().ok()?;
    let pip = Command::new(&program)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", CLIENT])
        .status()
        .ok()?;
    (venv.success() && pip.success()).then_some(())?;
    std::fs::write(known, CLIENT).ok()?;
    Some(program)
}
