//! Every language of the blueprint, without and with dependencies: the service is generated, built with its own tests, started,
//! and answers through the edge.

mod support;

use std::{ffi::OsString, fs, path::Path};

use support::{Place, languages};

/// Words that would break out of a string, a comment or a document wherever they were not escaped.
const NASTY: &str = "Takes \\\"orders\\\" & <cards> `now` {{ x }} ${y} */ ''' \\\\ #!";

fn builds_starts_and_answers(language: &str, path: &OsString, names: &[&str]) {
    let place = Place::new();
    let pave = |dir: &Path, arguments: &[&str]| {
        let mut command = place.command(arguments);
        command.env("PATH", path).current_dir(dir);
        support::Background::start(command).end()
    };
    let dependencies = "[[dependencies]]\nname = \"stripe\"\nkind = \"http\"\nurl = \"https://api.stripe.com\"\n\
        [[dependencies]]\nname = \"tax-rates\"\nkind = \"http\"\nurl = \"http://127.0.0.1:9/base\"\ntimeout = \"300ms\"\nfallback = \"default\"\n";
    for name in names {
        let dependencies = if *name == "calling" { dependencies } else { "" };
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
        if *name == "calling" {
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
    if let Some(path) = languages::path("python") {
        builds_starts_and_answers("python", &path, &["plain", "calling"]);
    }
}

#[test]
fn a_typescript_service_builds_starts_and_answers() {
    if let Some(path) = languages::path("typescript") {
        builds_starts_and_answers("typescript", &path, &["plain", "calling"]);
    }
}

#[test]
fn a_rust_service_builds_starts_and_answers() {
    if let Some(path) = languages::path("rust") {
        // Each is compiled from nothing, with its tests: one is enough.
        builds_starts_and_answers("rust", &path, &["calling"]);
    }
}
