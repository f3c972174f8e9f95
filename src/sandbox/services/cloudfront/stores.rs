//! KeyValueStores: made, described, changed, listed and removed.

use std::{collections::BTreeMap, sync::Arc};

use crate::sandbox::{
    call::{Caller, RawRequest, RawResponse, ServiceError},
    server::uuid,
    world::World,
};

use super::{
    Store, answer, body, fresh_etag, now, pages::Page, refused, seen, stamp, tagging, target::Target,
    target::query, xml::Node,
};

/// Longest comment. Source: API reference, CreateKeyValueStore.
const COMMENT: usize = 128;

fn shown(store: &Store) -> Node {
    Node::branch(
        "KeyValueStore",
        vec![
            Node::leaf("Name", &store.name),
            Node::leaf("Id", &store.id),
            Node::leaf("Comment", &store.comment),
            Node::leaf("ARN", &store.arn),
            Node::leaf("Status", "READY"),
            Node::leaf("LastModifiedTime", stamp(store.modified)),
        ],
    )
}

fn one(status: u16, store: &Store) -> RawResponse {
    answer(status, &shown(store)).with("etag", store.etag.clone())
}

fn comment(input: &Node) -> Result<String, ServiceError> {
    let comment = input.text("Comment");
    if comment.chars().count() > COMMENT {
        return Err(refused(400, "InvalidArgument", format!("a comment has at most {COMMENT} characters")));
    }
    Ok(comment.to_owned())
}

fn create(world: &World, request: &RawRequest, caller: &Caller) -> Result<RawResponse, ServiceError> {
    let input = body(request)?;
    let name = input.text("Name").to_owned();
    if !super::is_name(&name) {
        let text = format!("`{name}` is not a name for a key value store");
        return Err(refused(400, "InvalidArgument", text));
    }
    if input.child("ImportSource").is_some() {
        let text = "importing keys into a new store is not in the sandbox: put them";
        return Err(refused(400, "UnsupportedOperation", text));
    }
    let id = uuid();
    let store = Store {
        arn: format!("arn:aws:cloudfront::{}:key-value-store/{id}", caller.account),
        name: name.clone(),
        id,
        comment: comment(&input)?,
        etag: fresh_etag(),
        data_etag: fresh_etag(),
        created: now(),
        modified: now(),
        keys: BTreeMap::new(),
        tags: tagging::read(input.child("Tags"))?,
    };
    world.cloudfront.stores.update(|stores| {
        if stores.contains_key(&name) {
            let text = format!("the key value store {name} already exists");
            return Err(refused(409, "EntityAlreadyExists", text));
        }
        stores.insert(name.clone(), store.clone());
        Ok(())
    })?;
    Ok(one(201, &store).with("location", format!("/2020-05-31/key-value-store/{name}")))
}

/// Answers an operation about stores.
pub(super) fn handle(
    world: &Arc<World>,
    request: &RawRequest,
    target: &Target,
    caller: &Caller,
) -> Result<RawResponse, ServiceError> {
    let state = &world.cloudfront;
    let name = target.name();
    let missing = || refused(404, "EntityNotFound", format!("the key value store {name} does not exist"));
    match target.operation {
        "CreateKeyValueStore" => create(world, request, caller),
        "ListKeyValueStores" => {
            let status = query(request, "Status").unwrap_or_default();
            let ready = status.is_empty() || status == "READY";
            let all = state.stores.read(|stores| {
                stores.values().filter(|_| ready).map(|store| (store.name.clone(), shown(store))).collect()
            });
            Ok(answer(200, &Page::of(request, all)?.plain("KeyValueStoreList")))
        }
        "DescribeKeyValueStore" => {
            state.stores.read(|stores| stores.get(name).map(|store| one(200, store))).ok_or_else(missing)
        }
        "UpdateKeyValueStore" => {
            let comment = comment(&body(request)?)?;
            state.stores.update(|stores| {
                let store = stores.get_mut(name).ok_or_else(missing)?;
                seen(request, &store.etag)?;
                store.comment = comment;
                store.etag = fresh_etag();
                store.modified = now();
                Ok(one(200, store))
            })
        }
        // Whoever makes a function holds on to the functions while looking at the stores, in the same order.
        _ => state.functions.read(|functions| {
            state.stores.update(|stores| {
                let store = stores.get(name).ok_or_else(missing)?;
                seen(request, &store.etag)?;
                if let Some(user) = functions.values().find(|function| function.uses(&store.arn)) {
                    let text = format!("the function {} uses the key value store {name}", user.name);
                    return Err(refused(409, "CannotDeleteEntityWhileInUse", text));
                }
                stores.remove(name);
                Ok(RawResponse::new(204, "text/xml", ""))
            })
        }),
    }
}
