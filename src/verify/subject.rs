//! The service under experiment: a process from the project's own tree, or a container from its image.
//!
//! Invariant: what was started ends when its handle is dropped. It refuses to know what the service does.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal};
use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::{Child, Command},
};

/// Where a project says how it is run without containers.
pub const IMAGE_FILE: &str = ".pave/process/image.json";

/// Longest wait for the first answer of a service that starts.
const START: Duration = Duration::from_secs(60);

/// `image.json`, as far as it concerns running the tree in place.
#[derive(Debug, Clone, Deserialize)]
pub struct Tree {
    /// Shell commands that make the checkout itself runnable.
    #[serde(default)]
    pub prepare: Vec<String>,
    /// As an OCI image has it.
    pub config: Config,
}

/// The part of an OCI image's configuration that starts it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Config {
    /// Program and arguments.
    pub entrypoint: Vec<String>,
    /// `NAME=value`.
    #[serde(default)]
    pub env: Vec<String>,
}

/// How the service is started.
#[derive(Debug, Clone)]
pub enum Subject {
    /// From a checkout.
    Tree {
        /// The project.
        dir: PathBuf,
        /// Its own words.
        tree: Tree,
    },
    /// From an image of the local Docker engine, read-only, without privileges, on the host's network.
    Image {
        /// Its name.
        reference: String,
        /// The project it was built from.
        dir: PathBuf,
    },
}

/// The service did not come up.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The program cannot be run at all.
    #[error("`{program}` cannot be started: {reason}")]
    NotFound {
        /// Program.
        program: String,
        /// Why.
        reason: io::Error,
    },
    /// It ended, or never answered.
    #[error("the service {how}; its last lines:\n{log}")]
    NotServing {
        /// What it did.
        how: String,
        /// Last lines.
        log: String,
    },
}

/// A program that ran to its end.
#[derive(Debug)]
pub struct Ended {
    /// Exit code; none when a signal ended it or the limit was reached.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Both outputs.
    pub all: String,
}

/// A service that runs.
pub struct Running {
    child: Child,
    container: Option<String>,
    /// `http://127.0.0.1:port`.
    pub base: String,
    /// Port it listens on.
    pub port: u16,
    log: Arc<Mutex<Vec<String>>>,
}

impl Subject {
    /// The project.
    pub fn dir(&self) -> &Path {
        match self {
            Self::Tree { dir, .. } | Self::Image { dir, .. } => dir,
        }
    }

    fn command(&self, container: &str, arguments: &[&str], variables: &BTreeMap<String, String>) -> Command {
        match self {
            Self::Tree { dir, tree } => {
                let mut command = Command::new(&tree.config.entrypoint[0]);
                command.args(&tree.config.entrypoint[1..]).args(arguments).current_dir(dir).env_clear();
                // What a shell needs, and nothing of the caller's credentials or settings.
                for name in ["PATH", "HOME", "LANG", "TMPDIR"] {
                    if let Some(value) = std::env::var_os(name) {
                        command.env(name, value);
                    }
                }
                command.envs(tree.config.env.iter().filter_map(|pair| pair.split_once('=')));
                command.envs(variables);
                command
            }
            Self::Image { reference, .. } => {
                let mut command = Command::new("docker");
                command.args(["run", "--rm", "--name", container, "--network", "host", "--read-only"]);
                command.args(["--cap-drop", "ALL", "--security-opt", "no-new-privileges"]);
                for (name, value) in variables {
                    command.args(["--env", &format!("{name}={value}")]);
                }
                command.arg(reference).args(arguments);
                command
            }
        }
    }

    fn spawn(
        &self,
        container: &str,
        arguments: &[&str],
        variables: &BTreeMap<String, String>,
    ) -> Result<Child, StartError> {
        let mut command = self.command(container, arguments, variables);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command.spawn().map_err(|reason| StartError::NotFound {
            program: command.as_std().get_program().to_string_lossy().into_owned(),
            reason,
        })
    }

    /// Runs the program with arguments until it ends, at most `limit` long.
    ///
    /// # Errors
    /// [`StartError::NotFound`].
    pub async fn run(
        &self,
        arguments: &[&str],
        variables: &BTreeMap<String, String>,
        limit: Duration,
    ) -> Result<Ended, StartError> {
        let container = container_name();
        let child = self.spawn(&container, arguments, variables)?;
        let output = tokio::time::timeout(limit, child.wait_with_output()).await;
        match output {
            Ok(Ok(output)) => {
                let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
                let all = format!("{stdout}{}", String::from_utf8_lossy(&output.stderr));
                Ok(Ended { code: output.status.code(), stdout, all })
            }
            _ => {
                if matches!(self, Self::Image { .. }) {
                    docker(&["kill", &container]).await;
                }
                Ok(Ended { code: None, stdout: String::new(), all: String::new() })
            }
        }
    }

    /// Starts the service on a free port and waits until `/livez` answers.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(&self, variables: &BTreeMap<String, String>) -> Result<Running, StartError> {
        self.start_until("/livez", variables).await
    }

    /// Starts the service on a free port and waits until a GET of `path` is answered 200.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start_until(
        &self,
        path: &str,
        variables: &BTreeMap<String, String>,
    ) -> Result<Running, StartError> {
        let failed = |how: String| StartError::NotServing { how, log: String::new() };
        let port = super::stage::free_port().map_err(|error| failed(error.to_string()))?;
        let mut variables = variables.clone();
        variables.insert("PORT".to_owned(), port.to_string());
        variables.insert("HOST".to_owned(), "127.0.0.1".to_owned());
        // By its release it is told from another service that took the port first.
        let release = format!("verify-{:016x}", rand::random::<u64>());
        variables.insert("PAVE_RELEASE".to_owned(), release.clone());
        let container = container_name();
        let mut child = self.spawn(&container, &[], &variables)?;
        let log = Arc::new(Mutex::new(Vec::new()));
        if let Some(out) = child.stdout.take() {
            keep(out, &log);
        }
        if let Some(err) = child.stderr.take() {
            keep(err, &log);
        }
        let container = matches!(self, Self::Image { .. }).then_some(container);
        let mut running = Running { child, container, base: format!("http://127.0.0.1:{port}"), port, log };
        let caller = super::client::Caller::new(&running.base).map_err(|error| failed(error.to_string()))?;
        let began = Instant::now();
        loop {
            let how = match running.child.try_wait() {
                Ok(Some(status)) => format!("ended while it started ({status})"),
                _ if began.elapsed() > START => format!("did not answer {path} within {} s", START.as_secs()),
                _ => {
                    let second = Duration::from_secs(1);
                    match caller.send("GET", path, &[], "", second).await {
                        Ok(answer) if answer.ok() && is_of(&answer.json(), &release) => return Ok(running),
                        _ => tokio::time::sleep(Duration::from_millis(25)).await,
                    }
                    continue;
                }
            };
            return Err(StartError::NotServing { how, log: running.tail(8) });
        }
    }
}

impl Running {
    /// Process, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Everything it printed so far, line by line.
    pub fn lines(&self) -> Vec<String> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The last lines it printed.
    pub fn tail(&self, lines: usize) -> String {
        let all = self.lines();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    /// Sends SIGTERM.
    pub async fn terminate(&self) {
        self.signal(Signal::TERM, "TERM").await;
    }

    /// Sends SIGKILL and waits for the end.
    pub async fn kill(&mut self) {
        self.signal(Signal::KILL, "KILL").await;
        let _ = self.child.wait().await;
    }

    async fn signal(&self, signal: Signal, name: &str) {
        if let Some(container) = &self.container {
            docker(&["kill", "--signal", name, container]).await;
        } else if let Some(pid) =
            self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw)
        {
            let _ = rustix::process::kill_process(pid, signal);
        }
    }

    /// Waits for the end; `None` when it still runs at the limit.
    pub async fn ended(&mut self, limit: Duration) -> Option<ExitStatus> {
        tokio::time::timeout(limit, self.child.wait()).await.ok()?.ok()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The client process alone would leave its container behind.
        if let Some(container) = self.container.take() {
            let _ = std::process::Command::new("docker")
                .args(["kill", &container])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .and_then(|mut child| child.wait());
        }
    }
}

/// Whether an answer is from the service that was given this release; one that names none cannot be told from others.
fn is_of(answer: &serde_json::Value, release: &str) -> bool {
    answer.get("release").is_none_or(|named| named == release)
}

fn container_name() -> String {
    format!("pave-verify-{:016x}", rand::random::<u64>())
}

async fn docker(arguments: &[&str]) {
    let _ = Command::new("docker").args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status().await;
}

fn keep(pipe: impl AsyncRead + Unpin + Send + 'static, log: &Arc<Mutex<Vec<String>>>) {
    let log = Arc::clone(log);
    tokio::spawn(async move {
        let mut lines = BufReader::new(pipe).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            log.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    });
}
