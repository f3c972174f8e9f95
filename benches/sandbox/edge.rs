//! The edge beside nginx, in front of the same service.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    Arguments, Failed,
    daemon::Daemon,
    figures::{median, quantile, table},
    load::{Outcome, flat_out, steady},
};

/// Two processors, for whoever is in front.
const FRONT: &str = "0,1";
const CALLERS: usize = 64;
/// Requests a second at which latencies are compared: what all of them can take.
const STEADY: f64 = 2_000.0;

const BODY: &str = "{\"hello\":\"world\"}";

/// The service: one thread for each connection, one answer for everything.
pub fn serve() -> Result<(), Failed> {
    let port: u16 = std::env::var("PORT")?.parse()?;
    let listener = TcpListener::bind((std::env::var("HOST")?.as_str(), port))?;
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    loop {
        let (mut stream, _) = listener.accept()?;
        let answer = answer.clone();
        std::thread::spawn(move || {
            let _ = stream.set_nodelay(true);
            let (mut held, mut buffer) = (Vec::new(), [0; 8192]);
            while let Ok(read) = stream.read(&mut buffer)
                && read > 0
            {
                held.extend_from_slice(&buffer[..read]);
                // Requests of this bench and of health checks have no bodies.
                while let Some(end) = held.windows(4).position(|four| four == b"\r\n\r\n") {
                    held.drain(..end + 4);
                    if stream.write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
            }
        });
    }
}

struct Nginx {
    child: Child,
    port: u16,
    _dir: tempfile::TempDir,
}

impl Nginx {
    /// A reverse proxy with connections that stay open on both sides, and no log: what an edge of this kind would be set to.
    fn start(upstream: u16) -> Result<Self, Failed> {
        let dir = tempfile::tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let here = dir.path().display();
        let config = format!(
            "worker_processes 2; daemon off; error_log stderr crit; pid {here}/pid;\n\
             events {{ worker_connections 1024; }}\n\
             http {{ access_log off; client_body_temp_path {here}/b; proxy_temp_path {here}/p; fastcgi_temp_path {here}/f;\n\
             uwsgi_temp_path {here}/u; scgi_temp_path {here}/s; keepalive_requests 1000000000;\n\
             upstream service {{ server 127.0.0.1:{upstream}; keepalive 128; keepalive_requests 1000000000; }}\n\
             server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://service; proxy_http_version 1.1;\n\
             proxy_set_header connection \"\"; proxy_set_header host $host; }} }} }}\n"
        );
        let file = dir.path().join("nginx.conf");
        fs::write(&file, config)?;
        let child = Command::new("taskset")
            .args(["-c", FRONT, "nginx", "-c"])
            .arg(&file)
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("nginx, the peer, does not start: {error}"))?;
        let nginx = Self { child, port, _dir: dir };
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if began.elapsed() > Duration::from_secs(10) {
                return Err("nginx, the peer, does not listen; is it installed?".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(nginx)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let id = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}

/// A project whose service is this very program.
pub fn deploy(daemon: &Daemon) -> Result<PathBuf, Failed> {
    let root = daemon.dir.path().join("hello");
    fs::create_dir_all(root.join(".pave/process"))?;
    let program = std::env::current_exe()?;
    fs::write(
        root.join("pave.toml"),
        "[service]\nname = \"hello\"\nowner = \"bench\"\nlanguage = \"rust\"\n[environments.sandbox]\ntarget = \"sandbox\"\n",
    )?;
    fs::write(
        root.join(".pave/process/buildspec.yml"),
        "version: 0.2\nphases:\n  build:\n    commands:\n      - 'true'\n",
    )?;
    let entry = serde_json::json!({ "exclude": [".pave/**"], "config": {
        "Entrypoint": ["taskset", "-c", "2,3", program, "--serve"], "Env": [], "ExposedPorts": {}, "WorkingDir": "/app" } });
    fs::write(root.join(".pave/process/image.json"), entry.to_string())?;
    daemon.pave(&root, &["deploy"])?;
    Ok(root)
}

fn request(host: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nhost: {host}\r\ncookie: pave_bucket=user-1\r\n\r\n").into_bytes()
}

/// One arm of the comparison, over all rounds.
#[derive(Default)]
struct Arm {
    per_second: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
}

impl Arm {
    fn take(&mut self, fast: &Outcome, slow: &Outcome) {
        self.per_second.push(fast.per_second);
        self.p50.push(quantile(&slow.latencies, 0.5));
        self.p99.push(quantile(&slow.latencies, 0.99));
    }

    fn row(&self, name: &str, nginx: &Self, bare: &Self) -> Vec<String> {
        let per_second = median(&self.per_second);
        vec![
            name.to_owned(),
            format!("{per_second:.0}"),
            format!("{:.2}", per_second / median(&nginx.per_second)),
            format!("{:.2}", median(&self.p50)),
            format!("{:.2}", median(&self.p99)),
            format!("{:+.2}", median(&self.p99) - median(&bare.p99)),
        ]
    }
}

pub fn measure(arguments: &Arguments) -> Result<(), Failed> {
    let daemon = Daemon::start(&arguments.binary, Some(FRONT))?;
    deploy(&daemon)?;
    let upstream = upstream(&daemon)?;
    let nginx = Nginx::start(upstream)?;
    let time = Duration::from_secs(arguments.seconds);
    let (mut edge, mut peer, mut bare) = (Arm::default(), Arm::default(), Arm::default());
    for _ in 0..arguments.rounds {
        for (arm, port, host) in [
            (&mut bare, upstream, "localhost".to_owned()),
            (&mut peer, nginx.port, "localhost".to_owned()),
            (&mut edge, daemon.edge, format!("hello.sandbox.localhost:{}", daemon.edge)),
        ] {
            let fast = flat_out(port, &request(&host), CALLERS, time)?;
            arm.take(&fast, &steady(port, &request(&host), 16, STEADY, time)?);
        }
    }
    let rows = [("the service itself", &bare), ("nginx", &peer), ("edge", &edge)];
    table(
        &format!("The edge on 2 cores, {CALLERS} callers; latencies in ms at {STEADY} requests/s"),
        &["who answers", "requests/s", "of nginx", "p50", "p99", "p99 added"],
        &rows.map(|(name, arm)| arm.row(name, &peer, &bare)),
    );
    Ok(())
}

/// The port of the service's instance: the child of the sandbox that listens.
fn upstream(daemon: &Daemon) -> Result<u16, Failed> {
    for entry in fs::read_dir("/proc")? {
        let dir = entry?.path();
        let read = |name: &str| fs::read(dir.join(name)).unwrap_or_default();
        if !String::from_utf8_lossy(&read("cmdline")).contains("--serve\0") {
            continue;
        }
        let status = String::from_utf8_lossy(&read("status")).into_owned();
        if !status.contains(&format!("PPid:\t{}\n", daemon.id)) {
            continue;
        }
        let environment = String::from_utf8_lossy(&read("environ")).into_owned();
        if let Some(port) = environment.split('\0').find_map(|one| one.strip_prefix("PORT=")) {
            return Ok(port.parse()?);
        }
    }
    Err("the service runs nowhere".into())
}
