//! `AWS::CloudFront::KeyValueStore`, through the REST-XML of the service's control plane.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use quick_xml::escape::{escape, unescape};
use serde_json::json;

use crate::sandbox::{
    call::{RawRequest, RawResponse, ServiceError},
    services::{
        cloudformation::{
            diff::Recreation::{self, Always, Never},
            template::Made,
        },
        cloudfront,
    },
};

use super::{At, Kind, Naming, Outcome, Properties};

pub(super) struct KeyValueStore;

const ROOT: &str = "/2020-05-31/key-value-store";

/// The text of the first element of this name.
fn text(body: &[u8], name: &str) -> String {
    let body = String::from_utf8_lossy(body);
    let found =
        body.split_once(&format!("<{name}>")).and_then(|(_, rest)| rest.split_once(&format!("</{name}>")));
    let text = found.map(|(text, _)| text).unwrap_or_default();
    unescape(text).map_or_else(|_| text.to_owned(), |text| text.into_owned())
}

/// The ARN of the store that a path names.
fn store(at: &At, path: &str) -> String {
    let name = path.strip_prefix(ROOT).unwrap_or_default().trim_matches('/');
    match at.world.cloudfront.id(name) {
        Some(id) => format!("arn:aws:cloudfront::{}:key-value-store/{id}", at.caller.account),
        None => "*".to_owned(),
    }
}

async fn ask(
    at: &At,
    method: &str,
    path: String,
    headers: BTreeMap<String, String>,
    body: String,
) -> Outcome<RawResponse> {
    let request = RawRequest {
        method: method.to_owned(),
        path,
        query: String::new(),
        headers,
        body: Bytes::from(body),
    };
    let operation = cloudfront::operation(&request, true);
    if !operation.is_empty() {
        at.may("cloudfront", operation, &store(at, &request.path))?;
    }
    let response = cloudfront::http(&at.world, true, request, &at.caller).await;
    match response.status {
        200..300 => Ok(response),
        404 => Err(ServiceError {
            status: 404,
            code: "EntityNotFound",
            message: text(&response.body, "Message"),
        }),
        409 => Err(ServiceError {
            status: 409,
            code: "EntityAlreadyExists",
            message: text(&response.body, "Message"),
        }),
        status => {
            Err(ServiceError { status, code: "InvalidArgument", message: text(&response.body, "Message") })
        }
    }
}

fn made(body: &[u8]) -> Made {
    let attributes =
        json!({ "Arn": text(body, "ARN"), "Id": text(body, "Id"), "Status": text(body, "Status") });
    Made { physical: text(body, "Name"), attributes: attributes.as_object().cloned().unwrap_or_default() }
}

async fn described(at: &At, name: &str) -> Outcome<Option<RawResponse>> {
    match ask(at, "GET", format!("{ROOT}/{name}"), BTreeMap::new(), String::new()).await {
        Ok(response) => Ok(Some(response)),
        Err(error) if error.status == 404 => Ok(None),
        Err(error) => Err(error),
    }
}

fn if_match(response: &RawResponse) -> BTreeMap<String, String> {
    let tag = response.headers.iter().find(|(name, _)| name == "etag").map(|(_, tag)| tag.clone());
    tag.map(|tag| ("if-match".to_owned(), tag)).into_iter().collect()
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
        Ok(described(at, name).await?.map(|response| made(&response.body)))
    }

    async fn create(&self, at: &At, name: &str, properties: &Properties) -> Outcome<Made> {
        let comment = properties.get("Comment").and_then(|comment| comment.as_str()).unwrap_or_default();
        let body = format!(
            "<CreateKeyValueStoreRequest><Name>{}</Name><Comment>{}</Comment></CreateKeyValueStoreRequest>",
            escape(name),
            escape(comment)
        );
        let response = ask(at, "POST", ROOT.to_owned(), BTreeMap::new(), body).await?;
        Ok(made(&response.body))
    }

    async fn update(&self, at: &At, physical: &str, _: &Properties, new: &Properties) -> Outcome<Made> {
        let there = described(at, physical).await?;
        let headers = there.as_ref().map(if_match).unwrap_or_default();
        let comment = new.get("Comment").and_then(|comment| comment.as_str()).unwrap_or_default();
        let body = format!(
            "<UpdateKeyValueStoreRequest><Comment>{}</Comment></UpdateKeyValueStoreRequest>",
            escape(comment)
        );
        let response = ask(at, "PUT", format!("{ROOT}/{physical}"), headers, body).await?;
        Ok(made(&response.body))
    }

    async fn delete(&self, at: &At, physical: &str, _: &Properties) -> Outcome<()> {
        let Some(there) = described(at, physical).await? else { return Ok(()) };
        ask(at, "DELETE", format!("{ROOT}/{physical}"), if_match(&there), String::new()).await.map(|_| ())
    }

    async fn read(&self, at: &At, physical: &str) -> Outcome<Option<Properties>> {
        let Some(there) = described(at, physical).await? else { return Ok(None) };
        let found = json!({ "Name": text(&there.body, "Name"), "Comment": text(&there.body, "Comment") });
        Ok(found.as_object().cloned())
    }
}
