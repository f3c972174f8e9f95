//! `AWS::DynamoDB::Table`.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::sandbox::services::cloudformation::{
    diff::Recreation::{self, Always, Conditionally, Never},
    template::Made,
};

use super::{At, Kind, Naming, Outcome, Properties, is_missing, shape};

pub(super) struct Table;

const NUMBERS: [&str; 2] = ["ReadCapacityUnits", "WriteCapacityUnits"];

async fn described(at: &At, name: &str) -> Outcome<Option<Value>> {
    match at.call("dynamodb", "DescribeTable", json!({ "TableName": name })).await {
        Ok(answer) => Ok(Some(answer["Table"].clone())),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn made(table: &Value) -> Made {
    let mut attributes = shape::only(table, &[]);
    attributes.insert("Arn".to_owned(), table["TableArn"].clone());
    let physical = table["TableName"].as_str().unwrap_or_default().to_owned();
    Made { physical, attributes }
}

#[async_trait]
impl Kind for Table {
    fn name(&self) -> &'static str {
        "AWS::DynamoDB::Table"
    }

    fn properties(&self) -> &'static [(&'static str, Recreation)] {
        &[
            ("TableName", Always),
            ("KeySchema", Always),
            ("AttributeDefinitions", Conditionally),
            ("BillingMode", Never),
            ("ProvisionedThroughput", Never),
            ("GlobalSecondaryIndexes", Never),
            ("LocalSecondaryIndexes", Always),
            ("StreamSpecification", Never),
            ("TimeToLiveSpecification", Never),
            ("SSESpecification", Never),
            ("PointInTimeRecoverySpecification", Never),
            ("DeletionProtectionEnabled", Never),
            ("TableClass", Never),
            ("Tags", Never),
        ]
    }

    fn required(&self) -> &'static [&'static str] {
        &["KeySchema"]
    }

    fn attributes(&self) -> &'static [&'static str] {
        &["Arn"]
    }

    fn naming(&self) -> Option<Naming> {
        Some(Naming { property: "TableName", longest: 255, lower: false })
    }

    /// A key attribute of another type is another key.
    fn replaced(&self, old: &Properties, new: &Properties) -> bool {
        let of = |properties: &Properties| {
            let keys = properties.get("KeySchema").and_then(Value::as_array).cloned().unwrap_or_default();
            let definitions =
                properties.get("AttributeDefinitions").and_then(Value::as_array).cloned().unwrap_or_default();
            let is_key = |name: &Value| keys.iter().any(|key| key["AttributeName"] == *name);
            let mut kept: Vec<String> = definitions
                .into_iter()
                .filter(|definition| is_key(&definition["AttributeName"]))
                .map(|definition| format!("{} {}", definition["AttributeName"], definition["AttributeType"]))
                .collect();
            kept.sort();
            kept
        };
        of(old) != of(new)
    }

    async fn find(&self, at: &At, name: &str) -> Outcome<Option<Made>> {
        Ok(described(at, name).await?.as_ref().map(made))
    }

    async fn create(&self, at: &At, name: &str, properties: &Properties) -> Outcome<Made> {
        // Members that DynamoDB of the sandbox does not have, it refuses by name.
        let input = shape::typed(&shape::with(properties, "TableName", name), &NUMBERS, &[]);
        let answer = at.call("dynamodb", "CreateTable", input).await?;
        Ok(made(&answer["TableDescription"]))
    }

    async fn update(&self, at: &At, physical: &str, old: &Properties, new: &Properties) -> Outcome<Made> {
        let changed = crate::sandbox::services::cloudformation::diff::differing(old, new);
        let names: Vec<&str> = changed.iter().map(String::as_str).collect();
        let input = shape::with(&shape::only(&new.clone().into(), &names), "TableName", physical);
        at.call("dynamodb", "UpdateTable", shape::typed(&input, &NUMBERS, &[])).await?;
        Ok(described(at, physical).await?.as_ref().map(made).unwrap_or_default())
    }

    async fn delete(&self, at: &At, physical: &str, _: &Properties) -> Outcome<()> {
        match at.call("dynamodb", "DeleteTable", json!({ "TableName": physical })).await {
            Err(error) if !is_missing(&error) => Err(error),
            _ => Ok(()),
        }
    }

    async fn read(&self, at: &At, physical: &str) -> Outcome<Option<Properties>> {
        let Some(table) = described(at, physical).await? else { return Ok(None) };
        let mut found = shape::only(&table, &["TableName", "KeySchema", "AttributeDefinitions"]);
        let mode = table["BillingModeSummary"]["BillingMode"].as_str().unwrap_or("PROVISIONED");
        if mode == "PROVISIONED" {
            let units = shape::only(&table["ProvisionedThroughput"], &NUMBERS);
            found.insert("ProvisionedThroughput".to_owned(), units.into());
        }
        found.insert("BillingMode".to_owned(), mode.into());
        Ok(Some(found))
    }
}
