//! Queries: the items of one partition, in the order of their sort keys, page by page.

use std::ops::Bound;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::call::{Answer, ServiceError};

use super::{
    DynamoDb,
    expression::{KeyCondition, Placeholders, Projection, RangeTest},
    in_member, input, invalid,
    item::without_extras,
    key::{Key, KeyName, Part, Schema},
    locked,
    value::{self, Item, shown},
};

/// Bytes of items after which a page ends. Source: DynamoDB API reference, Query.
const PAGE: usize = 1024 * 1024;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Query {
    table_name: String,
    key_condition_expression: Option<String>,
    projection_expression: Option<String>,
    #[serde(default)]
    expression_attribute_names: Value,
    #[serde(default)]
    expression_attribute_values: Value,
    limit: Option<usize>,
    scan_index_forward: Option<bool>,
    exclusive_start_key: Option<Item>,
    select: Option<String>,
    /// Every read is consistent here.
    #[serde(rename = "ConsistentRead")]
    _consistent_read: Option<bool>,
}

impl Query {
    fn placeholders(&mut self) -> Result<Placeholders, ServiceError> {
        let mut members = serde_json::Map::new();
        for (name, value) in [
            ("ExpressionAttributeNames", self.expression_attribute_names.take()),
            ("ExpressionAttributeValues", self.expression_attribute_values.take()),
        ] {
            if !value.is_null() {
                members.insert(name.to_owned(), value);
            }
        }
        input(Value::Object(members))
    }

    /// Whether items are wanted, and not their number alone.
    fn wants_items(&self) -> Result<bool, ServiceError> {
        match (self.select.as_deref(), &self.projection_expression) {
            (None | Some("SPECIFIC_ATTRIBUTES"), Some(_)) | (None | Some("ALL_ATTRIBUTES"), None) => Ok(true),
            (Some("COUNT"), None) => Ok(false),
            (Some(other), _) => {
                Err(invalid(format!("Select {other} does not go with this query in the sandbox")))
            }
        }
    }
}

/// The partition, and what is asked of the sort key.
struct Keys {
    hash: Part,
    range: Option<Test>,
}

enum Test {
    Less(Part),
    AtMost(Part),
    Greater(Part),
    AtLeast(Part),
    Between(Part, Part),
    Begins(Part),
}

impl Keys {
    fn of(condition: KeyCondition, schema: &Schema) -> Result<Self, ServiceError> {
        let unsupported = || invalid("Query key condition not supported");
        let (mut hash, mut range) = (None, None);
        for (name, test) in condition.tests {
            if name == schema.hash.name && hash.is_none() {
                let RangeTest::Equal(value) = test else { return Err(unsupported()) };
                hash = Some(schema.hash.part(&value)?);
            } else if let Some(key) = schema.range.as_ref().filter(|key| key.name == name)
                && range.is_none()
            {
                range = Some(Test::of(test, key)?);
            } else {
                return Err(unsupported());
            }
        }
        let missing = || invalid(format!("Query condition missed key schema element: {}", schema.hash.name));
        Ok(Self { hash: hash.ok_or_else(missing)?, range })
    }

    fn holds(&self, key: &Key) -> bool {
        match (&self.range, &key.range) {
            (None, _) => true,
            (Some(test), Some(part)) => test.holds(part),
            (Some(_), None) => false,
        }
    }
}

impl Test {
    fn of(test: RangeTest, key: &KeyName) -> Result<Self, ServiceError> {
        Ok(match test {
            RangeTest::Equal(value) => {
                let part = key.part(&value)?;
                Self::Between(part.clone(), part)
            }
            RangeTest::Less(value) => Self::Less(key.part(&value)?),
            RangeTest::AtMost(value) => Self::AtMost(key.part(&value)?),
            RangeTest::Greater(value) => Self::Greater(key.part(&value)?),
            RangeTest::AtLeast(value) => Self::AtLeast(key.part(&value)?),
            RangeTest::Begins(value) => Self::Begins(key.part(&value)?),
            RangeTest::Between(low, high) => {
                let (low, high) = (key.part(&low)?, key.part(&high)?);
                if low > high {
                    return Err(invalid(
                        "Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound",
                    ));
                }
                Self::Between(low, high)
            }
        })
    }

    fn holds(&self, part: &Part) -> bool {
        match self {
            Self::Less(value) => part < value,
            Self::AtMost(value) => part <= value,
            Self::Greater(value) => part > value,
            Self::AtLeast(value) => part >= value,
            Self::Between(low, high) => low <= part && part <= high,
            Self::Begins(start) => part.begins_with(start),
        }
    }
}

pub(super) fn query(service: &DynamoDb, mut value: Value) -> Answer {
    without_extras(&mut value)?;
    let mut wanted: Query = input(value)?;
    let with_items = wanted.wants_items()?;
    let mut placeholders = wanted.placeholders()?;
    let text = wanted.key_condition_expression.as_deref();
    let text = text.ok_or_else(|| invalid("a Query needs a KeyConditionExpression in the sandbox"))?;
    let condition =
        KeyCondition::parse(text, &mut placeholders).map_err(in_member("KeyConditionExpression"))?;
    let projection = wanted
        .projection_expression
        .as_deref()
        .map(|text| Projection::parse(text, &mut placeholders))
        .transpose()
        .map_err(in_member("ProjectionExpression"))?;
    if let Some(unused) = placeholders.unused() {
        return Err(invalid(unused));
    }
    let (table, items) = service.table(&wanted.table_name)?;
    let keys = Keys::of(condition, &table.schema)?;
    let limit = wanted.limit.unwrap_or(usize::MAX);
    if limit == 0 {
        return Err(invalid("Limit is at least 1"));
    }
    let forward = wanted.scan_index_forward.unwrap_or(true);
    let after = wanted.exclusive_start_key.map(|key| table.schema.of_request(&key)).transpose()?;
    if after.as_ref().is_some_and(|key| key.hash != keys.hash || !keys.holds(key)) {
        return Err(invalid(
            "The provided starting key is outside query boundaries based on provided conditions",
        ));
    }
    let (page, last) = {
        let items = locked(&items);
        let first = Key { hash: keys.hash.clone(), range: None };
        let (low, high) = match after {
            Some(key) if forward => (Bound::Excluded(key), Bound::Unbounded),
            Some(key) => (Bound::Included(first), Bound::Excluded(key)),
            None => (Bound::Included(first), Bound::Unbounded),
        };
        let partition = items.map().range((low, high)).take_while(|(key, _)| key.hash == keys.hash);
        let found = partition.filter(|(key, _)| keys.holds(key));
        if forward { take(found, limit) } else { take(found.collect::<Vec<_>>().into_iter().rev(), limit) }
    };
    let mut answer = json!({ "Count": page.len(), "ScannedCount": page.len() });
    if with_items {
        let show =
            |item| shown(projection.as_ref().map_or_else(|| Item::clone(&item), |p| p.of(item.clone())));
        answer["Items"] = page.into_iter().map(show).collect();
    }
    if let Some(key) = last {
        answer["LastEvaluatedKey"] = shown(table.schema.attributes(&key));
    }
    Ok(answer)
}

/// One page, and the key it ends with where there may be more after it.
fn take<'a>(found: impl Iterator<Item = (&'a Key, &'a Item)>, limit: usize) -> (Vec<Item>, Option<Key>) {
    let (mut page, mut bytes) = (Vec::new(), 0);
    for (key, item) in found {
        page.push(item.clone());
        bytes += value::size(item);
        if page.len() == limit || bytes >= PAGE {
            return (page, Some(key.clone()));
        }
    }
    (page, None)
}
