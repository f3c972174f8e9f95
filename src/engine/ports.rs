//! What the engine needs from the world, one narrow trait per capability, in our own types.
//!
//! Invariant: no type of any SDK appears here, and nothing here tells one cloud, account or sandbox
//! from another. The adapters are in `aws`; the clock is in `engine::clock`.

use std::{path::Path, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::rollout::{Route, Slot, SlotConfig, SlotState};

/// Why a port could not do what was asked. Carries what a person needs to act.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PortError {
    /// The service refused or failed; with the service's own code and request id.
    #[error("{service} {operation} failed: {code}: {message}")]
    Service {
        /// AWS service, as `App Runner`.
        service: &'static str,
        /// Operation, as `UpdateService`.
        operation: &'static str,
        /// The service's error code.
        code: String,
        /// The service's message.
        message: String,
        /// The request id to give to AWS support.
        request_id: Option<String>,
        /// Whether trying again may help.
        transient: bool,
    },
    /// The service could not be reached at all.
    #[error("{service} {operation} did not answer: {message}")]
    Unreachable {
        /// AWS service.
        service: &'static str,
        /// Operation.
        operation: &'static str,
        /// What went wrong on the way.
        message: String,
    },
    /// A conditional write lost: somebody else changed the object in between.
    #[error("{what} was changed by somebody else in the meantime")]
    Conflict {
        /// The object.
        what: String,
    },
    /// The thing asked for does not exist.
    #[error("{what} does not exist")]
    NotFound {
        /// The thing.
        what: String,
    },
    /// A build ran and failed.
    #[error("build {id} failed in phase {phase}: {reason}")]
    BuildFailed {
        /// Build id.
        id: String,
        /// CodeBuild phase.
        phase: String,
        /// The failing command and its exit status, or the service's reason.
        reason: String,
        /// The last lines of the log.
        log: Vec<String>,
    },
    /// A slot did not become what was asked; the service put its earlier configuration back by itself where it had one.
    #[error("{service}: {operation} ended as {status}: {reason}")]
    SlotFailed {
        /// Slot service name.
        service: String,
        /// Kind of operation.
        operation: String,
        /// Final operation status.
        status: String,
        /// What the event log says.
        reason: String,
        /// Last lines of the application's log.
        log: Vec<String>,
    },
    /// Something the adapter was told makes no sense to it.
    #[error("{0}")]
    Invalid(String),
}

impl PortError {
    /// Whether the same call may succeed later without anyone changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Service { transient, .. } => *transient,
            Self::Unreachable { .. } => true,
            _ => false,
        }
    }
}

/// What every port returns.
pub type PortResult<T> = Result<T, PortError>;

/// Who is calling, read from STS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerIdentity {
    /// 12-digit account id.
    pub account: String,
    /// The caller's ARN.
    pub arn: String,
}

/// Who the credentials belong to.
#[async_trait]
pub trait Identity: Send + Sync {
    /// Asks STS.
    async fn caller(&self) -> PortResult<CallerIdentity>;
}

/// A stored record and the version to name when replacing it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The bytes.
    pub body: Vec<u8>,
    /// Opaque version (the ETag).
    pub version: String,
}

/// What a write expects to find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// Nothing: the key must not exist (`If-None-Match: *`).
    Absent,
    /// Exactly this version (`If-Match`).
    Version(String),
}

/// Small records with conditional writes: releases, snapshots, journals, leases.
#[async_trait]
pub trait StateStore: Send + Sync {
    /// Makes sure that the store (bucket) exists. Returns whether it was created.
    async fn ensure(&self) -> PortResult<bool>;
    /// Reads one record, or `None`.
    async fn get(&self, key: &str) -> PortResult<Option<Stored>>;
    /// Writes one record if the expectation holds, else [`PortError::Conflict`]. Returns the new version.
    async fn put(&self, key: &str, body: Vec<u8>, expect: Expect) -> PortResult<String>;
    /// Deletes one record if it still has this version.
    async fn delete(&self, key: &str, version: &str) -> PortResult<()>;
    /// Keys under a prefix, in byte order.
    async fn list(&self, prefix: &str) -> PortResult<Vec<String>>;
}

/// Where a stored bundle is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactLocation {
    /// Bucket.
    pub bucket: String,
    /// Key.
    pub key: String,
}

/// Bundles by digest.
#[async_trait]
pub trait ArtifactStore: Send + Sync {
    /// Where the bundle with this digest would be.
    fn location(&self, digest: &str) -> ArtifactLocation;
    /// Whether it is there already.
    async fn has(&self, digest: &str) -> PortResult<bool>;
    /// Uploads a file as the bundle with this digest; `progress` is told the bytes sent so far.
    async fn upload(
        &self,
        digest: &str,
        file: &Path,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> PortResult<()>;
}

/// An image in the registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// `sha256:…` of its manifest.
    pub digest: String,
    /// `registry/repository`, to which `@digest` is appended to name it.
    pub repository: String,
}

impl Image {
    /// The pinned name, `repository@sha256:…`.
    pub fn pinned(&self) -> String {
        format!("{}@{}", self.repository, self.digest)
    }
}

/// The image repository of one service.
#[async_trait]
pub trait Registry: Send + Sync {
    /// Makes sure that the repository exists. Returns whether it was created.
    async fn ensure(&self) -> PortResult<bool>;
    /// `registry/repository`.
    async fn repository(&self) -> PortResult<String>;
    /// The image with this tag, or `None`.
    async fn by_tag(&self, tag: &str) -> PortResult<Option<Image>>;
    /// Gives an image one more tag; the same tag on the same image is fine.
    async fn tag(&self, image: &Image, tag: &str) -> PortResult<()>;
}

/// What to build.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    /// The bundle.
    pub source: ArtifactLocation,
    /// Image repository to push to.
    pub repository: String,
    /// Tag to push.
    pub tag: String,
    /// Makes starting twice start once.
    pub idempotency_token: String,
}

/// What a build is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildUpdate {
    /// It entered a phase.
    Phase(String),
    /// It printed a line.
    Line(String),
}

/// Turns a bundle into an image.
#[async_trait]
pub trait Builder: Send + Sync {
    /// Makes sure that the build project exists and is as it should be. Returns whether it was created or changed.
    async fn ensure(&self, repository: &str) -> PortResult<bool>;
    /// Starts a build and returns its id.
    async fn start(&self, request: &BuildRequest) -> PortResult<String>;
    /// Follows a build to its end, or fails with [`PortError::BuildFailed`].
    async fn follow(&self, id: &str, update: &(dyn Fn(BuildUpdate) + Send + Sync)) -> PortResult<()>;
    /// Stops a build that is still running; one that has ended is left as it is.
    async fn stop(&self, id: &str) -> PortResult<()>;
}

/// Runs slots.
#[async_trait]
pub trait Runtime: Send + Sync {
    /// Live state of a slot as the service reports it, or `None` where it was never made.
    async fn observe(&self, slot: Slot) -> PortResult<Option<SlotState>>;
    /// Brings a slot to this configuration and waits for the *operation* to succeed
    /// (a service that says it is running may have rolled the update back). `update` is told what happens.
    async fn deploy(
        &self,
        slot: Slot,
        config: &SlotConfig,
        update: &(dyn Fn(String) + Send + Sync),
    ) -> PortResult<SlotState>;
    /// Puts back exactly an earlier state of the slot; a slot that did not exist then is paused.
    async fn restore(
        &self,
        slot: Slot,
        state: Option<&SlotState>,
        update: &(dyn Fn(String) + Send + Sync),
    ) -> PortResult<()>;
    /// Pauses a slot: it costs nothing and answers nothing.
    async fn pause(&self, slot: Slot) -> PortResult<()>;
}

/// Which slot answers which share of users.
#[async_trait]
pub trait Traffic: Send + Sync {
    /// Makes sure that the store of the route exists. Returns whether it was created.
    async fn ensure(&self) -> PortResult<bool>;
    /// The live route, or `None` before the first release.
    async fn route(&self) -> PortResult<Option<Route>>;
    /// Replaces the route by compare-and-set: fails with [`PortError::Conflict`] if the live route is not `expected`.
    async fn set(&self, route: &Route, expected: Option<&Route>) -> PortResult<()>;
}

/// Requests one slot served in a span of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Requests {
    /// All requests.
    pub total: u64,
    /// Of these, answered with a 5xx status.
    pub errors: u64,
    /// 99th percentile of latency in milliseconds, where known.
    pub p99_ms: Option<f64>,
}

/// Reads what users got.
#[async_trait]
pub trait Metrics: Send + Sync {
    /// How fine the figures are: spans shorter than this say nothing.
    fn resolution(&self) -> Duration;
    /// Requests that a slot served from `since` to now, in seconds since the epoch.
    async fn requests(&self, slot: &SlotState, since: f64) -> PortResult<Requests>;
}

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Milliseconds since the epoch.
    pub at_ms: i64,
    /// The stream it came from.
    pub stream: String,
    /// The line.
    pub text: String,
}

/// Reads the logs of a slot.
#[async_trait]
pub trait Logs: Send + Sync {
    /// Application lines of a slot since a time in milliseconds, oldest first, at most `limit`.
    async fn application(&self, slot: &SlotState, since_ms: i64, limit: usize) -> PortResult<Vec<LogLine>>;
}

/// Time, so that tests can drive it.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Seconds since the epoch.
    fn now(&self) -> f64;
    /// Waits.
    async fn sleep(&self, time: Duration);
}

/// Asks a slot by its own address.
#[async_trait]
pub trait Prober: Send + Sync {
    /// GETs `path` at a host (with a port where it is not 443) and returns the status, or what went wrong.
    async fn get(&self, host: &str, path: &str, timeout: Duration) -> Result<u16, String>;
}

/// All ports of one environment.
pub struct Ports {
    /// Who is calling.
    pub identity: Box<dyn Identity>,
    /// Records.
    pub state: Box<dyn StateStore>,
    /// Bundles.
    pub artifacts: Box<dyn ArtifactStore>,
    /// Images.
    pub registry: Box<dyn Registry>,
    /// Builds.
    pub builder: Box<dyn Builder>,
    /// Slots.
    pub runtime: Box<dyn Runtime>,
    /// The route.
    pub traffic: Box<dyn Traffic>,
    /// What users got.
    pub metrics: Box<dyn Metrics>,
    /// Logs.
    pub logs: Box<dyn Logs>,
    /// Time.
    pub clock: Box<dyn Clock>,
    /// Direct requests.
    pub prober: Box<dyn Prober>,
}
