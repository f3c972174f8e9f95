//! CloudFront KeyValueStores: the control plane (REST-XML) and the data plane (REST-JSON).
//!
//! Invariant: a write names the ETag it saw, and is made only if that is still the store's.

mod control;
mod data;

use std::{collections::BTreeMap, io, path::Path, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::sandbox::{
    call::{Caller, RawRequest, RawResponse, ServiceError},
    persisted::Persisted,
    world::World,
};

/// What the control plane answers.
pub const OPERATIONS: &[&str] = &[
    "CreateKeyValueStore",
    "DeleteKeyValueStore",
    "DescribeKeyValueStore",
    "ListKeyValueStores",
    "UpdateKeyValueStore",
];

/// What the data plane answers.
pub const DATA_OPERATIONS: &[&str] =
    &["DeleteKey", "DescribeKeyValueStore", "GetKey", "ListKeys", "PutKey", "UpdateKeys"];

/// State of the service.
#[derive(Debug)]
pub struct CloudFront {
    stores: Persisted<BTreeMap<String, Store>>,
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
}

impl CloudFront {
    /// Opens the state kept in `dir`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(dir: &Path) -> io::Result<Self> {
        Ok(Self { stores: Persisted::open(dir.join("stores.json"))? })
    }

    /// The id of the store with this name.
    pub fn id(&self, name: &str) -> Option<String> {
        self.stores.read(|stores| stores.get(name).map(|store| store.id.clone()))
    }

    /// A value as the edge reads it.
    pub fn value(&self, store: &str, key: &str) -> Option<String> {
        self.stores.read(|stores| stores.get(store)?.keys.get(key).cloned())
    }
}

fn now() -> f64 {
    time::OffsetDateTime::now_utc().unix_timestamp_nanos() as f64 / 1e9
}

fn fresh_etag() -> String {
    format!("E{}", hex::encode_upper(rand::random::<[u8; 6]>()))
}

/// An error in the shape of the control plane (XML) or the data plane (JSON).
pub fn error(error: &ServiceError, control: bool) -> RawResponse {
    if control {
        let body = format!(
            "<ErrorResponse xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><Error><Type>{}</Type><Code>{}</Code><Message>{}</Message></Error><RequestId>{}</RequestId></ErrorResponse>",
            if error.status < 500 { "Sender" } else { "Receiver" },
            error.code,
            quick_xml::escape::escape(error.message.as_str()),
            crate::sandbox::server::uuid(),
        );
        RawResponse::new(error.status, "text/xml", body)
    } else {
        let body = serde_json::json!({ "__type": error.code, "Message": error.message }).to_string();
        RawResponse::new(error.status, "application/json", body).with("x-amzn-errortype", error.code)
    }
}

/// Answers one request: `control` says to which of the two planes it was made.
pub async fn http(world: &Arc<World>, is_control: bool, request: RawRequest, caller: &Caller) -> RawResponse {
    let answer =
        if is_control { control::handle(world, &request, caller) } else { data::handle(world, &request) };
    answer.unwrap_or_else(|refused| error(&refused, is_control))
}

/// The operation that a request asks for; empty where there is none.
pub fn operation(request: &RawRequest, is_control: bool) -> &'static str {
    if is_control { control::operation(request) } else { data::operation(request) }
}

fn refused(status: u16, code: &'static str, message: impl Into<String>) -> ServiceError {
    ServiceError { status, code, message: message.into() }
}
