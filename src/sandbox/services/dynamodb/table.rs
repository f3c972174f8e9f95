//! Tables: made, described, listed and removed. A table can be used at once.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::sandbox::{
    call::{Answer, Caller, ServiceError},
    server::uuid,
};

use super::{
    DynamoDb, input, invalid,
    key::{KeyName, Schema},
    locked, value,
};

/// One table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Table {
    pub id: String,
    pub name: String,
    pub arn: String,
    /// Seconds since the epoch.
    pub created: f64,
    pub schema: Schema,
    /// Read and write capacity; none for a table that is paid by request.
    pub throughput: Option<Throughput>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Throughput {
    read_capacity_units: u64,
    write_capacity_units: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Create {
    table_name: String,
    attribute_definitions: Vec<Definition>,
    key_schema: Vec<Element>,
    billing_mode: Option<String>,
    provisioned_throughput: Option<Throughput>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Definition {
    attribute_name: String,
    attribute_type: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Element {
    attribute_name: String,
    key_type: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Named {
    table_name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct List {
    exclusive_start_table_name: Option<String>,
    limit: Option<usize>,
}

/// Refuses what cannot be a table's name.
pub(super) fn check_name(name: &str) -> Result<(), ServiceError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    if (3..=255).contains(&name.len()) && name.bytes().all(plain) {
        return Ok(());
    }
    Err(invalid(format!(
        "`{name}` is not a table name: it has 3 to 255 of the characters a-z, A-Z, 0-9, '_', '-' and '.'"
    )))
}

fn wrong(why: &str) -> ServiceError {
    invalid(format!("One or more parameter values were invalid: {why}"))
}

fn schema(elements: &[Element], definitions: &[Definition]) -> Result<Schema, ServiceError> {
    let named = |element: &Element| {
        let name = &element.attribute_name;
        let definition = definitions.iter().find(|definition| definition.attribute_name == *name);
        let kind = definition
            .map(|definition| definition.attribute_type.clone())
            .ok_or_else(|| wrong(&format!("the key attribute {name} is not in AttributeDefinitions")))?;
        if !matches!(kind.as_str(), "S" | "N" | "B") {
            return Err(wrong(&format!("the key attribute {name} is of type {kind}, not S, N or B")));
        }
        Ok(KeyName { name: name.clone(), kind })
    };
    let types: Vec<&str> = elements.iter().map(|element| element.key_type.as_str()).collect();
    let schema = match types.as_slice() {
        ["HASH"] => Schema { hash: named(&elements[0])?, range: None },
        ["HASH", "RANGE"] => Schema { hash: named(&elements[0])?, range: Some(named(&elements[1])?) },
        _ => return Err(wrong("KeySchema has one HASH element and after it at most one RANGE element")),
    };
    if schema.range.as_ref().is_some_and(|range| range.name == schema.hash.name) {
        return Err(invalid(
            "Both the Hash Key and the Range Key element in the KeySchema have the same name",
        ));
    }
    if definitions.len() != elements.len() {
        return Err(wrong(
            "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions",
        ));
    }
    Ok(schema)
}

fn throughput(create: &Create) -> Result<Option<Throughput>, ServiceError> {
    match (create.billing_mode.as_deref(), create.provisioned_throughput) {
        (Some("PAY_PER_REQUEST"), None) => Ok(None),
        (Some("PAY_PER_REQUEST"), Some(_)) => Err(wrong(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
        )),
        (None | Some("PROVISIONED"), Some(units))
            if units.read_capacity_units > 0 && units.write_capacity_units > 0 =>
        {
            Ok(Some(units))
        }
        (None | Some("PROVISIONED"), _) => Err(wrong(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
        )),
        (Some(other), _) => Err(wrong(&format!("there is no BillingMode {other}"))),
    }
}

pub(super) fn create(service: &DynamoDb, value: Value, caller: &Caller) -> Answer {
    let wanted: Create = input(value)?;
    check_name(&wanted.table_name)?;
    let table = Table {
        id: uuid(),
        arn: format!("arn:aws:dynamodb:{}:{}:table/{}", caller.region, caller.account, wanted.table_name),
        created: time::OffsetDateTime::now_utc().unix_timestamp() as f64,
        schema: schema(&wanted.key_schema, &wanted.attribute_definitions)?,
        throughput: throughput(&wanted)?,
        name: wanted.table_name,
    };
    service.tables.update(|tables| {
        if tables.contains_key(&table.name) {
            let text = format!("Table already exists: {}", table.name);
            return Err(ServiceError::client("ResourceInUseException", text));
        }
        tables.insert(table.name.clone(), table.clone());
        Ok(())
    })?;
    Ok(json!({ "TableDescription": description(service, &table, "ACTIVE")? }))
}

fn missing(name: &str) -> ServiceError {
    let text = format!("Requested resource not found: Table: {name} not found");
    ServiceError::client("ResourceNotFoundException", text)
}

pub(super) fn describe(service: &DynamoDb, value: Value) -> Answer {
    let Named { table_name } = input(value)?;
    check_name(&table_name)?;
    let table = service.tables.read(|tables| tables.get(&table_name).cloned());
    let table = table.ok_or_else(|| missing(&table_name))?;
    Ok(json!({ "Table": description(service, &table, "ACTIVE")? }))
}

pub(super) fn list(service: &DynamoDb, value: Value) -> Answer {
    let wanted: List = input(value)?;
    let limit = wanted.limit.unwrap_or(100);
    if !(1..=100).contains(&limit) {
        return Err(invalid("Limit is from 1 to 100"));
    }
    let start = wanted.exclusive_start_table_name.unwrap_or_default();
    let mut names: Vec<String> = service
        .tables
        .read(|tables| tables.keys().filter(|name| **name > start).take(limit + 1).cloned().collect());
    let more = names.len() > limit;
    names.truncate(limit);
    let mut answer = json!({ "TableNames": names });
    if more {
        answer["LastEvaluatedTableName"] = names.last().cloned().into();
    }
    Ok(answer)
}

pub(super) fn delete(service: &DynamoDb, value: Value) -> Answer {
    let Named { table_name } = input(value)?;
    check_name(&table_name)?;
    let table =
        service.tables.update(|tables| tables.remove(&table_name).ok_or_else(|| missing(&table_name)))?;
    let last = description(service, &table, "DELETING")?;
    service.forget(&table)?;
    Ok(json!({ "TableDescription": last }))
}

fn description(service: &DynamoDb, table: &Table, status: &str) -> Answer {
    let (count, bytes) = {
        let items = service.items(table)?;
        let items = locked(&items);
        (items.map().len(), items.map().values().map(value::size).sum::<usize>())
    };
    let keys = table.schema.names().zip(["HASH", "RANGE"]);
    let units = |of: fn(&Throughput) -> u64| table.throughput.as_ref().map_or(0, of);
    let mut shown = json!({
        "TableName": table.name,
        "TableId": table.id,
        "TableArn": table.arn,
        "TableStatus": status,
        "CreationDateTime": table.created,
        "AttributeDefinitions": table.schema.names()
            .map(|key| json!({ "AttributeName": key.name, "AttributeType": key.kind })).collect::<Vec<_>>(),
        "KeySchema": keys
            .map(|(key, kind)| json!({ "AttributeName": key.name, "KeyType": kind })).collect::<Vec<_>>(),
        "ProvisionedThroughput": {
            "NumberOfDecreasesToday": 0,
            "ReadCapacityUnits": units(|units| units.read_capacity_units),
            "WriteCapacityUnits": units(|units| units.write_capacity_units),
        },
        "ItemCount": count,
        "TableSizeBytes": bytes,
        "DeletionProtectionEnabled": false,
    });
    if table.throughput.is_none() {
        shown["BillingModeSummary"] = json!({ "BillingMode": "PAY_PER_REQUEST" });
    }
    Ok(shown)
}
