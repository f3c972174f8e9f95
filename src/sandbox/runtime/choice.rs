//! Which runtime a sandbox has: chosen when it is first started, and kept for its life, as an image that one of them made
//! is nothing that the other can run.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use super::{
    Pids, Processes, Runtime,
    docker::{self, Containers, EngineError},
    end_builds,
};

/// A kind of runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Processes of this machine.
    #[default]
    Process,
    /// Containers of this machine's Docker engine.
    Docker,
}

impl Kind {
    /// The variable that chooses for whoever is not asked.
    pub const VARIABLE: &'static str = "PAVE_SANDBOX_RUNTIME";

    /// Every kind, by its name.
    pub const NAMES: [&'static str; 2] = ["process", "docker"];

    /// What the variable says, where it is set.
    ///
    /// # Errors
    /// [`RuntimeError::Unknown`].
    pub fn from_environment() -> Result<Option<Self>, RuntimeError> {
        match std::env::var(Self::VARIABLE) {
            Ok(name) if !name.is_empty() => name.parse().map(Some),
            _ => Ok(None),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Process => "process",
            Self::Docker => "docker",
        })
    }
}

impl FromStr for Kind {
    type Err = RuntimeError;

    fn from_str(name: &str) -> Result<Self, RuntimeError> {
        match name {
            "process" => Ok(Self::Process),
            "docker" => Ok(Self::Docker),
            other => Err(RuntimeError::Unknown(other.to_owned())),
        }
    }
}

/// Why a runtime cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// No such kind.
    #[error("there is no runtime `{0}`: it is `process` or `docker`")]
    Unknown(String),
    /// Docker cannot be used.
    #[error(transparent)]
    Docker(#[from] EngineError),
    /// What was left cannot be looked at.
    #[error("what the sandbox started cannot be ended: {0}")]
    Io(#[from] io::Error),
}

/// The runtime of a sandbox, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Chosen {
    /// Its kind.
    pub kind: Kind,
    /// The engine's socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<PathBuf>,
    /// Why it is not Docker although an engine answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
}

/// Chooses: the wanted kind, else Docker where an engine of this machine answers and has all that is needed.
///
/// # Errors
/// Where Docker is wanted and cannot be used.
pub async fn choose(wanted: Option<Kind>) -> Result<Chosen, RuntimeError> {
    if wanted == Some(Kind::Process) {
        return Ok(Chosen::default());
    }
    let socket = docker::usual_socket();
    let found = match &socket {
        Ok(socket) => docker::usable(socket).await,
        Err(error) => Err(error.clone()),
    };
    match (socket, found) {
        (Ok(socket), Ok(())) => Ok(Chosen { kind: Kind::Docker, socket: Some(socket), instead: None }),
        (_, Err(error)) if wanted.is_some() => Err(error.into()),
        (_, Err(EngineError::NoAnswer { .. })) => Ok(Chosen::default()),
        (_, Err(error)) => Ok(Chosen { instead: Some(error.to_string()), ..Chosen::default() }),
        (Err(error), Ok(())) => Err(error.into()),
    }
}

impl Chosen {
    fn socket(&self) -> &Path {
        self.socket.as_deref().unwrap_or(Path::new(docker::SOCKET))
    }

    /// Readies it for the sandbox of an account.
    ///
    /// # Errors
    /// When Docker cannot be used any more.
    pub async fn open(&self, dir: &Path, account: &str) -> Result<Box<dyn Runtime>, RuntimeError> {
        Ok(match self.kind {
            Kind::Process => Box::new(Processes),
            Kind::Docker => Box::new(Containers::open(self.socket(), dir, account).await?),
        })
    }

    /// Ends what a sandbox that was killed left, before its directory goes.
    ///
    /// # Errors
    /// When the engine does not answer: what it has would be left for good.
    pub async fn sweep(&self, dir: &Path, account: &str) -> Result<(), RuntimeError> {
        for file in Pids::FILES {
            Pids::open(dir.join(file))?.end_strangers()?;
        }
        end_builds(&dir.join(Pids::BUILDS));
        if self.kind == Kind::Docker {
            docker::sweep(self.socket(), dir, account).await?;
        }
        Ok(())
    }

    /// For people.
    pub fn words(&self) -> String {
        match (self.kind, &self.instead) {
            (Kind::Docker, _) => {
                format!("builds and instances run in Docker ({})", self.socket().display())
            }
            (Kind::Process, None) => "builds and instances run as processes of this machine".to_owned(),
            (Kind::Process, Some(why)) => {
                format!("builds and instances run as processes of this machine, not in Docker: {why}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn processes_are_had_without_asking_for_an_engine() {
        assert_eq!(choose(Some(Kind::Process)).await.expect("no engine is needed"), Chosen::default());
    }

    #[test]
    fn kinds_have_names() {
        for name in Kind::NAMES {
            assert_eq!(name.parse::<Kind>().expect("known").to_string(), name);
        }
        assert!("podman".parse::<Kind>().expect_err("unknown").to_string().contains("podman"));
    }

    #[test]
    fn a_sandbox_of_before_there_was_a_choice_has_processes() {
        assert_eq!(Chosen::default().kind, Kind::Process);
    }
}
