//! Invalidations. The edge caches nothing, so that there is nothing to do: an invalidation is under way for a moment, and
//! is then completed.
//!
//! Sources: CloudFront API reference, CreateInvalidation, InvalidationBatch; developer guide, "Invalidation quotas".

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::sandbox::{
    call::{RawRequest, RawResponse, ServiceError},
    world::World,
};

use super::{
    answer, body, config,
    distributions::{fresh_id, missing},
    now,
    pages::Page,
    refused, stamp,
    target::Target,
    xml::Node,
};

/// How long one takes, in seconds. On AWS it is some minutes.
const TAKES: f64 = 0.5;

/// Most paths under way at once, and of these those that end with a wildcard.
const PATHS: usize = 3000;
const WILD: usize = 15;

/// Longest path: that of an address.
const PATH: usize = 8192;

/// One invalidation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Invalidation {
    id: String,
    created: f64,
    batch: Node,
}

impl Invalidation {
    pub fn is_done(&self) -> bool {
        now() >= self.created + TAKES
    }

    fn members(&self) -> Vec<Node> {
        vec![
            Node::leaf("Id", &self.id),
            Node::leaf("Status", if self.is_done() { "Completed" } else { "InProgress" }),
            Node::leaf("CreateTime", stamp(self.created)),
        ]
    }

    fn shown(&self) -> Node {
        let mut members = self.members();
        members.push(self.batch.clone());
        Node::branch("Invalidation", members)
    }

    fn paths(&self) -> impl Iterator<Item = &str> {
        self.batch.items("Paths").iter().map(|path| path.text.as_str())
    }
}

fn check(batch: &Node) -> Result<(), ServiceError> {
    let invalid = |text: String| Err(refused(400, "InvalidArgument", text));
    config::quantities(batch)?;
    let paths = batch.items("Paths");
    if batch.text("CallerReference").is_empty() || paths.is_empty() {
        return invalid("a batch has a CallerReference and Paths".to_owned());
    }
    if paths.len() > PATHS {
        return Err(refused(413, "BatchTooLarge", format!("a batch has at most {PATHS} paths")));
    }
    for path in paths.iter().map(|path| path.text.as_str()) {
        let inner = path.strip_suffix('*').unwrap_or(path);
        if !path.starts_with('/')
            || path.len() > PATH
            || inner.contains('*')
            || path.contains(char::is_whitespace)
        {
            return invalid(format!("`{path}` is not a path: it begins with a slash, and may end with *"));
        }
    }
    Ok(())
}

fn create(world: &World, request: &RawRequest, id: &str) -> Result<RawResponse, ServiceError> {
    let batch = body(request)?.named("InvalidationBatch");
    check(&batch)?;
    world.cloudfront.distributions.update(|all| {
        let distribution = all.get_mut(id).ok_or_else(|| missing(id))?;
        let there = &mut distribution.invalidations;
        let reference = batch.text("CallerReference");
        let answered = |one: &Invalidation| {
            let location = format!("/2020-05-31/distribution/{id}/invalidation/{}", one.id);
            answer(201, &one.shown()).with("location", location)
        };
        if let Some(first) = there.iter().find(|one| one.batch.text("CallerReference") == reference) {
            return match first.batch.child("Paths") == batch.child("Paths") {
                true => Ok(answered(first)),
                false => {
                    let text = format!("the caller reference {reference} is that of another batch");
                    Err(refused(400, "InvalidationBatchAlreadyExists", text))
                }
            };
        }
        let new = Invalidation { id: fresh_id('I'), created: now(), batch: batch.clone() };
        let under_way = there.iter().filter(|one| !one.is_done()).chain([&new]).flat_map(Invalidation::paths);
        let (wild, plain): (Vec<&str>, Vec<&str>) = under_way.partition(|path| path.ends_with('*'));
        if wild.len() > WILD || plain.len() > PATHS {
            let text = format!("at most {PATHS} paths are under way at once, and {WILD} that end with *");
            return Err(refused(400, "TooManyInvalidationsInProgress", text));
        }
        let response = answered(&new);
        there.push(new);
        Ok(response)
    })
}

/// Answers an operation about invalidations.
pub(super) fn handle(
    world: &Arc<World>,
    request: &RawRequest,
    target: &Target,
) -> Result<RawResponse, ServiceError> {
    let id = target.name();
    let all = || {
        let found =
            world.cloudfront.distributions.read(|all| all.get(id).map(|one| one.invalidations.clone()));
        found.ok_or_else(|| missing(id))
    };
    match target.operation {
        "CreateInvalidation" => create(world, request, id),
        "GetInvalidation" => {
            let wanted = target.names.last().map_or("", String::as_str);
            let all = all()?;
            let found = all.iter().find(|one| one.id == wanted).ok_or_else(|| {
                refused(404, "NoSuchInvalidation", format!("the invalidation {wanted} does not exist"))
            })?;
            Ok(answer(200, &found.shown()))
        }
        // The newest is told first.
        _ => {
            let summary =
                |one: &Invalidation| (one.id.clone(), Node::branch("InvalidationSummary", one.members()));
            let listed = all()?.iter().rev().map(summary).collect();
            Ok(answer(200, &Page::of(request, listed)?.marked("InvalidationList")))
        }
    }
}
