//! Tags of stores, functions and distributions.

use std::sync::Arc;

use crate::sandbox::{
    call::{RawRequest, RawResponse, ServiceError},
    tags::{self, MOST, Tag},
    world::World,
};

use super::{
    answer, body, refused,
    target::{Target, query},
    xml::Node,
};

fn wrong(text: impl Into<String>) -> ServiceError {
    refused(400, "InvalidTagging", text)
}

/// The tags of an element `Tags`; none where there is no such element.
///
/// # Errors
/// When they are none.
pub(super) fn read(tags: Option<&Node>) -> Result<Vec<Tag>, ServiceError> {
    let given = tags.and_then(|tags| tags.child("Items")).map_or(&[][..], |items| items.children.as_slice());
    let mut read = Vec::new();
    for tag in given {
        let tag = Tag { key: tag.text("Key").to_owned(), value: tag.text("Value").to_owned() };
        if read.iter().any(|there: &Tag| there.key == tag.key) {
            return Err(wrong(format!("the key {} is given twice", tag.key)));
        }
        read.push(tag);
    }
    tags::check(&read).map_err(|error| wrong(error.message))?;
    few(&read)?;
    Ok(read)
}

fn few(tags: &[Tag]) -> Result<(), ServiceError> {
    if tags.len() > MOST { Err(wrong(format!("a resource has at most {MOST} tags"))) } else { Ok(()) }
}

/// Answers an operation about tags.
pub(super) fn handle(
    world: &Arc<World>,
    request: &RawRequest,
    target: &Target,
) -> Result<RawResponse, ServiceError> {
    let arn = query(request, "Resource").unwrap_or_default();
    if !arn.starts_with("arn:aws:cloudfront:") {
        return Err(refused(400, "InvalidArgument", format!("`{arn}` is not the ARN of a resource")));
    }
    match target.operation {
        "TagResource" => {
            let input = body(request)?;
            let new = read(Some(&input))?;
            change(world, &arn, |there| {
                tags::put(there, new);
                few(there)
            })
        }
        "UntagResource" => {
            let input = body(request)?;
            let gone: Vec<&str> = input
                .child("Items")
                .into_iter()
                .flat_map(|items| &items.children)
                .map(|key| key.text.as_str())
                .collect();
            change(world, &arn, |there| {
                there.retain(|tag| !gone.contains(&tag.key.as_str()));
                Ok(())
            })
        }
        _ => {
            let item = |tag: &Tag| {
                Node::branch("Tag", vec![Node::leaf("Key", &tag.key), Node::leaf("Value", &tag.value)])
            };
            let items = told(world, &arn)?.iter().map(item).collect();
            Ok(answer(200, &Node::branch("Tags", vec![Node::branch("Items", items)])))
        }
    }
}

fn missing(arn: &str) -> ServiceError {
    refused(404, "NoSuchResource", format!("{arn} does not exist"))
}

fn told(world: &World, arn: &str) -> Result<Vec<Tag>, ServiceError> {
    let state = &world.cloudfront;
    let found = match kind(arn) {
        "distribution" => state
            .distributions
            .read(|all| all.values().find(|one| one.arn == arn).map(|one| one.tags.clone())),
        "function" => {
            state.functions.read(|all| all.values().find(|one| one.arn == arn).map(|one| one.tags.clone()))
        }
        _ => state.stores.read(|all| all.values().find(|one| one.arn == arn).map(|one| one.tags.clone())),
    };
    found.ok_or_else(|| missing(arn))
}

/// `arn:aws:cloudfront::123456789012:function/name` -> `function`.
fn kind(arn: &str) -> &str {
    arn.rsplit(':').next().and_then(|last| last.split('/').next()).unwrap_or_default()
}

fn change(
    world: &World,
    arn: &str,
    change: impl FnOnce(&mut Vec<Tag>) -> Result<(), ServiceError>,
) -> Result<RawResponse, ServiceError> {
    let state = &world.cloudfront;
    match kind(arn) {
        "distribution" => state.distributions.update(|all| {
            change(&mut all.values_mut().find(|one| one.arn == arn).ok_or_else(|| missing(arn))?.tags)
        }),
        "function" => state.functions.update(|all| {
            change(&mut all.values_mut().find(|one| one.arn == arn).ok_or_else(|| missing(arn))?.tags)
        }),
        _ => state.stores.update(|all| {
            change(&mut all.values_mut().find(|one| one.arn == arn).ok_or_else(|| missing(arn))?.tags)
        }),
    }?;
    Ok(RawResponse::new(204, "text/xml", ""))
}
