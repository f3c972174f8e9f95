//! Where a command works: the project, its environment, and the ports of that environment.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    aws::{self, Credentials, Settings},
    engine::ports::Ports,
    sandbox::{
        daemon::{self, DaemonError, Record},
        runtime::Kind,
    },
    spec::{Parsed, ResolvedSpec, SANDBOX, parse, resolve, types::Target},
};

use super::{Failure, code, output::Output};

/// A project on disk.
pub struct Project {
    /// Its directory.
    pub root: PathBuf,
    /// Its `pave.toml`.
    pub parsed: Parsed,
}

/// Name of the one file a user edits.
pub const SPEC_FILE: &str = "pave.toml";

/// No spec that a person wrote is larger.
const LARGEST_SPEC: usize = 1024 * 1024;

/// Reads and parses a spec file.
pub fn read_spec(path: &Path) -> Result<Parsed, Failure> {
    let bytes = std::fs::read(path).map_err(|error| {
        let what = format!("{} cannot be read: {error}", path.display());
        Failure::new(code::INVALID, what, "name a file that exists, or make one with `pave new`")
    })?;
    if bytes.len() > LARGEST_SPEC {
        let what = format!("{} has {} bytes; a spec has at most {LARGEST_SPEC}", path.display(), bytes.len());
        return Err(Failure::new(code::INVALID, what, "is this the right file?"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let what = format!("{} is not UTF-8 text: {error}", path.display());
        Failure::new(code::INVALID, what, "save it as UTF-8")
    })?;
    Ok(parse(&path.display().to_string(), &text)?)
}

impl Project {
    /// The project that this directory is in.
    pub fn find() -> Result<Self, Failure> {
        let here = std::env::current_dir().map_err(|error| {
            Failure::new(
                code::INTERNAL,
                format!("the working directory is gone: {error}"),
                "change to one that exists",
            )
        })?;
        Self::around(&here, &here)
    }

    /// The project that a directory is in.
    pub fn at(directory: &Path) -> Result<Self, Failure> {
        let full = directory.canonicalize().map_err(|error| {
            let what = format!("{} cannot be entered: {error}", directory.display());
            Failure::new(code::USAGE, what, "name a directory that exists")
        })?;
        Self::around(&full, Path::new(""))
    }

    fn around(there: &Path, here: &Path) -> Result<Self, Failure> {
        let root = there.ancestors().find(|dir| dir.join(SPEC_FILE).is_file());
        let Some(root) = root else {
            let what = format!("there is no {SPEC_FILE} in {} or above it", there.display());
            return Err(Failure::new(
                code::INVALID,
                what,
                "change to a project, or make one with `pave new`",
            ));
        };
        // A path as short as what was typed reads best in messages.
        let shown = if root == here { PathBuf::from(SPEC_FILE) } else { root.join(SPEC_FILE) };
        Ok(Self { root: root.to_owned(), parsed: read_spec(&shown)? })
    }

    /// The environment asked for, else the only one. Production is never chosen by default.
    pub fn environment(&self, asked: Option<&str>) -> Result<ResolvedSpec, Failure> {
        let known: Vec<&str> = self.parsed.spec.environments.keys().map(String::as_str).collect();
        let name = match (asked, known.as_slice()) {
            (Some(name), _) => name,
            (None, []) => SANDBOX,
            (None, [only]) if !only.starts_with("prod") => only,
            (None, _) => {
                let todo = format!("say which with --env: {}", known.join(", "));
                return Err(Failure::new(
                    code::USAGE,
                    "there is more than one environment, or only production",
                    todo,
                ));
            }
        };
        Ok(resolve(&self.parsed, name)?)
    }
}

/// The ports of one environment, and how its users reach it.
pub struct Connected {
    /// The ports.
    pub ports: Ports,
    /// The users' address, where it is known.
    pub url: Option<String>,
}

/// Wait between two looks at something under way, and resolution of metrics: on this machine and on AWS, whose App Runner
/// metrics come once a minute.
const NEAR: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));
const FAR: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(60));

/// Connects to an environment; starts the sandbox where that is what it is.
pub async fn connect(spec: &ResolvedSpec, output: &Output) -> Result<Connected, Failure> {
    let place = &spec.environment;
    let mut settings = Settings {
        service: spec.service.name.clone(),
        environment: place.name.clone(),
        region: place.region.clone(),
        account: place.account.clone(),
        endpoint_url: None,
        credentials: None,
        poll: FAR.0,
        resolution: FAR.1,
    };
    let mut url = None;
    if place.target == Target::Sandbox {
        let record = sandbox(output)?;
        settings.endpoint_url = Some(record.endpoint_url());
        settings.credentials = Some(Credentials {
            access_key_id: record.identity.access_key_id.clone(),
            secret_access_key: record.identity.secret_access_key.clone(),
        });
        settings.region = Some(record.identity.region.clone());
        settings.account = Some(record.identity.account.clone());
        (settings.poll, settings.resolution) = NEAR;
        url = Some(format!("http://{}.{}.localhost:{}", spec.service.name, place.name, record.edge));
    }
    Ok(Connected { ports: aws::ports(&settings).await?, url })
}

/// The sandbox of this machine, started where it does not run.
pub fn sandbox(output: &Output) -> Result<Record, Failure> {
    let program = std::env::current_exe().map_err(|error| {
        Failure::new(code::INTERNAL, format!("pave does not find itself: {error}"), "run it by its full path")
    })?;
    let arguments = ["sandbox".to_owned(), "serve".to_owned()];
    let wanted = Kind::from_environment().map_err(DaemonError::from)?;
    let (record, started) = daemon::up(&daemon::directory()?, &program, &arguments, wanted)?;
    if started {
        output.progress(&format!(
            "started the sandbox (AWS calls on port {}, the edge on port {}); {}",
            record.api,
            record.edge,
            record.runtime.words()
        ));
    }
    Ok(record)
}
