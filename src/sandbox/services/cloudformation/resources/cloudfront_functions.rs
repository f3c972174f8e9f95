//! `AWS::CloudFront::Function`.

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::sandbox::services::{
    cloudformation::{
        diff::Recreation::{self, Always, Never},
        template::Made,
    },
    cloudfront::xml::Node,
};

use super::{
    At, Kind, Naming, Outcome, Properties,
    cloudfront::{Told, ask, look, said},
    cloudfront_shape::{node, value},
};

pub(super) struct Function;

/// What `Ref` gives is its ARN, the last part of which is its name.
fn path(physical: &str) -> String {
    format!("function/{}", physical.rsplit('/').next().unwrap_or_default())
}

fn made(summary: &Node) -> Made {
    let arn = summary.text("FunctionMetadata/FunctionARN");
    let stage = summary.text("FunctionMetadata/Stage");
    let attributes = json!({ "FunctionARN": arn, "FunctionMetadata.FunctionARN": arn, "Stage": stage });
    Made { physical: arn.to_owned(), attributes: attributes.as_object().cloned().unwrap_or_default() }
}

fn request(name: &str, properties: &Properties) -> Node {
    let mut config = node("FunctionConfig", properties.get("FunctionConfig").unwrap_or(&Value::Null));
    config.fill(&Node::branch("", vec![Node::leaf("Comment", "")]));
    let code = STANDARD.encode(said(properties, "FunctionCode"));
    let mut members = vec![Node::leaf("Name", name), config, Node::leaf("FunctionCode", code)];
    if let Some(tags) = properties.get("Tags").and_then(Value::as_array) {
        let tags = tags.iter().map(|tag| node("Tag", tag)).collect();
        members.push(Node::branch("Tags", vec![Node::branch("Items", tags)]));
    }
    Node::branch("FunctionRequest", members)
}

/// Publishes what is at DEVELOPMENT, where the template wants that.
fn published(at: &At, told: Told, properties: &Properties) -> Outcome<Made> {
    let is_wanted = properties.get("AutoPublish").is_some_and(|flag| flag == true || flag == "true");
    let made = made(&told.document);
    if is_wanted {
        ask(at, "POST", &format!("{}/publish", path(&made.physical)), Some(&told.etag), None)?;
    }
    Ok(made)
}

#[async_trait]
impl Kind for Function {
    fn name(&self) -> &'static str {
        "AWS::CloudFront::Function"
    }

    fn properties(&self) -> &'static [(&'static str, Recreation)] {
        &[
            ("Name", Always),
            ("AutoPublish", Never),
            ("FunctionCode", Never),
            ("FunctionConfig", Never),
            ("Tags", Always),
        ]
    }

    fn required(&self) -> &'static [&'static str] {
        &["Name", "FunctionCode", "FunctionConfig"]
    }

    fn attributes(&self) -> &'static [&'static str] {
        &["FunctionARN", "FunctionMetadata.FunctionARN", "Stage"]
    }

    fn naming(&self) -> Option<Naming> {
        Some(Naming { property: "Name", longest: 64, lower: false })
    }

    async fn find(&self, at: &At, name: &str) -> Outcome<Option<Made>> {
        Ok(look(at, &format!("function/{name}/describe"))?.map(|told| made(&told.document)))
    }

    async fn create(&self, at: &At, name: &str, properties: &Properties) -> Outcome<Made> {
        let told = ask(at, "POST", "function", None, Some(&request(name, properties)))?;
        published(at, told, properties)
    }

    async fn update(&self, at: &At, physical: &str, _: &Properties, new: &Properties) -> Outcome<Made> {
        let there = look(at, &format!("{}/describe", path(physical)))?;
        let etag = there.as_ref().map(|told| told.etag.as_str());
        let body = request(said(new, "Name"), new);
        published(at, ask(at, "PUT", &path(physical), etag, Some(&body))?, new)
    }

    async fn delete(&self, at: &At, physical: &str, _: &Properties) -> Outcome<()> {
        let Some(there) = look(at, &format!("{}/describe", path(physical)))? else { return Ok(()) };
        ask(at, "DELETE", &path(physical), Some(&there.etag), None).map(|_| ())
    }

    async fn read(&self, at: &At, physical: &str) -> Outcome<Option<Properties>> {
        let Some(there) = look(at, &format!("{}/describe", path(physical)))? else { return Ok(None) };
        let Some(code) = look(at, &path(physical))? else { return Ok(None) };
        let config = there.document.child("FunctionConfig").map(value).unwrap_or_default();
        let code = String::from_utf8_lossy(&code.response.body).into_owned();
        let found =
            json!({ "Name": there.document.text("Name"), "FunctionConfig": config, "FunctionCode": code });
        Ok(found.as_object().cloned())
    }
}
