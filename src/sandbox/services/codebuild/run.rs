//! One build, from its source to its image.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use rustix::process::{Pid, Signal};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
    sync::watch,
};

use crate::sandbox::{faults::Place, oci, world::World};

use super::{
    buildspec::{Buildspec, script},
    image::{RECIPE, Recipe},
    now,
};

/// Where the buildspec for a machine without containers is in a bundle.
const BUILDSPEC: &str = ".pave/process/buildspec.yml";

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

/// How a build ended badly.
struct Failure {
    status: &'static str,
    code: &'static str,
    message: String,
}

impl Failure {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: "FAILED", code, message: message.into() }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self { status: "FAULT", code: "INTERNAL_ERROR", message: error.to_string() }
    }
}

/// Starts a build in the background.
pub(super) fn spawn(world: &Arc<World>, id: String, build: Value) {
    let (stop, stopped) = watch::channel(false);
    world.codebuild.running().insert(id.clone(), stop);
    let world = Arc::clone(world);
    tokio::spawn(async move {
        let run = Run { world: Arc::clone(&world), id: id.clone(), build };
        run.to_the_end(stopped).await;
        world.codebuild.running().remove(&id);
    });
}

struct Run {
    world: Arc<World>,
    id: String,
    build: Value,
}

impl Run {
    async fn to_the_end(&self, stopped: watch::Receiver<bool>) {
        let result = self.steps(stopped).await;
        let (status, failed) = match &result {
            Ok(()) => ("SUCCEEDED", None),
            Err(failure) => (failure.status, Some(failure)),
        };
        if let Some(failure) = failed {
            self.log(&[format!("[Container] {}: {}", failure.code, failure.message)]);
        }
        let _ = self.world.codebuild.change(&self.id, |build| {
            close_phase(build, failed);
            let at = now();
            if let Some(phases) = build["phases"].as_array_mut() {
                phases.push(json!({ "phaseType": "COMPLETED", "startTime": at }));
            }
            build["currentPhase"] = json!("COMPLETED");
            build["buildStatus"] = json!(status);
            build["buildComplete"] = json!(true);
            build["endTime"] = json!(at);
        });
        let _ = fs::remove_dir_all(self.dir());
    }

    fn dir(&self) -> PathBuf {
        let uuid = self.id.rsplit(':').next().unwrap_or(&self.id);
        self.world.dir.join("codebuild/work").join(uuid)
    }

    fn log(&self, lines: &[String]) {
        let at = (now() * 1000.0) as i64;
        let group = self.build["logs"]["groupName"].as_str().unwrap_or_default();
        let stream = self.build["logs"]["streamName"].as_str().unwrap_or_default();
        // A log that cannot be written must not end the build.
        let _ = self.world.logs.append(group, stream, at, lines);
    }

    fn phase(&self, name: &str) -> io::Result<()> {
        self.log(&[format!("[Container] Entering phase {name}")]);
        self.world.codebuild.change(&self.id, |build| {
            close_phase(build, None);
            if let Some(phases) = build["phases"].as_array_mut() {
                phases.push(json!({ "phaseType": name, "startTime": now() }));
            }
            build["currentPhase"] = json!(name);
        })
    }

    fn variables(&self) -> BTreeMap<String, String> {
        let list = self.build["environment"]["environmentVariables"].as_array().cloned().unwrap_or_default();
        list.iter()
            .filter_map(|v| Some((v["name"].as_str()?.to_owned(), v["value"].as_str()?.to_owned())))
            .collect()
    }

    async fn steps(&self, stopped: watch::Receiver<bool>) -> Result<(), Failure> {
        for phase in ["QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE"] {
            self.phase(phase)?;
        }
        let tree = self.dir().join("src");
        self.download(&tree)?;
        let text = fs::read_to_string(tree.join(BUILDSPEC)).map_err(|_| {
            let text = format!(
                "{BUILDSPEC} is not in the bundle; this sandbox builds without containers and needs it"
            );
            Failure::new("YAML_FILE_ERROR", text)
        })?;
        let spec = Buildspec::parse(&text)
            .map_err(|why| Failure::new("YAML_FILE_ERROR", format!("{BUILDSPEC}: {why}")))?;
        let recipe =
            Recipe::read(&tree).map_err(|error| Failure::new("YAML_FILE_ERROR", error.to_string()))?;
        self.take_from_cache(&spec, &tree);
        let project = self.build["projectName"].as_str().unwrap_or_default();
        if self.world.faults.strike(Place::Build { project }).then.is_some() {
            self.phase("BUILD")?;
            return Err(Failure::new("COMMAND_EXECUTION_ERROR", "the build fails on purpose"));
        }
        self.commands(&spec, &tree, stopped).await?;
        self.phase("UPLOAD_ARTIFACTS")?;
        let variables = self.variables();
        let wanted = |name: &str| {
            variables.get(name).cloned().ok_or_else(|| {
                Failure::new(
                    "CLIENT_ERROR",
                    format!("the environment variable {name} says where the image goes; it is not set"),
                )
            })
        };
        let (repository, tag) = (wanted("IMAGE_REPOSITORY")?, wanted("IMAGE_TAG")?);
        let name = repository.split_once('/').map_or(repository.as_str(), |(_, name)| name).to_owned();
        let (world, packed_tree) = (Arc::clone(&self.world), tree.clone());
        let digest = tokio::task::spawn_blocking(move || recipe.push(&world, &tree, &name, &tag))
            .await
            .map_err(|error| Failure::from(io::Error::other(error)))?
            .map_err(|error| Failure::new("CLIENT_ERROR", format!("{RECIPE}: {error}")))?;
        self.log(&[format!("[Container] Pushed {repository}@{digest}")]);
        self.phase("FINALIZING")?;
        self.give_to_cache(&spec, &packed_tree);
        Ok(())
    }

    fn cache(&self) -> PathBuf {
        let project = self.build["projectName"].as_str().unwrap_or_default();
        self.world.dir.join("codebuild/cache").join(project)
    }

    /// Moves the folders that the last build left into the tree. A build at the same time finds none and does without:
    /// a cache is a help, and what is in it is checked by the commands that use it.
    fn take_from_cache(&self, spec: &Buildspec, tree: &Path) {
        for folder in spec.cached_folders() {
            let to = tree.join(folder);
            if !to.exists() && fs::rename(self.cache().join(folder), to).is_ok() {
                self.log(&[format!("[Container] {folder} is restored from the cache")]);
            }
        }
    }

    fn give_to_cache(&self, spec: &Buildspec, tree: &Path) {
        let cache = self.cache();
        if fs::create_dir_all(&cache).is_err() {
            return;
        }
        for folder in spec.cached_folders() {
            let to = cache.join(folder);
            let _ = fs::remove_dir_all(&to);
            let _ = fs::rename(tree.join(folder), to);
        }
    }

    fn download(&self, tree: &Path) -> Result<(), Failure> {
        let location = self.build["source"]["location"].as_str().unwrap_or_default();
        let (bucket, key) = location.split_once('/').unwrap_or((location, ""));
        let file =
            self.world.s3.object_path(bucket, key).ok_or_else(|| {
                Failure::new("CLIENT_ERROR", format!("the source {location} does not exist"))
            })?;
        oci::unpack(fs::File::open(file)?, tree).map_err(|error| {
            Failure::new("CLIENT_ERROR", format!("the source {location} cannot be unpacked: {error}"))
        })
    }

    fn command(&self, spec: &Buildspec, tree: &Path) -> io::Result<Command> {
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
        command.envs(spec.variables()).envs(self.variables());
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true);
        Ok(command)
    }

    async fn commands(
        &self,
        spec: &Buildspec,
        tree: &Path,
        mut stopped: watch::Receiver<bool>,
    ) -> Result<(), Failure> {
        use tokio::io::AsyncWriteExt as _;
        let phases = spec.phases();
        let mark = format!("__pave_{}", hex::encode(rand::random::<[u8; 8]>()));
        let file = self.dir().join("script.sh");
        fs::write(&file, script(&phases, &mark))?;
        let mut child = self.command(spec, tree)?.spawn()?;
        let group = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        if let Some(mut stdin) = child.stdin.take() {
            // Sourced, so that a command that reads its input does not eat the script.
            stdin.write_all(format!("source '{}' < /dev/null\n", file.display()).as_bytes()).await?;
        }
        let out = child.stdout.take().ok_or_else(|| io::Error::other("the build has no output"))?;
        let mut lines = BufReader::new(out).lines();
        let minutes = self.build["timeoutInMinutes"].as_u64().unwrap_or(60);
        let deadline = tokio::time::sleep(Duration::from_secs(minutes * 60));
        tokio::pin!(deadline);
        let (mut current, mut open) = (None, None);
        let ended = loop {
            let line = tokio::select! {
                line = lines.next_line() => line,
                _ = stopped.wait_for(|stop| *stop) => {
                    break Err(Failure { status: "STOPPED", code: "STOPPED", message: "the build was stopped".into() });
                }
                () = &mut deadline => {
                    let message = format!("the build took longer than {minutes} minutes");
                    break Err(Failure { status: "TIMED_OUT", code: "BUILD_TIMED_OUT", message });
                }
            };
            let line = match line {
                Ok(Some(line)) => line,
                Ok(None) => break Ok(()),
                // A line that is not UTF-8 is lost; the build goes on.
                Err(error) if error.kind() == io::ErrorKind::InvalidData => continue,
                Err(error) => break Err(error.into()),
            };
            let Some(said) = line.strip_prefix(&mark) else {
                self.log(&[line]);
                continue;
            };
            let words: Vec<usize> = said.split_whitespace().filter_map(|w| w.parse().ok()).collect();
            if let [p, c] = words[..] {
                if open != Some(p) {
                    self.phase(phases[p].name)?;
                    open = Some(p);
                }
                self.log(&[format!("[Container] Running command {}", phases[p].commands[c])]);
                current = Some((p, c, None));
            } else if let [p, c, status] = words[..] {
                current = Some((p, c, Some(status)));
            }
        };
        if let Some(group) = group {
            // Whatever the commands left running goes with the build.
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
        let status = child.wait().await?;
        ended?;
        match current {
            Some((p, c, status_of_command)) if !status.success() || status_of_command.is_none() => {
                let code =
                    status_of_command.map_or_else(|| status.to_string(), |s| format!("exit status {s}"));
                let command = &phases[p].commands[c];
                Err(Failure::new(
                    "COMMAND_EXECUTION_ERROR",
                    format!("Error while executing command: {command}. Reason: {code}"),
                ))
            }
            _ => Ok(()),
        }
    }
}

/// Ends the phase that is open, well or badly.
fn close_phase(build: &mut Value, failed: Option<&Failure>) {
    let Some(phase) = build["phases"].as_array_mut().and_then(|phases| phases.last_mut()) else { return };
    if phase.get("endTime").is_some() {
        return;
    }
    let (start, end) = (phase["startTime"].as_f64().unwrap_or_default(), now());
    phase["endTime"] = json!(end);
    phase["durationInSeconds"] = json!((end - start).round() as i64);
    phase["phaseStatus"] = json!(failed.map_or("SUCCEEDED", |failure| failure.status));
    if let Some(failure) = failed {
        phase["contexts"] = json!([{ "statusCode": failure.code, "message": failure.message }]);
    }
}
