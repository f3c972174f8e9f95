//! Single items: put, got, deleted and updated, under a condition if there is one.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::call::{Answer, ServiceError};

use super::{
    DynamoDb,
    expression::{Condition, Placeholders, Projection, Update},
    in_member, input, invalid, locked,
    value::{self, Item, shown},
};

/// Largest item. Source: DynamoDB developer guide, quotas.
const ITEM_LIMIT: usize = 400 * 1024;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Put {
    table_name: String,
    item: Item,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Delete {
    table_name: String,
    key: Item,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Change {
    table_name: String,
    key: Item,
    update_expression: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Get {
    table_name: String,
    key: Item,
    /// Every read is consistent here.
    #[serde(rename = "ConsistentRead")]
    _consistent_read: Option<bool>,
    projection_expression: Option<String>,
}

/// What all operations on items may say beside what they are about.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Terms {
    condition_expression: Option<String>,
    #[serde(flatten)]
    placeholders: Placeholders,
    return_values: Option<String>,
}

/// Members that ask for something beside the result, and the value by which they do not.
const EXTRAS: [&str; 3] =
    ["ReturnConsumedCapacity", "ReturnItemCollectionMetrics", "ReturnValuesOnConditionCheckFailure"];

/// Takes the given members out of an input.
fn split(value: &mut Value, names: &[&str]) -> Value {
    let mut taken = serde_json::Map::new();
    if let Value::Object(members) = value {
        for name in names {
            taken.extend(members.remove(*name).map(|member| ((*name).to_owned(), member)));
        }
    }
    Value::Object(taken)
}

/// Refuses reports that the sandbox does not make.
pub(super) fn without_extras(value: &mut Value) -> Result<(), ServiceError> {
    let extras = split(value, &EXTRAS);
    for (name, wanted) in extras.as_object().into_iter().flatten() {
        if *wanted != "NONE" {
            return Err(invalid(format!("{name} {wanted} is not in the sandbox")));
        }
    }
    Ok(())
}

impl Terms {
    /// Takes the terms of a write out of its input, and reads its condition.
    fn of(value: &mut Value, returns: &[&str]) -> Result<(Self, Option<Condition>), ServiceError> {
        without_extras(value)?;
        let members =
            ["ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues", "ReturnValues"];
        let mut terms: Self = input(split(value, &members))?;
        if terms.return_values.as_deref().is_some_and(|wanted| !returns.contains(&wanted)) {
            return Err(invalid(format!("ReturnValues can only be {}", returns.join(" or "))));
        }
        let condition = terms
            .condition_expression
            .as_deref()
            .map(|text| Condition::parse(text, &mut terms.placeholders))
            .transpose()
            .map_err(in_member("ConditionExpression"))?;
        Ok((terms, condition))
    }

    fn returns(&self, what: &str) -> bool {
        self.return_values.as_deref() == Some(what)
    }
}

fn all_used(placeholders: &Placeholders) -> Result<(), ServiceError> {
    placeholders.unused().map_or(Ok(()), |unused| Err(invalid(unused)))
}

fn check(condition: Option<&Condition>, old: Option<&Item>) -> Result<(), ServiceError> {
    if condition.is_none_or(|condition| condition.holds(old)) {
        return Ok(());
    }
    Err(ServiceError::client("ConditionalCheckFailedException", "The conditional request failed"))
}

fn attributes(item: Option<Item>) -> Value {
    match item {
        Some(item) if !item.is_empty() => json!({ "Attributes": shown(item) }),
        _ => json!({}),
    }
}

pub(super) fn put(service: &DynamoDb, mut value: Value) -> Answer {
    let (terms, condition) = Terms::of(&mut value, &["NONE", "ALL_OLD"])?;
    all_used(&terms.placeholders)?;
    let Put { table_name, item } = input(value)?;
    let (table, items) = service.table(&table_name)?;
    let key = table.schema.of_item(&item)?;
    if item.keys().any(String::is_empty) {
        return Err(invalid("One or more parameter values were invalid: an attribute name is empty"));
    }
    if value::size(&item) > ITEM_LIMIT {
        return Err(invalid("Item size has exceeded the maximum allowed size"));
    }
    let mut items = locked(&items);
    let old = items.map().get(&key);
    check(condition.as_ref(), old)?;
    let old = terms.returns("ALL_OLD").then(|| old.cloned()).flatten();
    items.apply(vec![(key, Some(item))])?;
    Ok(attributes(old))
}

pub(super) fn delete(service: &DynamoDb, mut value: Value) -> Answer {
    let (terms, condition) = Terms::of(&mut value, &["NONE", "ALL_OLD"])?;
    all_used(&terms.placeholders)?;
    let Delete { table_name, key } = input(value)?;
    let (table, items) = service.table(&table_name)?;
    let key = table.schema.of_request(&key)?;
    let mut items = locked(&items);
    let old = items.map().get(&key).cloned();
    check(condition.as_ref(), old.as_ref())?;
    if old.is_some() {
        items.apply(vec![(key, None)])?;
    }
    Ok(attributes(old.filter(|_| terms.returns("ALL_OLD"))))
}

pub(super) fn get(service: &DynamoDb, mut value: Value) -> Answer {
    without_extras(&mut value)?;
    let mut placeholders: Placeholders = input(split(&mut value, &["ExpressionAttributeNames"]))?;
    let wanted: Get = input(value)?;
    let projection = wanted
        .projection_expression
        .as_deref()
        .map(|text| Projection::parse(text, &mut placeholders))
        .transpose()
        .map_err(in_member("ProjectionExpression"))?;
    all_used(&placeholders)?;
    let (table, items) = service.table(&wanted.table_name)?;
    let key = table.schema.of_request(&wanted.key)?;
    let item = locked(&items).map().get(&key).cloned();
    Ok(match (item, projection) {
        (None, _) => json!({}),
        (Some(item), None) => json!({ "Item": shown(item) }),
        (Some(item), Some(projection)) => json!({ "Item": shown(projection.of(item)) }),
    })
}

pub(super) fn update(service: &DynamoDb, mut value: Value) -> Answer {
    let returns = ["NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"];
    let (mut terms, condition) = Terms::of(&mut value, &returns)?;
    let Change { table_name, key: named, update_expression } = input(value)?;
    let update = update_expression
        .as_deref()
        .map(|text| Update::parse(text, &mut terms.placeholders))
        .transpose()
        .map_err(in_member("UpdateExpression"))?
        .unwrap_or_default();
    all_used(&terms.placeholders)?;
    let (table, items) = service.table(&table_name)?;
    let key = table.schema.of_request(&named)?;
    let touched: BTreeSet<&str> = update.touched().collect();
    if let Some(key) = table.schema.names().find(|key| touched.contains(key.name.as_str())) {
        return Err(invalid(format!(
            "One or more parameter values were invalid: Cannot update attribute {}. This attribute is part of the key",
            key.name
        )));
    }
    let mut items = locked(&items);
    let old = items.map().get(&key).cloned();
    check(condition.as_ref(), old.as_ref())?;
    let new = update.apply(old.as_ref().unwrap_or(&named))?;
    if value::size(&new) > ITEM_LIMIT {
        return Err(invalid("Item size to update has exceeded the maximum allowed size"));
    }
    items.apply(vec![(key, Some(new.clone()))])?;
    let only_touched =
        |item: Item| item.into_iter().filter(|(name, _)| touched.contains(name.as_str())).collect();
    Ok(attributes(match terms.return_values.as_deref() {
        Some("ALL_OLD") => old,
        Some("UPDATED_OLD") => old.map(only_touched),
        Some("ALL_NEW") => Some(new),
        Some("UPDATED_NEW") => Some(only_touched(new)),
        _ => None,
    }))
}
