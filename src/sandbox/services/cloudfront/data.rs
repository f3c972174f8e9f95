//! The data plane: keys are read and written under the store's ETag.

use std::sync::Arc;

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::{
    call::{RawRequest, RawResponse, ServiceError},
    world::World,
};

use super::{Store, fresh_etag, now, refused};

/// Limits of a store. Source: CloudFront quotas, KeyValueStore.
const KEY_LIMIT: usize = 512;
const VALUE_LIMIT: usize = 1024;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Updates {
    value: Option<String>,
    puts: Vec<Pair>,
    deletes: Vec<Key>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Pair {
    key: String,
    value: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Key {
    key: String,
}

fn decoded(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

fn size(store: &Store) -> usize {
    store.keys.iter().map(|(key, value)| key.len() + value.len()).sum()
}

fn counted(store: &Store) -> Value {
    json!({ "ItemCount": store.keys.len(), "TotalSizeInBytes": size(store) })
}

fn answer(store: &Store, body: &Value) -> RawResponse {
    RawResponse::new(200, "application/json", body.to_string()).with("etag", store.data_etag.clone())
}

/// The operation that a request asks for; empty where there is none.
pub(super) fn operation(request: &RawRequest) -> &'static str {
    let segments: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    match (request.method.as_str(), segments.get(2..).unwrap_or_default()) {
        ("GET", []) => "DescribeKeyValueStore",
        ("GET", ["keys"]) => "ListKeys",
        ("GET", ["keys", _]) => "GetKey",
        ("PUT", ["keys", _]) => "PutKey",
        ("DELETE", ["keys", _]) => "DeleteKey",
        ("POST", ["keys"]) => "UpdateKeys",
        _ => "",
    }
}

/// Answers one request.
pub(super) fn handle(world: &Arc<World>, request: &RawRequest) -> Result<RawResponse, ServiceError> {
    let segments: Vec<String> = request.path.trim_matches('/').split('/').map(decoded).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let unknown = || {
        ServiceError::not_in_sandbox(
            "CloudFront KeyValueStore",
            &format!("{} {}", request.method, request.path),
        )
    };
    let ["key-value-stores", arn, rest @ ..] = segments.as_slice() else { return Err(unknown()) };
    let missing = || refused(404, "ResourceNotFoundException", format!("{arn} does not exist"));
    let stores = &world.cloudfront.stores;
    let find =
        || stores.read(|stores| stores.values().find(|store| store.arn == *arn).cloned()).ok_or_else(missing);
    match (request.method.as_str(), rest) {
        ("GET", []) => {
            let store = find()?;
            let mut body = counted(&store);
            body["KvsARN"] = json!(store.arn);
            body["Created"] = json!(store.created);
            body["LastModified"] = json!(store.modified);
            body["Status"] = json!("READY");
            Ok(answer(&store, &body))
        }
        ("GET", ["keys"]) => {
            let store = find()?;
            let items: Vec<Value> =
                store.keys.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
            Ok(RawResponse::new(200, "application/json", json!({ "Items": items }).to_string()))
        }
        ("GET", ["keys", key]) => {
            let store = find()?;
            let value = store.keys.get(*key);
            let value = value.ok_or_else(|| {
                refused(404, "ResourceNotFoundException", format!("the key {key} does not exist"))
            })?;
            let mut body = counted(&store);
            body["Key"] = json!(key);
            body["Value"] = json!(value);
            Ok(RawResponse::new(200, "application/json", body.to_string()))
        }
        ("PUT", ["keys", key]) => {
            let value = body(request)?
                .value
                .ok_or_else(|| refused(400, "ValidationException", "Value is required"))?;
            change(world, request, arn, vec![((*key).to_owned(), Some(value))])
        }
        ("DELETE", ["keys", key]) => change(world, request, arn, vec![((*key).to_owned(), None)]),
        ("POST", ["keys"]) => {
            let updates = body(request)?;
            let puts = updates.puts.into_iter().map(|pair| (pair.key, Some(pair.value)));
            let changes = puts.chain(updates.deletes.into_iter().map(|key| (key.key, None))).collect();
            change(world, request, arn, changes)
        }
        _ => Err(unknown()),
    }
}

fn body(request: &RawRequest) -> Result<Updates, ServiceError> {
    serde_json::from_slice(&request.body)
        .map_err(|error| refused(400, "ValidationException", error.to_string()))
}

/// Puts and removes keys in one step, if the store is still as the caller saw it.
fn change(
    world: &Arc<World>,
    request: &RawRequest,
    arn: &str,
    changes: Vec<(String, Option<String>)>,
) -> Result<RawResponse, ServiceError> {
    let seen = request.headers.get("if-match");
    let seen = seen.ok_or_else(|| refused(400, "ValidationException", "If-Match is required"))?;
    for (key, value) in &changes {
        if key.len() > KEY_LIMIT || value.as_ref().is_some_and(|value| value.len() > VALUE_LIMIT) {
            let text = format!("a key has at most {KEY_LIMIT} bytes and a value {VALUE_LIMIT}");
            return Err(refused(400, "ValidationException", text));
        }
    }
    world.cloudfront.stores.update(|stores| {
        let store = stores
            .values_mut()
            .find(|store| store.arn == arn)
            .ok_or_else(|| refused(404, "ResourceNotFoundException", format!("{arn} does not exist")))?;
        if *seen != store.data_etag {
            return Err(refused(409, "ConflictException", "the store was changed since this ETag"));
        }
        for (key, value) in changes {
            match value {
                Some(value) => store.keys.insert(key, value),
                None => store.keys.remove(&key),
            };
        }
        store.data_etag = fresh_etag();
        store.modified = now();
        Ok(answer(store, &counted(store)))
    })
}
