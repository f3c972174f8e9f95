//! The commands of a build: one shell, told apart by what it prints, with an end whatever they do.

use std::{fs, io, path::Path, process::Stdio, time::Duration};

use rustix::process::{Pid, Signal};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, Command},
    sync::watch,
};

use crate::sandbox::runtime::Room;

use super::{
    buildspec::{Buildspec, Phase, scripts},
    run::{Failure, Run},
};

/// Variables of the sandbox's own environment that a build may see, because reaching package registries can depend on
/// them. Nothing else of it is passed on.
const PASSED_ON: [&str; 9] = [
    "PATH",
    "LANG",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
];

/// Prefixes of further such variables.
const PASSED_ON_PREFIXES: [&str; 5] =
    ["PIP_", "npm_config_", "NPM_CONFIG_", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"];

impl Run {
    fn command(&self, spec: &Buildspec, tree: &Path, room: &Room) -> io::Result<Command> {
        let home = self.world.dir.join("codebuild/home");
        fs::create_dir_all(&home)?;
        let mut command = Command::new("bash");
        command.arg("-s").current_dir(tree).env_clear();
        for (name, value) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if PASSED_ON.contains(&&*text) || PASSED_ON_PREFIXES.iter().any(|prefix| text.starts_with(prefix))
            {
                command.env(&name, value);
            }
        }
        // The user's own registry settings, where there are any; caches stay in the sandbox.
        if let Some(user_home) = std::env::home_dir() {
            let npmrc = user_home.join(".npmrc");
            if npmrc.is_file() {
                command.env("NPM_CONFIG_USERCONFIG", npmrc);
            }
            let pip = [".config/pip/pip.conf", ".pip/pip.conf"].map(|path| user_home.join(path));
            if let Some(file) = pip.iter().find(|path| path.is_file()) {
                command.env("PIP_CONFIG_FILE", file);
            }
        }
        command.env("HOME", &home).env("TMPDIR", self.dir()).env("CODEBUILD_SRC_DIR", tree);
        command
            .env("CODEBUILD_BUILD_ID", &self.id)
            .env("CI", "true")
            .env("AWS_REGION", &self.world.identity.region);
        command.envs(&room.variables).envs(spec.variables()).envs(self.variables());
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true);
        Ok(command)
    }

    /// Runs every command, and tells phases and the log what happens as it does.
    pub(super) async fn commands(
        &self,
        spec: &Buildspec,
        tree: &Path,
        room: &Room,
        mut stopped: watch::Receiver<bool>,
    ) -> Result<(), Failure> {
        let phases = spec.phases();
        let mark = format!("__pave_{}", hex::encode(rand::random::<[u8; 8]>()));
        let (file, post) = (self.dir().join("script.sh"), self.dir().join("post_build.sh"));
        let (main, after) = scripts(&phases, &mark, &post.to_string_lossy());
        fs::write(&file, main)?;
        fs::write(post, after)?;
        let mut child = self.command(spec, tree, room)?.spawn()?;
        let pid = child.id();
        if let Some(pid) = pid {
            self.world.codebuild.pids.add(pid)?;
        }
        let mut seen = Seen::default();
        let ended = self.follow(&mut child, &file, &mark, &phases, &mut seen, &mut stopped).await;
        if let Some(group) = pid.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw) {
            // Whatever the commands left running goes with the build.
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
        let status = child.wait().await?;
        if let Some(pid) = pid {
            self.world.codebuild.pids.remove(pid);
        }
        ended?;
        if let Some((p, c)) = seen.running {
            seen.fails(failure(&phases[p].commands[c], &status.to_string()));
        }
        self.end_phase(seen.of_phase.as_ref())?;
        match seen.first {
            Some(failure) => Err(failure),
            None if status.success() => Ok(()),
            None => Err(Failure::new("COMMAND_EXECUTION_ERROR", format!("the shell ended with {status}"))),
        }
    }

    async fn follow(
        &self,
        child: &mut Child,
        file: &Path,
        mark: &str,
        phases: &[Phase],
        seen: &mut Seen,
        stopped: &mut watch::Receiver<bool>,
    ) -> Result<(), Failure> {
        if let Some(mut stdin) = child.stdin.take() {
            // Sourced, so that a command that reads its input does not eat the script.
            stdin.write_all(format!("source '{}' < /dev/null\n", file.display()).as_bytes()).await?;
        }
        let out = child.stdout.take().ok_or_else(|| io::Error::other("the build has no output"))?;
        let mut lines = BufReader::new(out).lines();
        let minutes = self.build["timeoutInMinutes"].as_u64().unwrap_or(60);
        let deadline = tokio::time::sleep(Duration::from_secs(minutes * 60));
        tokio::pin!(deadline);
        loop {
            let line = tokio::select! {
                line = lines.next_line() => line,
                _ = stopped.wait_for(|stop| *stop) => {
                    return Err(Failure { status: "STOPPED", code: "STOPPED", message: "the build was stopped".into() });
                }
                () = &mut deadline => {
                    let message = format!("the build took longer than {minutes} minutes");
                    return Err(Failure { status: "TIMED_OUT", code: "BUILD_TIMED_OUT", message });
                }
            };
            let line = match line {
                Ok(Some(line)) => line,
                Ok(None) => return Ok(()),
                // A line that is not UTF-8 is lost; the build goes on.
                Err(error) if error.kind() == io::ErrorKind::InvalidData => continue,
                Err(error) => return Err(error.into()),
            };
            // A command may have left a line open, before what is said of it.
            let Some((before, said)) = line.split_once(mark) else {
                self.log(&[line]);
                continue;
            };
            if !before.is_empty() {
                self.log(&[before.to_owned()]);
            }
            let words: Vec<usize> = said.split_whitespace().filter_map(|w| w.parse().ok()).collect();
            if let [p, c] = words[..] {
                if seen.phase != Some(p) {
                    self.end_phase(seen.of_phase.take().as_ref())?;
                    self.phase(phases[p].name)?;
                    seen.phase = Some(p);
                }
                self.log(&[format!("[Container] Running command {}", phases[p].commands[c])]);
                seen.running = Some((p, c));
            } else if let [p, c, status] = words[..] {
                seen.running = None;
                if status != 0 {
                    seen.fails(failure(&phases[p].commands[c], &format!("exit status {status}")));
                }
            }
        }
    }
}

fn failure(command: &str, reason: &str) -> Failure {
    let text = format!("Error while executing command: {command}. Reason: {reason}");
    Failure::new("COMMAND_EXECUTION_ERROR", text)
}

/// What the commands told so far.
#[derive(Default)]
struct Seen {
    /// The phase that is open.
    phase: Option<usize>,
    /// The command that runs, with its phase.
    running: Option<(usize, usize)>,
    /// What ended the open phase.
    of_phase: Option<Failure>,
    /// What failed first, which is what the build failed of.
    first: Option<Failure>,
}

impl Seen {
    fn fails(&mut self, failure: Failure) {
        self.first.get_or_insert_with(|| failure.clone());
        self.of_phase = Some(failure);
    }
}
