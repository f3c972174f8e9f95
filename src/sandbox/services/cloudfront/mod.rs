//! CloudFront: functions, distributions and KeyValueStores (REST-XML), and the keys in these (REST-JSON).
//!
//! Invariants: a write names the ETag it saw, and is made only if that is still the one; what is used by another thing is
//! not removed. Where more than one of them is looked at, distributions are held first, then functions, then stores.
//! What the edge does with a distribution is said in `sandbox/edge`.
//!
//! Left out: TestFunction, and whatever runs code; policies, keys and access controls of one's own; staging distributions.

mod absent;
mod config;
mod data;
mod defaults;
mod distributions;
mod functions;
mod hosts;
mod invalidations;
mod managed;
mod pages;
mod stores;
mod tagging;
mod target;
#[cfg(test)]
mod tests;
pub mod xml;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::sandbox::{
    call::{Caller, RawRequest, RawResponse, ServiceError},
    persisted::Persisted,
    tags::Tag,
    world::World,
};

pub use hosts::{By, Site, Way, is_router};
pub use target::resource;

use target::Target;
use xml::Node;

/// What the control plane answers.
pub const OPERATIONS: &[&str] = &[
    "CreateDistribution",
    "CreateDistributionWithTags",
    "CreateFunction",
    "CreateInvalidation",
    "CreateKeyValueStore",
    "DeleteDistribution",
    "DeleteFunction",
    "DeleteKeyValueStore",
    "DescribeFunction",
    "DescribeKeyValueStore",
    "GetDistribution",
    "GetDistributionConfig",
    "GetFunction",
    "GetInvalidation",
    "ListDistributions",
    "ListFunctions",
    "ListInvalidations",
    "ListKeyValueStores",
    "ListTagsForResource",
    "PublishFunction",
    "TagResource",
    "UntagResource",
    "UpdateDistribution",
    "UpdateFunction",
    "UpdateKeyValueStore",
];

/// What the data plane answers.
pub const DATA_OPERATIONS: &[&str] =
    &["DeleteKey", "DescribeKeyValueStore", "GetKey", "ListKeys", "PutKey", "UpdateKeys"];

/// Where the names of distributions are. On AWS it is `.cloudfront.net`.
pub const DOMAIN: &str = ".cloudfront.localhost";

/// State of the service.
#[derive(Debug)]
pub struct CloudFront {
    distributions: Persisted<BTreeMap<String, distributions::Distribution>>,
    functions: Persisted<BTreeMap<String, functions::Function>>,
    stores: Persisted<BTreeMap<String, Store>>,
    hosts: hosts::Hosts,
}

/// One KeyValueStore.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Store {
    name: String,
    id: String,
    arn: String,
    comment: String,
    /// Version of the store's own description.
    etag: String,
    /// Version of its keys.
    data_etag: String,
    /// Seconds since the epoch.
    created: f64,
    modified: f64,
    keys: BTreeMap<String, String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

impl CloudFront {
    /// Opens the state kept in `dir`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let state = Self {
            distributions: Persisted::open(dir.join("distributions.json"))?,
            functions: Persisted::open(dir.join("functions.json"))?,
            stores: Persisted::open(dir.join("stores.json"))?,
            hosts: hosts::Hosts::default(),
        };
        state.refresh();
        Ok(state)
    }

    /// The id of the store with this name.
    pub fn id(&self, name: &str) -> Option<String> {
        self.stores.read(|stores| stores.get(name).map(|store| store.id.clone()))
    }

    /// A value as the edge reads it.
    pub fn value(&self, store: &str, key: &str) -> Option<String> {
        self.stores.read(|stores| stores.get(store)?.keys.get(key).cloned())
    }

    /// What the edge answers for under a host's name.
    pub fn site(&self, name: &str) -> Option<Arc<Site>> {
        self.hosts.find(name)
    }

    /// Tells the edge what is so now.
    fn refresh(&self) {
        self.hosts.replace(|| {
            self.distributions.read(|distributions| {
                let of =
                    |functions: &_| self.stores.read(|stores| hosts::table(distributions, functions, stores));
                self.functions.read(of)
            })
        });
    }

    /// The functions that distributions use, by their ARNs.
    fn used_functions(&self) -> BTreeSet<String> {
        let used = |all: &BTreeMap<String, distributions::Distribution>| {
            all.values().flat_map(|one| one.functions().map(str::to_owned)).collect()
        };
        self.distributions.read(used)
    }
}

fn now() -> f64 {
    OffsetDateTime::now_utc().unix_timestamp_nanos() as f64 / 1e9
}

/// A time in seconds since the epoch as text, to the second.
fn stamp(seconds: f64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(seconds as i64).ok();
    at.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default()
}

fn fresh_etag() -> String {
    format!("E{}", hex::encode_upper(rand::random::<[u8; 6]>()))
}

/// Whether a text can be the name of a function or a store. Source: API reference, CreateFunction, CreateKeyValueStore.
fn is_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

/// The body of a request.
fn body(request: &RawRequest) -> Result<Node, ServiceError> {
    if request.body.is_empty() {
        return Err(refused(400, "MissingBody", "this operation requires a body"));
    }
    Node::read(&request.body).map_err(|error| refused(400, "MalformedXML", error.to_string()))
}

/// Says whether the caller saw a thing as it is. Source: CloudFront API reference, UpdateDistribution.
fn seen(request: &RawRequest, current: &str) -> Result<(), ServiceError> {
    match request.headers.get("if-match") {
        None => Err(refused(400, "InvalidIfMatchVersion", "The If-Match version is missing or not valid")),
        Some(etag) if etag.trim_matches('"') == current => Ok(()),
        Some(_) => Err(refused(412, "PreconditionFailed", "the ETag of If-Match is not the current one")),
    }
}

fn answer(status: u16, document: &Node) -> RawResponse {
    RawResponse::new(status, "text/xml", document.document())
}

/// An error in the shape of the control plane (XML) or the data plane (JSON).
pub fn error(error: &ServiceError, control: bool) -> RawResponse {
    if control {
        let of = Node::branch(
            "Error",
            vec![
                Node::leaf("Type", if error.status < 500 { "Sender" } else { "Receiver" }),
                Node::leaf("Code", error.code),
                Node::leaf("Message", &error.message),
            ],
        );
        let id = Node::leaf("RequestId", crate::sandbox::server::uuid());
        answer(error.status, &Node::branch("ErrorResponse", vec![of, id]))
    } else {
        let body = serde_json::json!({ "__type": error.code, "Message": error.message }).to_string();
        RawResponse::new(error.status, "application/json", body).with("x-amzn-errortype", error.code)
    }
}

/// Answers one request to the control plane.
///
/// # Errors
/// The service's own.
pub fn control(
    world: &Arc<World>,
    request: &RawRequest,
    caller: &Caller,
) -> Result<RawResponse, ServiceError> {
    let Some(target) = Target::of(request) else {
        let asked = format!("{} {}", request.method, request.path);
        return Err(ServiceError::not_in_sandbox("CloudFront", &asked));
    };
    let response = match target.operation {
        name if name.ends_with("KeyValueStore") || name.ends_with("KeyValueStores") => {
            stores::handle(world, request, &target, caller)
        }
        name if name.ends_with("Function") || name.ends_with("Functions") => {
            functions::handle(world, request, &target, caller)
        }
        name if name.ends_with("Invalidation") || name.ends_with("Invalidations") => {
            invalidations::handle(world, request, &target)
        }
        "TagResource" | "UntagResource" | "ListTagsForResource" => tagging::handle(world, request, &target),
        _ => distributions::handle(world, request, &target, caller),
    }?;
    if request.method != "GET" {
        world.cloudfront.refresh();
    }
    Ok(response)
}

/// Answers one request: `is_control` says to which of the two planes it was made.
pub async fn http(world: &Arc<World>, is_control: bool, request: RawRequest, caller: &Caller) -> RawResponse {
    let answer = if is_control { control(world, &request, caller) } else { data::handle(world, &request) };
    answer.unwrap_or_else(|refused| error(&refused, is_control))
}

/// The operation that a request asks for; empty where there is none.
pub fn operation(request: &RawRequest, is_control: bool) -> &'static str {
    if is_control {
        Target::of(request).map_or("", |target| target.operation)
    } else {
        data::operation(request)
    }
}

fn refused(status: u16, code: &'static str, message: impl Into<String>) -> ServiceError {
    ServiceError { status, code, message: message.into() }
}
