//! What several tests need: a place with a sandbox of its own, a small real service, users.

#![allow(dead_code, reason = "each test crate uses its part")]

pub mod aws;
pub mod languages;
pub mod python;

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use serde_json::Value;

/// A directory with a sandbox of its own, stopped and removed at the end.
pub struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self { dir: tempfile::Builder::new().prefix("pave-test-").tempdir().expect("a temporary directory") }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn project(&self) -> PathBuf {
        self.path().join("mini")
    }

    pub fn sandbox(&self) -> PathBuf {
        self.path().join("sandbox")
    }

    /// The binary, pointed at this place.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pave"));
        let dir = if self.project().is_dir() { self.project() } else { self.path().to_owned() };
        command.args(arguments).current_dir(dir).env("PAVE_SANDBOX_DIR", self.sandbox()).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if (name.starts_with("PAVE_") && name != "PAVE_SANDBOX_DIR") || name.starts_with("AWS_") {
                command.env_remove(name);
            }
        }
        // An engine that happens to run must not make another test of this one.
        command.env("PAVE_SANDBOX_RUNTIME", "process");
        command.env("PAVE_SANDBOX_DIR", self.sandbox()).env("NO_COLOR", "1");
        command
    }

    pub fn pave(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments).output().expect("pave runs"))
    }

    /// The JSON of a command that prints one object.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let run = self.pave(&[arguments, &["-o", "json"]].concat());
        let last = run.out.lines().last().unwrap_or_else(|| panic!("no JSON: {run:?}"));
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {run:?}"))
    }

    pub fn edge(&self) -> u16 {
        self.json(&["sandbox", "status"])["running"]["edge"].as_u64().expect("runs") as u16
    }

    /// Ends the sandbox as a power cut would, and waits until it is gone.
    #[track_caller]
    pub fn kill_sandbox(&self) {
        let running = &self.json(&["sandbox", "status"])["running"];
        let pid = running["pid"].as_i64().expect("a pid") as i32;
        let pid = rustix::process::Pid::from_raw(pid).expect("a pid");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("is there");
        until("the sandbox is gone", || self.json(&["sandbox", "status"])["running"].is_null());
    }

    /// What AWS tools need to reach the sandbox.
    pub fn aws_env(&self) -> BTreeMap<String, String> {
        let Value::Object(map) = self.json(&["sandbox", "env"]) else { panic!("no environment") };
        map.into_iter().map(|(k, v)| (k, v.as_str().expect("text").to_owned())).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.command(&["sandbox", "reset"]).output();
    }
}

/// What a command did.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    #[track_caller]
    pub fn says(&self, text: &str) {
        assert!(self.out.contains(text) || self.err.contains(text), "`{text}` is not in {self:#?}");
    }
}

/// A real service of a few lines that needs nothing but Python's own library, so that a build takes a moment.
pub struct Mini<'a> {
    place: &'a Place,
}

const APP: &str = r#"import http.server, json, os, signal, sys, threading, time

FAIL_EVERY = 0
START_SECONDS = 0.0
HEALTHY = True


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    count = 0

    def do_GET(self):
        status = 200
        if self.path.startswith("/work"):
            Handler.count += 1
            if FAIL_EVERY and Handler.count % FAIL_EVERY == 0:
                status = 500
            time.sleep(0.002)
        elif not HEALTHY:
            status = 503
        body = json.dumps({"release": os.environ.get("PAVE_RELEASE")}).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


time.sleep(START_SECONDS)
server = Server((os.environ["HOST"], int(os.environ["PORT"])), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
print("mini listens as release", os.environ.get("PAVE_RELEASE"), os.environ.get("GREETING", ""), flush=True)
server.serve_forever()
"#;

impl<'a> Mini<'a> {
    /// Makes the project; each bake lasts `bake`.
    pub fn new(place: &'a Place, bake: &str) -> Self {
        let root = place.path().join("mini");
        fs::create_dir_all(root.join(".pave/process")).expect("dirs");
        let spec = format!(
            "[service]\nname = \"mini\"\nowner = \"tests\"\nlanguage = \"python\"\n[rollout]\nbake = \"{bake}\"\nsteps = [20, 100]\n[environments.sandbox]\ntarget = \"sandbox\"\n"
        );
        fs::write(root.join("pave.toml"), spec).expect("writes");
        fs::write(root.join("app.py"), APP).expect("writes");
        let buildspec = "version: 0.2\nphases:\n  build:\n    commands:\n      - python3 -c 'compile(open(\"app.py\").read(), \"app.py\", \"exec\")'\n";
        fs::write(root.join(".pave/process/buildspec.yml"), buildspec).expect("writes");
        let image = r#"{"exclude":[".pave/**"],"config":{"Entrypoint":["python3","app.py"],"Env":[],"ExposedPorts":{},"WorkingDir":"/app"}}"#;
        fs::write(root.join(".pave/process/image.json"), image).expect("writes");
        Self { place }
    }

    /// Replaces a line of the application.
    #[track_caller]
    pub fn edit(&self, find: &str, replace: &str) -> &Self {
        let path = self.place.project().join("app.py");
        let text = fs::read_to_string(&path).expect("reads");
        assert!(text.contains(find), "`{find}` is not in the application");
        fs::write(path, text.replace(find, replace)).expect("writes");
        self
    }
}

/// Users that keep asking through the edge until they are stopped.
pub struct Users {
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<BTreeMap<String, (u64, u64)>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Users {
    /// `threads` users at a time, together at most `per_second` requests a second.
    pub fn start(edge: u16, host: &str, threads: u64, per_second: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::new(Mutex::new(BTreeMap::new()));
        let pause = Duration::from_millis(1000 * threads / per_second);
        let threads = (0..threads)
            .map(|thread| {
                let (stop, seen, host) = (Arc::clone(&stop), Arc::clone(&seen), host.to_owned());
                std::thread::spawn(move || {
                    let mut connection = None;
                    for number in 0u64.. {
                        if stop.load(Ordering::SeqCst) {
                            return;
                        }
                        let began = Instant::now();
                        let user = (number * 31 + thread) % 200;
                        let (arm, failed) = match ask(&mut connection, edge, &host, user) {
                            Ok((status, arm)) => (arm, status >= 400),
                            Err(_) => {
                                connection = None;
                                ("none".to_owned(), true)
                            }
                        };
                        let mut seen = seen.lock().expect("no panic");
                        let count: &mut (u64, u64) = seen.entry(arm).or_default();
                        count.0 += 1;
                        count.1 += u64::from(failed);
                        drop(seen);
                        std::thread::sleep(pause.saturating_sub(began.elapsed()));
                    }
                })
            })
            .collect();
        Self { stop, seen, threads }
    }

    pub fn seen(&self) -> BTreeMap<String, (u64, u64)> {
        self.seen.lock().expect("no panic").clone()
    }

    /// Stops them and returns requests and failures by who answered.
    pub fn stop(self) -> BTreeMap<String, (u64, u64)> {
        self.stop.store(true, Ordering::SeqCst);
        for thread in self.threads {
            thread.join().expect("a user panicked");
        }
        self.seen.lock().expect("no panic").clone()
    }
}

fn ask(
    connection: &mut Option<BufReader<TcpStream>>,
    edge: u16,
    host: &str,
    user: u64,
) -> std::io::Result<(u16, String)> {
    if connection.is_none() {
        let stream = TcpStream::connect(("127.0.0.1", edge))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.set_nodelay(true)?;
        *connection = Some(BufReader::new(stream));
    }
    let stream = connection.as_mut().expect("made above");
    let request =
        format!("GET /work HTTP/1.1\r\nhost: {host}:{edge}\r\ncookie: pave_bucket=user-{user}\r\n\r\n");
    stream.get_mut().write_all(request.as_bytes())?;
    let (mut status, mut arm, mut length) = (0, "none".to_owned(), 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
            status = rest[..3].parse().unwrap_or(0);
        } else if let Some((name, value)) = line.split_once(": ") {
            match name {
                "x-pave-arm" => arm = value.to_owned(),
                "content-length" => length = value.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((status, arm))
}

/// Waits until `done` says so; fails after half a minute.
#[track_caller]
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(30), "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A command in the background whose output is read line by line.
pub struct Background {
    pub child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    readers: Vec<JoinHandle<()>>,
}

impl Background {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let mut readers = Vec::new();
        let pipes: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(child.stdout.take().expect("piped")), Box::new(child.stderr.take().expect("piped"))];
        for pipe in pipes {
            let lines = Arc::clone(&lines);
            readers.push(std::thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                    lines.lock().expect("no panic").push(line);
                }
            }));
        }
        Self { child, lines, readers }
    }

    pub fn has_said(&self, text: &str) -> bool {
        self.lines.lock().expect("no panic").iter().any(|line| line.contains(text))
    }

    #[track_caller]
    pub fn wait_for(&self, text: &str) {
        until(&format!("`{text}` is said; so far: {:#?}", self.lines.lock().expect("no panic")), || {
            self.has_said(text)
        });
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.child.id() as i32).expect("a process id");
        rustix::process::kill_process(pid, signal).expect("is there");
    }

    pub fn end(mut self) -> Run {
        let status = self.child.wait().expect("ends");
        for reader in self.readers {
            let _ = reader.join();
        }
        let out = self.lines.lock().expect("no panic").join("\n");
        Run { code: status.code().unwrap_or(-1), out, err: String::new() }
    }
}

/// Whether a test that needs `what` can run. Where everything is required, a skip is a failure.
#[track_caller]
pub fn have(what: &str, found: bool) -> bool {
    if !found {
        assert!(
            std::env::var("PAVE_TEST_REQUIRE").as_deref() != Ok("all"),
            "{what} is required and was not found"
        );
        eprintln!("skipped: {what} was not found");
    }
    found
}
