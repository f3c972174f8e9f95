//! `AWS::SQS::Queue`.

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use crate::sandbox::services::cloudformation::{
    diff::Recreation::{self, Always, Never},
    template::Made,
};

use super::{At, Kind, Naming, Outcome, Properties, is_missing, shape};

pub(super) struct Queue;

/// Attributes of a queue that are properties of a template.
const ATTRIBUTES: [&str; 10] = [
    "ContentBasedDeduplication",
    "DelaySeconds",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
];
const WAIT: &str = "ReceiveMessageWaitTimeSeconds";

/// What a queue has where nothing is said. Source: Amazon SQS API reference, `SetQueueAttributes`.
const FIRST: [(&str, &str); 5] = [
    ("DelaySeconds", "0"),
    ("MaximumMessageSize", "1048576"),
    ("MessageRetentionPeriod", "345600"),
    (WAIT, "0"),
    ("VisibilityTimeout", "30"),
];

fn attributes(properties: &Properties) -> Map<String, Value> {
    let named = properties.iter().filter(|(name, _)| *name != "QueueName" && *name != "Tags");
    named.map(|(name, value)| (name.clone(), shape::worded(value))).collect()
}

fn tagged(tags: &Value) -> Value {
    let pair = |tag: &Value| Some((tag["Key"].as_str()?.to_owned(), shape::worded(&tag["Value"])));
    Value::Object(tags.as_array().into_iter().flatten().filter_map(pair).collect())
}

fn made(at: &At, url: &str) -> Made {
    let name = url.rsplit('/').next().unwrap_or_default();
    let arn = format!("arn:aws:sqs:{}:{}:{name}", at.caller.region, at.caller.account);
    let attributes = json!({ "Arn": arn, "QueueName": name, "QueueUrl": url });
    Made { physical: url.to_owned(), attributes: attributes.as_object().cloned().unwrap_or_default() }
}

#[async_trait]
impl Kind for Queue {
    fn name(&self) -> &'static str {
        "AWS::SQS::Queue"
    }

    fn properties(&self) -> &'static [(&'static str, Recreation)] {
        const ALL: [(&str, Recreation); 14] = {
            let mut all = [("QueueName", Always); 14];
            let mut at = 0;
            while at < ATTRIBUTES.len() {
                all[at] = (ATTRIBUTES[at], Never);
                at += 1;
            }
            all[10] = (WAIT, Never);
            all[11] = ("FifoQueue", Always);
            all[12] = ("Tags", Never);
            all
        };
        &ALL
    }

    fn attributes(&self) -> &'static [&'static str] {
        &["Arn", "QueueName", "QueueUrl"]
    }

    fn naming(&self) -> Option<Naming> {
        Some(Naming { property: "QueueName", longest: 80, lower: false })
    }

    async fn find(&self, at: &At, name: &str) -> Outcome<Option<Made>> {
        match at.call("sqs", "GetQueueUrl", json!({ "QueueName": name })).await {
            Ok(answer) => Ok(answer["QueueUrl"].as_str().map(|url| made(at, url))),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn create(&self, at: &At, name: &str, properties: &Properties) -> Outcome<Made> {
        let mut input = json!({ "QueueName": name, "Attributes": attributes(properties) });
        if let Some(tags) = properties.get("Tags") {
            input["tags"] = tagged(tags);
        }
        let answer = at.call("sqs", "CreateQueue", input).await?;
        Ok(made(at, answer["QueueUrl"].as_str().unwrap_or_default()))
    }

    async fn update(&self, at: &At, physical: &str, old: &Properties, new: &Properties) -> Outcome<Made> {
        if old.get("Tags") != new.get("Tags") {
            let tags = tagged(new.get("Tags").unwrap_or(&Value::Null));
            at.call("sqs", "TagQueue", json!({ "QueueUrl": physical, "Tags": tags })).await?;
        }
        let mut wanted = attributes(new);
        for name in attributes(old).keys().filter(|name| !new.contains_key(*name)) {
            let first = FIRST.iter().find(|(known, _)| known == name).map_or("", |(_, value)| *value);
            wanted.insert(name.clone(), first.into());
        }
        at.call("sqs", "SetQueueAttributes", json!({ "QueueUrl": physical, "Attributes": wanted })).await?;
        Ok(made(at, physical))
    }

    async fn delete(&self, at: &At, physical: &str, _: &Properties) -> Outcome<()> {
        match at.call("sqs", "DeleteQueue", json!({ "QueueUrl": physical })).await {
            Err(error) if !is_missing(&error) => Err(error),
            _ => Ok(()),
        }
    }

    async fn read(&self, at: &At, physical: &str) -> Outcome<Option<Properties>> {
        let input = json!({ "QueueUrl": physical, "AttributeNames": ["All"] });
        let answer = match at.call("sqs", "GetQueueAttributes", input).await {
            Ok(answer) => answer,
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let names: Vec<&str> = self.properties().iter().map(|(name, _)| *name).collect();
        let mut found = shape::only(&answer["Attributes"], &names);
        found.insert("QueueName".to_owned(), physical.rsplit('/').next().unwrap_or_default().into());
        Ok(Some(found))
    }
}
