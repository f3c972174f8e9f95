//! The control plane: stores are made, described, changed, listed and removed.

use std::{collections::BTreeMap, sync::Arc};

use quick_xml::{Reader, escape::escape, events::Event};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::sandbox::{
    call::{Caller, RawRequest, RawResponse, ServiceError},
    server::uuid,
    world::World,
};

use super::{Store, fresh_etag, now, refused};

const ROOT: &str = "/2020-05-31/key-value-store";

/// Longest comment. Source: API reference, CreateKeyValueStore.
const COMMENT: usize = 128;

/// Text of the direct children of the root element.
fn children(body: &[u8]) -> Result<BTreeMap<String, String>, ServiceError> {
    let malformed = |why: String| refused(400, "MalformedXML", why);
    let mut reader = Reader::from_reader(body);
    let (mut found, mut open) = (BTreeMap::new(), Vec::<String>::new());
    loop {
        match reader.read_event().map_err(|error| malformed(error.to_string()))? {
            Event::Start(tag) => open.push(String::from_utf8_lossy(tag.local_name().as_ref()).into_owned()),
            Event::End(_) => {
                open.pop();
            }
            Event::Text(text) if open.len() == 2 => {
                let text = text.decode().map_err(|error| malformed(error.to_string()))?;
                let text =
                    quick_xml::escape::unescape(&text).map_err(|error| malformed(error.to_string()))?;
                found.entry(open[1].clone()).or_insert_with(String::new).push_str(&text);
            }
            // `&lt;` and its likes come apart from the text around them.
            Event::GeneralRef(name) if open.len() == 2 => {
                let letter = name.resolve_char_ref().map_err(|error| malformed(error.to_string()))?;
                let name = name.decode().map_err(|error| malformed(error.to_string()))?;
                let text = match letter {
                    Some(letter) => letter.to_string(),
                    None => quick_xml::escape::resolve_predefined_entity(&name)
                        .ok_or_else(|| malformed(format!("there is no entity {name}")))?
                        .to_owned(),
                };
                found.entry(open[1].clone()).or_insert_with(String::new).push_str(&text);
            }
            Event::Eof => return Ok(found),
            _ => {}
        }
    }
}

fn shown(store: &Store) -> String {
    let modified = OffsetDateTime::from_unix_timestamp(store.modified as i64)
        .ok()
        .and_then(|at| at.format(&Rfc3339).ok())
        .unwrap_or_default();
    format!(
        "<Name>{}</Name><Id>{}</Id><Comment>{}</Comment><ARN>{}</ARN><Status>READY</Status><LastModifiedTime>{modified}</LastModifiedTime>",
        escape(store.name.as_str()),
        store.id,
        escape(store.comment.as_str()),
        store.arn,
    )
}

fn one(status: u16, store: &Store) -> RawResponse {
    let body = format!(
        "<?xml version=\"1.0\"?>\n<KeyValueStore xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">{}</KeyValueStore>",
        shown(store)
    );
    RawResponse::new(status, "text/xml", body).with("etag", store.etag.clone())
}

/// Says whether the caller saw the store as it is. Source: CloudFront API reference, UpdateKeyValueStore.
fn seen(request: &RawRequest, store: &Store) -> Result<(), ServiceError> {
    match request.headers.get("if-match") {
        None => Err(refused(400, "InvalidIfMatchVersion", "The If-Match version is missing or not valid")),
        Some(etag) if etag.trim_matches('"') == store.etag => Ok(()),
        Some(_) => Err(refused(412, "PreconditionFailed", "the ETag is not the store's")),
    }
}

/// The operation that a request asks for; empty where there is none.
pub(super) fn operation(request: &RawRequest) -> &'static str {
    let Some(rest) = request.path.strip_prefix(ROOT) else { return "" };
    match (request.method.as_str(), rest) {
        ("POST", _) => "CreateKeyValueStore",
        ("GET", "" | "/") => "ListKeyValueStores",
        ("GET", _) => "DescribeKeyValueStore",
        ("PUT", _) => "UpdateKeyValueStore",
        ("DELETE", _) => "DeleteKeyValueStore",
        _ => "",
    }
}

/// Answers one request.
pub(super) fn handle(
    world: &Arc<World>,
    request: &RawRequest,
    caller: &Caller,
) -> Result<RawResponse, ServiceError> {
    let stores = &world.cloudfront.stores;
    let Some(rest) = request.path.strip_prefix(ROOT) else {
        return Err(ServiceError::not_in_sandbox(
            "CloudFront",
            &format!("{} {}", request.method, request.path),
        ));
    };
    let name = rest.trim_matches('/');
    let missing = || refused(404, "EntityNotFound", format!("the key value store {name} does not exist"));
    match (request.method.as_str(), name) {
        ("POST", "") => {
            let input = children(&request.body)?;
            let name = input.get("Name").cloned().unwrap_or_default();
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            if !(1..=64).contains(&name.len()) || !name.bytes().all(plain) {
                return Err(refused(
                    400,
                    "InvalidArgument",
                    format!("`{name}` is not a name for a key value store"),
                ));
            }
            let id = uuid();
            let store = Store {
                arn: format!("arn:aws:cloudfront::{}:key-value-store/{id}", caller.account),
                name: name.clone(),
                id,
                comment: input.get("Comment").cloned().unwrap_or_default(),
                etag: fresh_etag(),
                data_etag: fresh_etag(),
                created: now(),
                modified: now(),
                keys: BTreeMap::new(),
            };
            stores.update(|stores| {
                if stores.contains_key(&name) {
                    return Err(refused(
                        409,
                        "EntityAlreadyExists",
                        format!("the key value store {name} already exists"),
                    ));
                }
                stores.insert(name.clone(), store.clone());
                Ok(())
            })?;
            Ok(one(201, &store).with("location", format!("{ROOT}/{name}")))
        }
        ("GET", "") => {
            let items: String = stores.read(|stores| {
                stores
                    .values()
                    .map(|store| format!("<KeyValueStore>{}</KeyValueStore>", shown(store)))
                    .collect()
            });
            let count = stores.read(BTreeMap::len);
            let body = format!(
                "<?xml version=\"1.0\"?>\n<KeyValueStoreList xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><MaxItems>1000</MaxItems><Quantity>{count}</Quantity><Items>{items}</Items></KeyValueStoreList>"
            );
            Ok(RawResponse::new(200, "text/xml", body))
        }
        ("GET", _) => stores.read(|stores| stores.get(name).map(|store| one(200, store))).ok_or_else(missing),
        ("PUT", _) => {
            let comment = children(&request.body)?.remove("Comment").unwrap_or_default();
            if comment.chars().count() > COMMENT {
                let text = format!("a comment has at most {COMMENT} characters");
                return Err(refused(400, "InvalidArgument", text));
            }
            stores.update(|stores| {
                let store = stores.get_mut(name).ok_or_else(missing)?;
                seen(request, store)?;
                store.comment = comment;
                store.etag = fresh_etag();
                store.modified = now();
                Ok(one(200, store))
            })
        }
        ("DELETE", _) => stores.update(|stores| {
            let store = stores.get(name).ok_or_else(missing)?;
            seen(request, store)?;
            stores.remove(name);
            Ok(RawResponse::new(204, "text/xml", ""))
        }),
        _ => Err(ServiceError::not_in_sandbox("CloudFront", &format!("{} {}", request.method, request.path))),
    }
}
