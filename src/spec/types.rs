//! The service spec as a user writes it in `pave.toml`.
//!
//! These types are the single source of the JSON Schema in `schemas/pave.schema.json`, of the keys
//! that the parser knows, and of the defaults. A section left out takes its defaults.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::units::{Cpu, Duration, Memory};

/// A whole `pave.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// What the service is and who owns it.
    pub service: Service,
    /// How it listens.
    #[serde(default)]
    pub http: Http,
    /// What it calls. Each gets a client, timeout, retry, breaker and readiness check.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependency>,
    /// Size and number of instances.
    #[serde(default)]
    pub scale: Scale,
    /// What users are promised.
    #[serde(default)]
    pub slo: Slo,
    /// How a release reaches users.
    #[serde(default)]
    pub rollout: Rollout,
    /// Paired requests that judge a release even when it has no users yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probes: Vec<Probe>,
    /// What it may cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// Where it runs. Any section may be overridden per environment.
    #[serde(default)]
    pub environments: BTreeMap<String, Environment>,
}

/// What the service is and who owns it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// 3 to 32 characters of a-z, 0-9 and -, starting with a letter. Becomes AWS names.
    pub name: String,
    /// One sentence for people.
    #[serde(default)]
    pub description: String,
    /// The team that answers for the service.
    pub owner: String,
    /// Address alarms go to. Required before a production deploy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_call: Option<String>,
    /// The opinion the project is built on.
    #[serde(default)]
    pub blueprint: Blueprint,
    /// The language of the generated code.
    pub language: Language,
    /// The most sensitive data it holds; drives policy.
    #[serde(default)]
    pub data: DataClass,
}

/// The opinion a project is built on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Blueprint {
    /// A JSON API.
    #[default]
    HttpApi,
    /// Server-rendered pages beside an API.
    WebApp,
    /// An API whose main job is a model call.
    AiApi,
}

/// Languages a project can be generated in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Node 24 (22.19 at least) and Fastify.
    Typescript,
    /// Python 3.11 or newer and FastAPI.
    Python,
    /// Rust and axum.
    Rust,
}

/// The most sensitive data a service holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DataClass {
    /// Anyone may read it.
    Public,
    /// Only the organisation may read it.
    #[default]
    Internal,
    /// It identifies people.
    Pii,
    /// Controlled unclassified information (32 CFR 2002).
    Cui,
}

/// How the service listens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Port inside the container.
    pub port: u16,
    /// Who can reach it.
    pub access: Access,
    /// Longest time one request may take; App Runner cuts at 120 s.
    pub request_timeout: Duration,
}

impl Default for Http {
    fn default() -> Self {
        Self { port: 8080, access: Access::Public, request_timeout: Duration::from_secs(10) }
    }
}

/// Who can reach the service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// The internet.
    #[default]
    Public,
    /// Only its VPC.
    Private,
}

/// Something the service calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dependency {
    /// 2 to 32 characters of a-z, 0-9 and -; names the client in the code.
    pub name: String,
    /// What it is.
    pub kind: DependencyKind,
    /// Base URL; required for `http`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Total time for one call with all its attempts.
    #[serde(default = "default_dependency_timeout")]
    pub timeout: Duration,
    /// Attempts in all, for idempotent calls only.
    #[serde(default = "default_attempts")]
    pub attempts: u8,
    /// What a caller gets when it is down.
    #[serde(default)]
    pub fallback: Fallback,
    /// Whether readiness depends on it.
    #[serde(default)]
    pub critical: bool,
}

impl Dependency {
    /// The service's variable for it: `orders-db` and `URL` make `ORDERS_DB_URL`.
    pub fn variable(&self, suffix: &str) -> String {
        format!("{}_{suffix}", self.name.replace('-', "_").to_uppercase())
    }
}

fn default_dependency_timeout() -> Duration {
    Duration::from_secs(2)
}

fn default_attempts() -> u8 {
    3
}

/// What a dependency is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DependencyKind {
    /// A PostgreSQL database.
    Postgres,
    /// A Redis cache.
    Redis,
    /// An S3 bucket.
    S3,
    /// A DynamoDB table.
    Dynamodb,
    /// An SQS queue it writes to.
    Sqs,
    /// An HTTP API.
    Http,
    /// A model in Amazon Bedrock.
    Bedrock,
}

impl DependencyKind {
    /// Every kind there is.
    pub const ALL: [Self; 7] =
        [Self::Bedrock, Self::Dynamodb, Self::Http, Self::Postgres, Self::Redis, Self::S3, Self::Sqs];
}

/// What a caller gets when a dependency is down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Fallback {
    /// An error.
    #[default]
    Fail,
    /// The last good answer, marked as degraded.
    Stale,
    /// A fixed answer, marked as degraded.
    Default,
}

/// Size and number of instances. Only App Runner's pairs of cpu and memory are accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Scale {
    /// vCPU of one instance.
    pub cpu: Cpu,
    /// Memory of one instance.
    pub memory: Memory,
    /// Fewest instances, 1 to 25.
    pub min: u8,
    /// Most instances, 1 to 25.
    pub max: u8,
    /// Requests one instance serves at a time, 1 to 200.
    pub concurrency: u16,
}

impl Default for Scale {
    fn default() -> Self {
        Self { cpu: Cpu(256), memory: Memory(512), min: 1, max: 4, concurrency: 80 }
    }
}

/// What users are promised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Slo {
    /// Percent of requests answered without a server error, over the window.
    pub availability: f64,
    /// 99 of 100 requests are faster than this.
    pub latency_p99: Duration,
    /// The window.
    pub window: Duration,
}

impl Default for Slo {
    fn default() -> Self {
        Self {
            availability: 99.9,
            latency_p99: Duration::from_millis(300),
            window: Duration::from_secs(30 * 86_400),
        }
    }
}

/// How a release reaches users.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rollout {
    /// Percent of users on the canary, step by step; rising, the last is 100.
    pub steps: Vec<u8>,
    /// Longest wait per step; the judge may decide sooner.
    pub bake: Duration,
    /// Probability of aborting a good release, over the whole rollout.
    pub false_alarm: f64,
    /// The previous slot stays warm this long.
    pub rollback_window: Duration,
}

impl Default for Rollout {
    fn default() -> Self {
        Self {
            steps: vec![5, 25, 50, 100],
            bake: Duration::from_secs(300),
            false_alarm: 0.05,
            rollback_window: Duration::from_secs(3600),
        }
    }
}

/// A request made to both slots during a rollout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Path, starting with /.
    pub path: String,
    /// GET or HEAD: a probe must not change anything.
    #[serde(default = "default_probe_method")]
    pub method: String,
}

fn default_probe_method() -> String {
    "GET".to_owned()
}

/// What the service may cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// US dollars a month.
    pub monthly_usd: f64,
}

/// One place the service runs in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Environment {
    /// `aws` (an account) or `sandbox` (this machine).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// 12-digit AWS account id; required for `aws`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// AWS region; required for `aws`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Variables that the service is started with here, by name. They stand in the service's configuration for everyone to
    /// read who may see it, so no passwords.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    /// Keys of `[http]` that differ here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpOverride>,
    /// Keys of `[scale]` that differ here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<ScaleOverride>,
    /// Keys of `[slo]` that differ here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slo: Option<SloOverride>,
    /// Keys of `[rollout]` that differ here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutOverride>,
    /// A budget of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
}

/// Where an environment's AWS calls go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// An AWS account.
    #[default]
    Aws,
    /// The embedded sandbox on this machine.
    Sandbox,
}

/// Declares a struct of optional fields and how it is laid over its section.
macro_rules! section_override {
    ($(#[$doc:meta])* $name:ident over $section:ident { $($field:ident : $ty:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $(
                #[doc = concat!("Replaces `", stringify!($field), "`.")]
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $field: Option<$ty>,
            )*
        }

        impl $name {
            /// Lays the keys that are present over `section`.
            pub fn apply(&self, section: &mut $section) {
                $(if let Some(value) = &self.$field { section.$field = value.clone(); })*
            }
        }
    };
}

section_override!(
    /// Keys of `[http]` that differ in one environment.
    HttpOverride over Http { port: u16, access: Access, request_timeout: Duration }
);
section_override!(
    /// Keys of `[scale]` that differ in one environment.
    ScaleOverride over Scale { cpu: Cpu, memory: Memory, min: u8, max: u8, concurrency: u16 }
);
section_override!(
    /// Keys of `[slo]` that differ in one environment.
    SloOverride over Slo { availability: f64, latency_p99: Duration, window: Duration }
);
section_override!(
    /// Keys of `[rollout]` that differ in one environment.
    RolloutOverride over Rollout { steps: Vec<u8>, bake: Duration, false_alarm: f64, rollback_window: Duration }
);
