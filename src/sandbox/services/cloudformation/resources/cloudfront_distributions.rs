//! `AWS::CloudFront::Distribution`, whose deployments take their time and are waited for.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::sandbox::{
    call::ServiceError,
    services::{
        cloudformation::{
            diff::Recreation::{self, Never},
            template::Made,
        },
        cloudfront::xml::Node,
    },
};

use super::{
    At, Kind, Naming, Outcome, Properties,
    cloudfront::{Told, ask, look},
    cloudfront_shape::{node, value},
};

pub(super) struct Distribution;

const PAUSE: Duration = Duration::from_millis(150);

fn path(id: &str) -> String {
    format!("distribution/{id}")
}

fn made(distribution: &Node) -> Made {
    let id = distribution.text("Id");
    let attributes = json!({ "Id": id, "DomainName": distribution.text("DomainName") });
    Made { physical: id.to_owned(), attributes: attributes.as_object().cloned().unwrap_or_default() }
}

/// Waits until what was said last is deployed. The service itself bounds how long that takes.
async fn deployed(at: &At, id: &str) -> Outcome<Option<Told>> {
    loop {
        match look(at, &path(id))? {
            Some(told) if told.document.text("Status") != "Deployed" => tokio::time::sleep(PAUSE).await,
            other => return Ok(other),
        }
    }
}

/// The config that properties say; what a template may leave out and the service may not is filled in.
fn config(properties: &Properties, reference: &str) -> Node {
    let mut config = node("DistributionConfig", properties.get("DistributionConfig").unwrap_or(&Value::Null));
    config.put(Node::leaf("CallerReference", reference));
    config.fill(&Node::branch("", vec![Node::leaf("Comment", "")]));
    let ports = Node::branch("", vec![Node::leaf("HTTPPort", "80"), Node::leaf("HTTPSPort", "443")]);
    let lists = config.children.iter_mut().filter(|child| child.name == "Origins");
    let origins = lists.flat_map(|list| &mut list.children).filter(|child| child.name == "Items");
    let members = origins.flat_map(|items| &mut items.children).flat_map(|origin| &mut origin.children);
    members.filter(|member| member.name == "CustomOriginConfig").for_each(|custom| custom.fill(&ports));
    config
}

fn tags(properties: &Properties) -> Vec<Node> {
    let tags = properties.get("Tags").and_then(Value::as_array);
    tags.into_iter().flatten().map(|tag| node("Tag", tag)).collect()
}

/// The path of the tags of a distribution.
fn tagging(at: &At, id: &str, operation: &str) -> String {
    let arn = format!("arn:aws:cloudfront::{}:distribution/{id}", at.caller.account);
    format!("tagging?Operation={operation}&Resource={arn}")
}

#[async_trait]
impl Kind for Distribution {
    fn name(&self) -> &'static str {
        "AWS::CloudFront::Distribution"
    }

    fn properties(&self) -> &'static [(&'static str, Recreation)] {
        &[("DistributionConfig", Never), ("Tags", Never)]
    }

    fn required(&self) -> &'static [&'static str] {
        &["DistributionConfig"]
    }

    fn attributes(&self) -> &'static [&'static str] {
        &["DomainName", "Id"]
    }

    fn naming(&self) -> Option<Naming> {
        None
    }

    /// It has no name: what was made for it before a crash has its caller reference.
    async fn find(&self, at: &At, reference: &str) -> Outcome<Option<Made>> {
        let mut marker = String::new();
        loop {
            let page = ask(at, "GET", &format!("distribution?Marker={marker}"), None, None)?.document;
            for one in page.items_here() {
                let there = look(at, &path(one.text("Id")))?.map(|told| told.document);
                let its = |there: &Node| there.text("DistributionConfig/CallerReference") == reference;
                if let Some(there) = there.filter(its) {
                    deployed(at, there.text("Id")).await?;
                    return Ok(Some(made(&there)));
                }
            }
            page.text("NextMarker").clone_into(&mut marker);
            if marker.is_empty() {
                return Ok(None);
            }
        }
    }

    async fn create(&self, at: &At, reference: &str, properties: &Properties) -> Outcome<Made> {
        let config = config(properties, reference);
        let tags = tags(properties);
        let told = match tags.is_empty() {
            true => ask(at, "POST", "distribution", None, Some(&config))?,
            false => {
                let tags = Node::branch("Tags", vec![Node::branch("Items", tags)]);
                let body = Node::branch("DistributionConfigWithTags", vec![config, tags]);
                ask(at, "POST", "distribution?WithTags", None, Some(&body))?
            }
        };
        deployed(at, told.document.text("Id")).await?;
        Ok(made(&told.document))
    }

    async fn update(&self, at: &At, physical: &str, old: &Properties, new: &Properties) -> Outcome<Made> {
        let gone = || ServiceError::client("NoSuchDistribution", format!("{physical} does not exist"));
        let there = look(at, &path(physical))?.ok_or_else(gone)?;
        let config = config(new, there.document.text("DistributionConfig/CallerReference"));
        let told = ask(at, "PUT", &format!("{}/config", path(physical)), Some(&there.etag), Some(&config))?;
        let (old, new) = (tags(old), tags(new));
        let keys = old.iter().filter(|tag| !new.iter().any(|one| one.text("Key") == tag.text("Key")));
        let keys: Vec<Node> = keys.map(|tag| Node::leaf("Key", tag.text("Key"))).collect();
        if !keys.is_empty() {
            let body = Node::branch("TagKeys", vec![Node::branch("Items", keys)]);
            ask(at, "POST", &tagging(at, physical, "Untag"), None, Some(&body))?;
        }
        if !new.is_empty() {
            let body = Node::branch("Tags", vec![Node::branch("Items", new)]);
            ask(at, "POST", &tagging(at, physical, "Tag"), None, Some(&body))?;
        }
        deployed(at, physical).await?;
        Ok(made(&told.document))
    }

    /// One that is enabled is disabled first. Source: CloudFormation does so itself.
    async fn delete(&self, at: &At, physical: &str, _: &Properties) -> Outcome<()> {
        let Some(there) = look(at, &path(physical))? else { return Ok(()) };
        let config = there.document.child("DistributionConfig").cloned().unwrap_or_default();
        if config.is("Enabled") {
            let mut disabled = config;
            disabled.put(Node::leaf("Enabled", "false"));
            ask(at, "PUT", &format!("{}/config", path(physical)), Some(&there.etag), Some(&disabled))?;
        }
        let Some(there) = deployed(at, physical).await? else { return Ok(()) };
        ask(at, "DELETE", &path(physical), Some(&there.etag), None).map(|_| ())
    }

    async fn read(&self, at: &At, physical: &str) -> Outcome<Option<Properties>> {
        let Some(there) = look(at, &path(physical))? else { return Ok(None) };
        let config = there.document.child("DistributionConfig").map(value).unwrap_or_default();
        let tags = ask(at, "GET", &tagging(at, physical, ""), None, None)?;
        let items = tags.document.child("Items").into_iter().flat_map(|items| &items.children);
        let tags: Vec<Value> = items.map(value).collect();
        Ok(json!({ "DistributionConfig": config, "Tags": tags }).as_object().cloned())
    }
}
