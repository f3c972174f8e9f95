//! `AWS::AppRunner::AutoScalingConfiguration`: a revision of a configuration, which never changes.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::sandbox::services::cloudformation::{
    diff::Recreation::{self, Always},
    template::Made,
};

use super::{At, Kind, Naming, Outcome, Properties, is_missing, shape};

pub(super) struct AutoScalingConfiguration;

const NUMBERS: [&str; 3] = ["MaxConcurrency", "MinSize", "MaxSize"];

fn made(shown: &Value) -> Made {
    let attributes =
        shape::only(shown, &["AutoScalingConfigurationArn", "AutoScalingConfigurationRevision", "Latest"]);
    let physical = shown["AutoScalingConfigurationArn"].as_str().unwrap_or_default().to_owned();
    Made { physical, attributes }
}

#[async_trait]
impl Kind for AutoScalingConfiguration {
    fn name(&self) -> &'static str {
        "AWS::AppRunner::AutoScalingConfiguration"
    }

    fn properties(&self) -> &'static [(&'static str, Recreation)] {
        &[
            ("AutoScalingConfigurationName", Always),
            ("MaxConcurrency", Always),
            ("MinSize", Always),
            ("MaxSize", Always),
            ("Tags", Always),
        ]
    }

    fn attributes(&self) -> &'static [&'static str] {
        &["AutoScalingConfigurationArn", "AutoScalingConfigurationRevision", "Latest"]
    }

    fn naming(&self) -> Option<Naming> {
        Some(Naming { property: "AutoScalingConfigurationName", longest: 32, lower: false })
    }

    /// A name has many revisions, so that it is never taken.
    async fn find(&self, _: &At, _: &str) -> Outcome<Option<Made>> {
        Ok(None)
    }

    async fn create(&self, at: &At, name: &str, properties: &Properties) -> Outcome<Made> {
        let input = shape::with(properties, "AutoScalingConfigurationName", name);
        let input = shape::typed(&input, &NUMBERS, &[]);
        let answer = at.call("apprunner", "CreateAutoScalingConfiguration", input).await?;
        Ok(made(&answer["AutoScalingConfiguration"]))
    }

    async fn update(&self, _: &At, physical: &str, _: &Properties, _: &Properties) -> Outcome<Made> {
        Ok(Made { physical: physical.to_owned(), ..Made::default() })
    }

    async fn delete(&self, at: &At, physical: &str, _: &Properties) -> Outcome<()> {
        let input = json!({ "AutoScalingConfigurationArn": physical });
        match at.call("apprunner", "DeleteAutoScalingConfiguration", input).await {
            Err(error) if !is_missing(&error) => Err(error),
            _ => Ok(()),
        }
    }

    async fn read(&self, at: &At, physical: &str) -> Outcome<Option<Properties>> {
        let input = json!({ "AutoScalingConfigurationArn": physical });
        match at.call("apprunner", "DescribeAutoScalingConfiguration", input).await {
            Ok(answer) => {
                let names: Vec<&str> = self.properties().iter().map(|(name, _)| *name).collect();
                Ok(Some(shape::only(&answer["AutoScalingConfiguration"], &names)))
            }
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
