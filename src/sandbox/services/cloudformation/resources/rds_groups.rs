//! `AWS::RDS::DBSubnetGroup` and `AWS::RDS::DBParameterGroup`.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::sandbox::services::cloudformation::{
    diff::Recreation::{self, Always, Never},
    template::Made,
};

use super::{At, Kind, Naming, Outcome, Properties, is_missing, shape};

pub(super) struct DbSubnetGroup;
pub(super) struct DbParameterGroup;

/// Most parameters of one call. Source: RDS API reference, ModifyDBParameterGroup.
const MOST: usize = 20;

/// Gives a resource the tags of a template in the place of those that it had by the former one.
pub(super) async fn retag(at: &At, arn: &Value, new: Option<Value>, old: Option<&Value>) -> Outcome<()> {
    let keys: Vec<Value> =
        old.and_then(Value::as_array).into_iter().flatten().map(|tag| tag["Key"].clone()).collect();
    if !keys.is_empty() {
        at.call("rds", "RemoveTagsFromResource", json!({ "ResourceName": arn, "TagKeys": keys })).await?;
    }
    if let Some(tags) = new {
        at.call("rds", "AddTagsToResource", json!({ "ResourceName": arn, "Tags": tags })).await?;
    }
    Ok(())
}

async fn described(at: &At, operation: &str, list: &str, input: Value) -> Outcome<Option<Value>> {
    match at.call("rds", operation, input).await {
        Ok(answer) => Ok(Some(answer[list][0].clone())),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn made(group: &Value, name: &str) -> Made {
    let physical = group[name].as_str().unwrap_or_default().to_owned();
    Made { physical, attributes: Properties::new() }
}

#[async_trait]
impl Kind for DbSubnetGroup {
    fn name(&self) -> &'static str {
        "AWS::RDS::DBSubnetGroup"
    }

    fn properties(&self) -> &'static [(&'static str, Recreation)] {
        &[
            ("DBSubnetGroupName", Always),
            ("DBSubnetGroupDescription", Never),
            ("SubnetIds", Never),
            ("Tags", Never),
        ]
    }

    fn required(&self) -> &'static [&'static str] {
        &["DBSubnetGroupDescription", "SubnetIds"]
    }

    fn naming(&self) -> Option<Naming> {
        Some(Naming { property: "DBSubnetGroupName", longest: 255, lower: true })
    }

    async fn find(&self, at: &At, name: &str) -> Outcome<Option<Made>> {
        let input = json!({ "DBSubnetGroupName": name });
        let found = described(at, "DescribeDBSubnetGroups", "DBSubnetGroups", input).await?;
        Ok(found.map(|group| made(&group, "DBSubnetGroupName")))
    }

    async fn create(&self, at: &At, name: &str, properties: &Properties) -> Outcome<Made> {
        let input = shape::with(properties, "DBSubnetGroupName", name);
        let answer = at.call("rds", "CreateDBSubnetGroup", input).await?;
        Ok(made(&answer["DBSubnetGroup"], "DBSubnetGroupName"))
    }

    async fn update(&self, at: &At, physical: &str, old: &Properties, new: &Properties) -> Outcome<Made> {
        let kept = shape::only(&new.clone().into(), &["DBSubnetGroupDescription", "SubnetIds"]);
        let input = shape::with(&kept, "DBSubnetGroupName", physical);
        let answer = at.call("rds", "ModifyDBSubnetGroup", input).await?;
        if old.get("Tags") != new.get("Tags") {
            let arn = &answer["DBSubnetGroup"]["DBSubnetGroupArn"];
            retag(at, arn, new.get("Tags").cloned(), old.get("Tags")).await?;
        }
        Ok(made(&answer["DBSubnetGroup"], "DBSubnetGroupName"))
    }

    async fn delete(&self, at: &At, physical: &str, _: &Properties) -> Outcome<()> {
        match at.call("rds", "DeleteDBSubnetGroup", json!({ "DBSubnetGroupName": physical })).await {
            Err(error) if !is_missing(&error) => Err(error),
            _ => Ok(()),
        }
    }

    async fn read(&self, at: &At, physical: &str) -> Outcome<Option<Properties>> {
        let input = json!({ "DBSubnetGroupName": physical });
        let found = described(at, "DescribeDBSubnetGroups", "DBSubnetGroups", input).await?;
        Ok(found.map(|group| {
            let mut found = shape::only(&group, &["DBSubnetGroupName", "DBSubnetGroupDescription"]);
            let subnets = group["Subnets"].as_array().into_iter().flatten();
            let subnets: Vec<Value> = subnets.map(|subnet| subnet["SubnetIdentifier"].clone()).collect();
            found.insert("SubnetIds".to_owned(), subnets.into());
            found
        }))
    }
}

/// Gives a group the values of a template. What is dynamic is in force at once, as CloudFormation has it.
async fn set(at: &At, name: &str, parameters: Option<&Value>) -> Outcome<()> {
    let wanted = parameters.and_then(Value::as_object).cloned().unwrap_or_default();
    let wanted: Vec<(String, Value)> = wanted.into_iter().collect();
    for some in wanted.chunks(MOST) {
        let mut list = Vec::new();
        for (parameter, value) in some {
            let input = json!({
                "DBParameterGroupName": name,
                "Filters": [{ "Name": "parameter-name", "Values": [parameter] }],
            });
            let known = at.call("rds", "DescribeDBParameters", input).await?;
            let dynamic = known["Parameters"][0]["ApplyType"] == "dynamic";
            list.push(json!({
                "ParameterName": parameter,
                "ParameterValue": shape::worded(value),
                "ApplyMethod": if dynamic { "immediate" } else { "pending-reboot" },
            }));
        }
        let input = json!({ "DBParameterGroupName": name, "Parameters": list });
        at.call("rds", "ModifyDBParameterGroup", input).await?;
    }
    Ok(())
}

#[async_trait]
impl Kind for DbParameterGroup {
    fn name(&self) -> &'static str {
        "AWS::RDS::DBParameterGroup"
    }

    fn properties(&self) -> &'static [(&'static str, Recreation)] {
        &[
            ("DBParameterGroupName", Always),
            ("Description", Always),
            ("Family", Always),
            // A parameter that a template no longer has keeps its value, so that only another group is without it.
            ("Parameters", Recreation::Conditionally),
            ("Tags", Always),
        ]
    }

    fn required(&self) -> &'static [&'static str] {
        &["Description", "Family"]
    }

    fn naming(&self) -> Option<Naming> {
        Some(Naming { property: "DBParameterGroupName", longest: 255, lower: true })
    }

    fn replaced(&self, old: &Properties, new: &Properties) -> bool {
        let names = |properties: &Properties| -> Vec<String> {
            let all = properties.get("Parameters").and_then(Value::as_object);
            all.into_iter().flatten().map(|(name, _)| name.clone()).collect()
        };
        let kept = names(new);
        names(old).iter().any(|name| !kept.contains(name))
    }

    async fn find(&self, at: &At, name: &str) -> Outcome<Option<Made>> {
        let input = json!({ "DBParameterGroupName": name });
        let found = described(at, "DescribeDBParameterGroups", "DBParameterGroups", input).await?;
        Ok(found.map(|group| made(&group, "DBParameterGroupName")))
    }

    async fn create(&self, at: &At, name: &str, properties: &Properties) -> Outcome<Made> {
        let mut input = shape::with(
            &shape::only(&properties.clone().into(), &["Description", "Tags"]),
            "DBParameterGroupName",
            name,
        );
        input["DBParameterGroupFamily"] = properties.get("Family").cloned().unwrap_or_default();
        let answer = at.call("rds", "CreateDBParameterGroup", input).await?;
        set(at, name, properties.get("Parameters")).await?;
        Ok(made(&answer["DBParameterGroup"], "DBParameterGroupName"))
    }

    async fn update(&self, at: &At, physical: &str, _: &Properties, new: &Properties) -> Outcome<Made> {
        set(at, physical, new.get("Parameters")).await?;
        Ok(Made { physical: physical.to_owned(), attributes: Properties::new() })
    }

    async fn delete(&self, at: &At, physical: &str, _: &Properties) -> Outcome<()> {
        match at.call("rds", "DeleteDBParameterGroup", json!({ "DBParameterGroupName": physical })).await {
            Err(error) if !is_missing(&error) => Err(error),
            _ => Ok(()),
        }
    }

    async fn read(&self, at: &At, physical: &str) -> Outcome<Option<Properties>> {
        let input = json!({ "DBParameterGroupName": physical });
        let found = described(at, "DescribeDBParameterGroups", "DBParameterGroups", input.clone()).await?;
        let Some(group) = found else { return Ok(None) };
        let mut found = shape::only(&group, &["DBParameterGroupName", "Description"]);
        found.insert("Family".to_owned(), group["DBParameterGroupFamily"].clone());
        let mut user = input;
        user["Source"] = "user".into();
        let answer = at.call("rds", "DescribeDBParameters", user).await?;
        let pairs = answer["Parameters"].as_array().into_iter().flatten();
        let pairs: Properties = pairs
            .filter_map(|one| {
                Some((one["ParameterName"].as_str()?.to_owned(), one["ParameterValue"].clone()))
            })
            .collect();
        if !pairs.is_empty() {
            found.insert("Parameters".to_owned(), pairs.into());
        }
        Ok(Some(found))
    }
}
