//! The commands of a build: one shell, told apart by what it prints, with an end whatever they do.

use std::{fs, io, path::Path, process::Stdio, time::Duration};

use rustix::process::{Pid, Signal};
use tokio::{
    io::AsyncWriteExt as _,
    process::{Child, Command},
    sync::watch,
    time::Instant,
};

use crate::sandbox::runtime::{self, Lines, Room};

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

/// What runs commands.
const SHELL: &str = "bash";

/// How long the output of a shell that has ended is read: all who write to it that can be found are ended by then.
const LAST_WORDS: Duration = Duration::from_secs(5);

impl Run {
    fn command(&self, spec: &Buildspec, tree: &Path, room: &Room) -> io::Result<Command> {
        let home = self.world.dir.join("codebuild/home");
        fs::create_dir_all(&home)?;
        let mut command = Command::new(SHELL);
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
        command.env("HOME", &home).env("TMPDIR", self.dir());
        command.env("CI", "true").env("AWS_REGION", &self.world.identity.region);
        command.envs(&room.variables).envs(spec.variables()).envs(self.variables());
        // Nobody else may say these. Source: CodeBuild user guide, "Environment variables in build environments".
        command.env("CODEBUILD_BUILD_ID", &self.id).env(runtime::MARK, tree);
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
        let mut child = self.command(spec, tree, room)?.spawn().map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("{SHELL}, which runs the commands, cannot be started: {error}"),
            )
        })?;
        let pid = child.id();
        if let Some(pid) = pid {
            self.world.codebuild.pids.add(pid)?;
        }
        let mut seen = Seen::default();
        self.go_on(&mut seen, &phases, 0)?;
        let ended = self.follow(&mut child, &file, &mark, &phases, &mut seen, &mut stopped).await;
        self.end_what_is_left(pid);
        let status = child.wait().await?;
        if let Some(pid) = pid {
            self.world.codebuild.pids.remove(pid);
        }
        ended?;
        if let Some((p, c)) = seen.running {
            seen.fails(failure(&phases[p].commands[c], &status.to_string()));
        } else if seen.first.is_none() && !status.success() {
            seen.fails(Failure::new("COMMAND_EXECUTION_ERROR", format!("the shell ended with {status}")));
        }
        if seen.first.is_none() {
            self.go_on(&mut seen, &phases, phases.len() - 1)?;
        }
        self.end_phase(seen.of_phase.as_ref())?;
        seen.first.map_or(Ok(()), Err)
    }

    /// Goes on to a phase, through those that have no commands.
    fn go_on(&self, seen: &mut Seen, phases: &[Phase], to: usize) -> io::Result<()> {
        let next = seen.phase.map_or(0, |phase| phase + 1);
        for (p, phase) in phases.iter().enumerate().take(to + 1).skip(next) {
            self.end_phase(seen.of_phase.take().as_ref())?;
            self.phase(phase.name)?;
            seen.phase = Some(p);
        }
        Ok(())
    }

    /// Whatever the commands left running goes with the build: what is in the shell's group, whether or not the shell is,
    /// and what left it.
    fn end_what_is_left(&self, shell: Option<u32>) {
        if let Some(group) = shell.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw) {
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
        runtime::end_builds(&self.dir());
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
        let mut lines = Lines::of(out);
        let shell = child.id();
        let minutes = self.build["timeoutInMinutes"].as_u64().unwrap_or(60);
        let deadline = tokio::time::sleep(Duration::from_secs(minutes * 60));
        tokio::pin!(deadline);
        let (mut ended, mut blank) = (false, false);
        loop {
            let line = tokio::select! {
                line = lines.next() => line?,
                // What runs in the background keeps the output open, but not the build.
                _ = child.wait(), if !ended => {
                    ended = true;
                    self.end_what_is_left(shell);
                    deadline.as_mut().reset(Instant::now() + LAST_WORDS);
                    continue;
                }
                _ = stopped.wait_for(|stop| *stop) => {
                    return Err(Failure { status: "STOPPED", code: "STOPPED", message: "the build was stopped".into() });
                }
                () = &mut deadline => {
                    if ended {
                        return Ok(());
                    }
                    let message = format!("the build took longer than {minutes} minutes");
                    return Err(Failure { status: "TIMED_OUT", code: "BUILD_TIMED_OUT", message });
                }
            };
            let Some(line) = line else { return Ok(()) };
            let Some((before, said)) = line.split_once(mark) else {
                // An empty line that comes before what is said of commands belongs to that.
                if std::mem::replace(&mut blank, line.is_empty()) {
                    self.log(&[String::new()]);
                }
                if !line.is_empty() {
                    self.log(&[line]);
                }
                continue;
            };
            blank = false;
            // Somebody else may have left a line open.
            if !before.is_empty() {
                self.log(&[before.to_owned()]);
            }
            let words: Vec<usize> = said.split_whitespace().filter_map(|w| w.parse().ok()).collect();
            let ([p, c] | [p, c, _]) = words[..] else { continue };
            let Some(command) = phases.get(p).and_then(|phase| phase.commands.get(c)) else { continue };
            if words.len() == 2 {
                self.go_on(seen, phases, p)?;
                self.log(&[format!("[Container] Running command {command}")]);
                seen.running = Some((p, c));
            } else {
                seen.running = None;
                if words[2] != 0 {
                    seen.fails(failure(command, &format!("exit status {}", words[2])));
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
