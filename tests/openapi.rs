//! What a service says of itself is what it does: schemathesis reads its OpenAPI document and finds no answer that breaks it,
//! and no way to a server error.

mod support;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
};

use serde_json::Value;
use support::{Background, Place, Run, have, languages, until};

/// What is looked at. `positive_data_acceptance` is not: a cursor or a key can be of the right type and still be refused.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
    response_schema_conformance,negative_data_rejection,unsupported_method";

/// schemathesis, from PyPI into the target directory.
fn schemathesis() -> Option<PathBuf> {
    let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("schemathesis");
    let program = home.join("bin/schemathesis");
    if !program.is_file() {
        let venv = Command::new("python3").args(["-m", "venv"]).arg(&home).status().ok()?;
        let pip = Command::new(home.join("bin/pip"))
            .args(["install", "--quiet", "--disable-pip-version-check", "schemathesis>=4.32,<5"])
            .status()
            .ok()?;
        if !venv.success() || !pip.success() {
            return None;
        }
    }
    Some(program)
}

/// An API that answers everything with an empty object.
fn upstream() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("binds");
    let port = listener.local_addr().expect("has one").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    port
}

fn answer(mut stream: TcpStream) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let _ = stream.write_all(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
    );
}

/// A process that ends with the test.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(mut command: Command) -> Run {
    command.stdin(Stdio::null());
    Background::start(command).end()
}

fn says_what_it_does(language: &str) {
    let Some(path) = languages::path(language) else { return };
    static ONE: Mutex<()> = Mutex::new(());
    let tester = {
        let _installing = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        schemathesis()
    };
    if !have("schemathesis, from PyPI", tester.is_some()) {
        return;
    }
    let place = Place::new();
    let spec = place.path().join("notes.toml");
    let text = format!(
        "[service]\nname = \"notes\"\nowner = \"tests\"\nlanguage = \"{language}\"\n[[dependencies]]\nname = \"prices\"\nkind = \"http\"\nurl = \"https://prices.example.com\"\n"
    );
    fs::write(&spec, text).expect("writes");
    place.pave(&["new", "--spec", spec.to_str().expect("UTF-8")]).expect(0);
    let dir = place.path().join("notes");
    let image = fs::read_to_string(dir.join(".pave/process/image.json")).expect("there");
    let image: Value = serde_json::from_str(&image).expect("JSON");
    let texts = |list: &Value| -> Vec<String> {
        let items = list.as_array().into_iter().flatten();
        items.map(|item| item.as_str().expect("text").to_owned()).collect()
    };
    for line in texts(&image["prepare"]) {
        let mut command = Command::new("sh");
        command.args(["-c", &line]).env("PATH", &path).envs(languages::rust_settings()).current_dir(&dir);
        run(command).expect(0);
    }
    let port = TcpListener::bind(("127.0.0.1", 0)).expect("binds").local_addr().expect("has one").port();
    let entrypoint = texts(&image["config"]["Entrypoint"]);
    let program_path =
        if entrypoint[0].contains('/') { dir.join(&entrypoint[0]) } else { PathBuf::from(&entrypoint[0]) };
    let mut command = Command::new(program_path);
    command.args(&entrypoint[1..]).current_dir(&dir).env("PATH", &path);
    for pair in texts(&image["config"]["Env"]) {
        let (name, value) = pair.split_once('=').expect("NAME=value");
        command.env(name, value);
    }
    command
        .env("PORT", port.to_string())
        .env("HOST", "127.0.0.1")
        .env("MAX_CONCURRENCY", "200")
        .env("PRICES_URL", format!("http://127.0.0.1:{}", upstream()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let _service = Service(command.spawn().expect("starts"));
    until("the service listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    let mut command = Command::new(tester.expect("found"));
    command
        .args(["run", &format!("http://127.0.0.1:{port}/openapi.json"), "--checks", CHECKS])
        .args(["--max-examples", "40", "--seed", "1", "--no-color"])
        .current_dir(place.path());
    run(command).expect(0);
}

#[test]
fn a_python_service_says_what_it_does() {
    says_what_it_does("python");
}

#[test]
fn a_rust_service_says_what_it_does() {
    says_what_it_does("rust");
}

#[test]
fn a_typescript_service_says_what_it_does() {
    says_what_it_does("typescript");
}
