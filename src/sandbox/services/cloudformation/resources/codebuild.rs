//! `AWS::CodeBuild::Project`.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::sandbox::services::cloudformation::{
    diff::Recreation::{self, Always, Never},
    template::Made,
};

use super::{At, Kind, Naming, Outcome, Properties, shape};

pub(super) struct Project;

const NUMBERS: [&str; 5] =
    ["TimeoutInMinutes", "QueuedTimeoutInMinutes", "ConcurrentBuildLimit", "GitCloneDepth", "AutoRetryLimit"];
const FLAGS: [&str; 6] = [
    "PrivilegedMode",
    "EncryptionDisabled",
    "OverrideArtifactName",
    "InsecureSsl",
    "ReportBuildStatus",
    "BadgeEnabled",
];

/// In the service's own shape; the one name that is not the template's with a small letter is the build specification's.
fn input(name: &str, properties: &Properties) -> Value {
    let typed = shape::typed(&shape::with(properties, "Name", name), &NUMBERS, &FLAGS);
    let mut input = shape::camel(&typed);
    if let Some(source) = input["source"].as_object_mut()
        && let Some(text) = source.remove("buildSpec")
    {
        source.insert("buildspec".to_owned(), text);
    }
    input
}

fn made(project: &Value) -> Made {
    let attributes = json!({ "Arn": project["arn"] });
    let physical = project["name"].as_str().unwrap_or_default().to_owned();
    Made { physical, attributes: attributes.as_object().cloned().unwrap_or_default() }
}

async fn described(at: &At, name: &str) -> Outcome<Option<Value>> {
    let answer = at.call("codebuild", "BatchGetProjects", json!({ "names": [name] })).await?;
    Ok(answer["projects"].get(0).cloned())
}

#[async_trait]
impl Kind for Project {
    fn name(&self) -> &'static str {
        "AWS::CodeBuild::Project"
    }

    fn properties(&self) -> &'static [(&'static str, Recreation)] {
        &[
            ("Name", Always),
            ("Description", Never),
            ("Source", Never),
            ("Artifacts", Never),
            ("Environment", Never),
            ("ServiceRole", Never),
            ("TimeoutInMinutes", Never),
            ("QueuedTimeoutInMinutes", Never),
            ("ConcurrentBuildLimit", Never),
            ("EncryptionKey", Never),
            ("LogsConfig", Never),
            ("Cache", Never),
            ("Tags", Never),
        ]
    }

    fn required(&self) -> &'static [&'static str] {
        &["Artifacts", "Environment", "ServiceRole", "Source"]
    }

    fn attributes(&self) -> &'static [&'static str] {
        &["Arn"]
    }

    fn naming(&self) -> Option<Naming> {
        Some(Naming { property: "Name", longest: 150, lower: false })
    }

    async fn find(&self, at: &At, name: &str) -> Outcome<Option<Made>> {
        Ok(described(at, name).await?.as_ref().map(made))
    }

    async fn create(&self, at: &At, name: &str, properties: &Properties) -> Outcome<Made> {
        let answer = at.call("codebuild", "CreateProject", input(name, properties)).await?;
        Ok(made(&answer["project"]))
    }

    async fn update(&self, at: &At, physical: &str, _: &Properties, new: &Properties) -> Outcome<Made> {
        let answer = at.call("codebuild", "UpdateProject", input(physical, new)).await?;
        Ok(made(&answer["project"]))
    }

    async fn delete(&self, at: &At, physical: &str, _: &Properties) -> Outcome<()> {
        at.call("codebuild", "DeleteProject", json!({ "name": physical })).await.map(|_| ())
    }

    async fn read(&self, at: &At, physical: &str) -> Outcome<Option<Properties>> {
        let Some(mut project) = described(at, physical).await? else { return Ok(None) };
        if let Some(source) = project["source"].as_object_mut()
            && let Some(text) = source.remove("buildspec")
        {
            source.insert("buildSpec".to_owned(), text);
        }
        let names: Vec<&str> = self.properties().iter().map(|(name, _)| *name).collect();
        Ok(Some(shape::only(&shape::pascal(&project), &names)))
    }
}
