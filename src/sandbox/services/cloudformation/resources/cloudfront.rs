//! `AWS::CloudFront::KeyValueStore`, through the REST-XML of the service's control plane.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::json;

use crate::sandbox::{
    call::{RawRequest, RawResponse},
    services::{
        cloudformation::{
            diff::Recreation::{self, Always, Never},
            template::Made,
        },
        cloudfront::{self, xml::Node},
    },
};

use super::{At, Kind, Naming, Outcome, Properties, is_missing};

pub(super) struct KeyValueStore;

/// What a request was answered.
pub(super) struct Told {
    pub etag: String,
    pub document: Node,
    pub response: RawResponse,
}

/// Asks the service, by its own paths. What changes a thing names the version that was seen.
pub(super) fn ask(
    at: &At,
    method: &str,
    path: &str,
    etag: Option<&str>,
    body: Option<&Node>,
) -> Outcome<Told> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let request = RawRequest {
        method: method.to_owned(),
        path: format!("/2020-05-31/{path}"),
        query: query.to_owned(),
        headers: etag
            .map(|etag| ("if-match".to_owned(), etag.to_owned()))
            .into_iter()
            .collect::<BTreeMap<_, _>>(),
        body: body.map(|body| Bytes::from(body.document())).unwrap_or_default(),
    };
    let operation = cloudfront::operation(&request, true);
    if !operation.is_empty() {
        let resource = cloudfront::resource(&at.world, &at.caller.account, &request);
        at.may("cloudfront", operation, &resource)?;
    }
    let response = cloudfront::control(&at.world, &request, &at.caller)?;
    let etag = response.headers.iter().find(|(name, _)| name == "etag").map(|(_, tag)| tag.clone());
    let document = Node::read(&response.body).unwrap_or_default();
    Ok(Told { etag: etag.unwrap_or_default(), document, response })
}

/// What is at a path, if anything is.
pub(super) fn look(at: &At, path: &str) -> Outcome<Option<Told>> {
    match ask(at, "GET", path, None, None) {
        Ok(told) => Ok(Some(told)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A text of the properties; empty where there is none.
pub(super) fn said<'a>(properties: &'a Properties, name: &str) -> &'a str {
    properties.get(name).and_then(|value| value.as_str()).unwrap_or_default()
}

fn path(name: &str) -> String {
    format!("key-value-store/{name}")
}

fn made(store: &Node) -> Made {
    let attributes =
        json!({ "Arn": store.text("ARN"), "Id": store.text("Id"), "Status": store.text("Status") });
    Made {
        physical: store.text("Name").to_owned(),
        attributes: attributes.as_object().cloned().unwrap_or_default(),
    }
}

#[async_trait]
impl Kind for KeyValueStore {
    fn name(&self) -> &'static str {
        "AWS::CloudFront::KeyValueStore"
    }

    fn properties(&self) -> &'static [(&'static str, Recreation)] {
        &[("Name", Always), ("Comment", Never)]
    }

    fn required(&self) -> &'static [&'static str] {
        &["Name"]
    }

    fn attributes(&self) -> &'static [&'static str] {
        &["Arn", "Id", "Status"]
    }

    fn naming(&self) -> Option<Naming> {
        Some(Naming { property: "Name", longest: 64, lower: false })
    }

    async fn find(&self, at: &At, name: &str) -> Outcome<Option<Made>> {
        Ok(look(at, &path(name))?.map(|told| made(&told.document)))
    }

    async fn create(&self, at: &At, name: &str, properties: &Properties) -> Outcome<Made> {
        let members = vec![Node::leaf("Name", name), Node::leaf("Comment", said(properties, "Comment"))];
        let body = Node::branch("CreateKeyValueStoreRequest", members);
        Ok(made(&ask(at, "POST", "key-value-store", None, Some(&body))?.document))
    }

    async fn update(&self, at: &At, physical: &str, _: &Properties, new: &Properties) -> Outcome<Made> {
        let there = look(at, &path(physical))?;
        let etag = there.as_ref().map(|told| told.etag.as_str());
        let body =
            Node::branch("UpdateKeyValueStoreRequest", vec![Node::leaf("Comment", said(new, "Comment"))]);
        Ok(made(&ask(at, "PUT", &path(physical), etag, Some(&body))?.document))
    }

    async fn delete(&self, at: &At, physical: &str, _: &Properties) -> Outcome<()> {
        let Some(there) = look(at, &path(physical))? else { return Ok(()) };
        ask(at, "DELETE", &path(physical), Some(&there.etag), None).map(|_| ())
    }

    async fn read(&self, at: &At, physical: &str) -> Outcome<Option<Properties>> {
        let Some(there) = look(at, &path(physical))? else { return Ok(None) };
        let found = json!({ "Name": there.document.text("Name"), "Comment": there.document.text("Comment") });
        Ok(found.as_object().cloned())
    }
}
