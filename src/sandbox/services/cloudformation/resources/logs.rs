//! `AWS::Logs::LogGroup`.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::sandbox::services::cloudformation::{
    diff::Recreation::{self, Always, Never},
    template::Made,
};

use super::{At, Kind, Naming, Outcome, Properties, is_missing, shape};

pub(super) struct LogGroup;

async fn described(at: &At, name: &str) -> Outcome<Option<Value>> {
    let answer = at.call("logs", "DescribeLogGroups", json!({ "logGroupNamePrefix": name })).await?;
    let groups = answer["logGroups"].as_array().cloned().unwrap_or_default();
    Ok(groups.into_iter().find(|group| group["logGroupName"] == name))
}

fn made(group: &Value) -> Made {
    let attributes = json!({ "Arn": group["arn"] });
    let physical = group["logGroupName"].as_str().unwrap_or_default().to_owned();
    Made { physical, attributes: attributes.as_object().cloned().unwrap_or_default() }
}

/// How long events are kept; without it, for ever.
async fn retention(at: &At, name: &str, old: Option<&Value>, new: Option<&Value>) -> Outcome<()> {
    let input = json!({ "logGroupName": name });
    match (old, new) {
        (old, new) if old == new => Ok(()),
        (_, Some(days)) => {
            let days = shape::typed(&json!({ "retentionInDays": days }), &["retentionInDays"], &[]);
            let input = json!({ "logGroupName": name, "retentionInDays": days["retentionInDays"] });
            at.call("logs", "PutRetentionPolicy", input).await.map(|_| ())
        }
        (_, None) => at.call("logs", "DeleteRetentionPolicy", input).await.map(|_| ()),
    }
}

#[async_trait]
impl Kind for LogGroup {
    fn name(&self) -> &'static str {
        "AWS::Logs::LogGroup"
    }

    fn properties(&self) -> &'static [(&'static str, Recreation)] {
        &[("LogGroupName", Always), ("RetentionInDays", Never)]
    }

    fn attributes(&self) -> &'static [&'static str] {
        &["Arn"]
    }

    fn naming(&self) -> Option<Naming> {
        Some(Naming { property: "LogGroupName", longest: 512, lower: false })
    }

    async fn find(&self, at: &At, name: &str) -> Outcome<Option<Made>> {
        Ok(described(at, name).await?.as_ref().map(made))
    }

    async fn create(&self, at: &At, name: &str, properties: &Properties) -> Outcome<Made> {
        at.call("logs", "CreateLogGroup", json!({ "logGroupName": name })).await?;
        retention(at, name, None, properties.get("RetentionInDays")).await?;
        Ok(described(at, name).await?.as_ref().map(made).unwrap_or_default())
    }

    async fn update(&self, at: &At, physical: &str, old: &Properties, new: &Properties) -> Outcome<Made> {
        retention(at, physical, old.get("RetentionInDays"), new.get("RetentionInDays")).await?;
        Ok(described(at, physical).await?.as_ref().map(made).unwrap_or_default())
    }

    async fn delete(&self, at: &At, physical: &str, _: &Properties) -> Outcome<()> {
        match at.call("logs", "DeleteLogGroup", json!({ "logGroupName": physical })).await {
            Err(error) if !is_missing(&error) => Err(error),
            _ => Ok(()),
        }
    }

    async fn read(&self, at: &At, physical: &str) -> Outcome<Option<Properties>> {
        let found = described(at, physical).await?;
        Ok(found.map(|group| shape::only(&shape::pascal(&group), &["LogGroupName", "RetentionInDays"])))
    }
}
