//! The engine of this machine: found, looked at, asked.
//!
//! Instances and builds reach the sandbox on loopback, and the sandbox reaches them there. So the engine has to share this
//! machine's network: one that is rootless or in a virtual machine has a loopback of its own.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use bollard::{API_DEFAULT_VERSION, Docker, errors::Error};

/// Where an engine listens unless `DOCKER_HOST` says otherwise.
pub const SOCKET: &str = "/var/run/docker.sock";

/// How long an engine may take to say that it is there.
const PROBE: Duration = Duration::from_secs(2);

/// Seconds that one request may take until its answer begins: a pull answers as it goes.
const REQUEST: u64 = 120;

/// Why Docker cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    /// Nothing answers.
    #[error("no Docker engine answers at {}: {why}", socket.display())]
    NoAnswer {
        /// Where it was looked for.
        socket: PathBuf,
        /// What came instead.
        why: String,
    },
    /// It is somewhere else.
    #[error(
        "DOCKER_HOST is {0}, and only an engine of this machine, behind a unix:// socket, reaches the sandbox on loopback"
    )]
    Elsewhere(String),
    /// It has a loopback of its own.
    #[error("the Docker engine at {} {what}, so that its containers have another loopback than this machine", socket.display())]
    Apart {
        /// Where it is.
        socket: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// It cannot do what the builds of a project do.
    #[error("the Docker engine at {} does not keep its images in containerd, which builds need to keep their cache in a registry", .0.display())]
    ImageStore(PathBuf),
    /// There is no client that builds.
    #[error("no `docker` in PATH has buildx, which builds are made with")]
    NoBuildx,
    /// It refused.
    #[error("the Docker engine refused: {0}")]
    Refused(String),
}

impl From<Error> for EngineError {
    fn from(error: Error) -> Self {
        Self::Refused(error.to_string())
    }
}

/// Where this machine's engine is: `DOCKER_HOST`, else the usual socket.
pub fn usual_socket() -> Result<PathBuf, EngineError> {
    match std::env::var("DOCKER_HOST") {
        Ok(host) if !host.is_empty() => match host.strip_prefix("unix://") {
            Some(path) => Ok(PathBuf::from(path)),
            None => Err(EngineError::Elsewhere(host)),
        },
        _ => Ok(PathBuf::from(SOCKET)),
    }
}

/// Connects to the engine behind a socket.
pub async fn connect(socket: &Path) -> Result<Docker, EngineError> {
    let silent = |why: String| EngineError::NoAnswer { socket: socket.to_owned(), why };
    let path = socket.to_str().ok_or_else(|| silent("its path is not UTF-8".to_owned()))?;
    let docker = Docker::connect_with_unix(path, REQUEST, API_DEFAULT_VERSION)
        .map_err(|error| silent(error.to_string()))?;
    match tokio::time::timeout(PROBE, docker.negotiate_version()).await {
        Ok(Ok(docker)) => Ok(docker),
        Ok(Err(error)) => Err(silent(error.to_string())),
        Err(_) => Err(silent(format!("nothing came within {} s", PROBE.as_secs()))),
    }
}

/// Connects to an engine that has all that is needed, and finds the client that builds with it.
pub async fn fit(socket: &Path) -> Result<(Docker, PathBuf), EngineError> {
    let docker = connect(socket).await?;
    let info = docker.info().await?;
    let apart = |what| Err(EngineError::Apart { socket: socket.to_owned(), what });
    let options = info.security_options.unwrap_or_default();
    if options.iter().any(|option| option.contains("name=rootless")) {
        return apart("is rootless");
    }
    if info.operating_system.is_some_and(|name| name.contains("Docker Desktop")) {
        return apart("is Docker Desktop's, in a virtual machine");
    }
    // Source: Docker documentation, "containerd image store": what `docker info` says of it.
    let status = info.driver_status.unwrap_or_default();
    if !status.iter().flatten().any(|word| word == "io.containerd.snapshotter.v1") {
        return Err(EngineError::ImageStore(socket.to_owned()));
    }
    let client = client().await.ok_or(EngineError::NoBuildx)?;
    Ok((docker, client))
}

/// The first `docker` in PATH that has buildx.
async fn client() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    for docker in std::env::split_paths(&path).map(|dir| dir.join("docker")).filter(|path| path.is_file()) {
        let mut command = tokio::process::Command::new(&docker);
        command.args(["buildx", "version"]).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let status = tokio::time::timeout(PROBE * 5, command.status()).await;
        if status.is_ok_and(|status| status.is_ok_and(|status| status.success())) {
            return Some(docker);
        }
    }
    None
}

/// Whether what was asked for is not there.
pub fn is_missing(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 404, .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_that_nobody_listens_on_is_named() {
        let dir = tempfile::tempdir().expect("a directory");
        let socket = dir.path().join("nobody.sock");
        let error = connect(&socket).await.expect_err("nobody answers");
        assert!(matches!(error, EngineError::NoAnswer { .. }), "{error}");
        assert!(error.to_string().contains("nobody.sock"), "{error}");
    }

    #[tokio::test]
    async fn an_engine_that_does_not_answer_is_not_waited_for() {
        let dir = tempfile::tempdir().expect("a directory");
        let socket = dir.path().join("silent.sock");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("binds");
        let began = std::time::Instant::now();
        let error = connect(&socket).await.expect_err("nobody answers");
        assert!(matches!(error, EngineError::NoAnswer { .. }), "{error}");
        assert!(began.elapsed() < PROBE * 3);
    }
}
