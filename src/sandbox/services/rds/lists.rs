//! Filters and pages, as all the listings have them.

use serde_json::{Value, json};

use crate::sandbox::{
    call::{Answer, ServiceError},
    page::page,
};

use super::input::{Input, invalid};

/// Takes what is to be listed: the filters that an operation knows, each with its values.
pub(super) fn filters(
    input: &mut Input,
    known: &[&'static str],
) -> Result<Vec<(&'static str, Vec<String>)>, ServiceError> {
    let mut found = Vec::new();
    for mut filter in input.structures("Filters")? {
        let name = filter.needed("Name")?;
        let values = filter.list("Values")?.unwrap_or_default();
        filter.done()?;
        let Some(known) = known.iter().find(|known| **known == name) else {
            return Err(invalid(format!("Unrecognized filter name: {name}")));
        };
        if values.is_empty() {
            return Err(invalid(format!("Filter {name} must have at least one value.")));
        }
        found.push((*known, values));
    }
    Ok(found)
}

/// Where a listing begins, and how many it shows.
#[derive(Debug)]
pub(super) struct Wanted {
    most: usize,
    marker: Option<String>,
}

impl Wanted {
    /// Source of the bounds: API reference, DescribeDBInstances.
    pub fn read(input: &mut Input) -> Result<Self, ServiceError> {
        let most = input.number("MaxRecords")?.unwrap_or(100);
        if !(20..=100).contains(&most) {
            return Err(invalid(format!("Invalid value {most} for MaxRecords. Must be between 20 and 100")));
        }
        let marker = input.text("Marker")?.filter(|marker| !marker.is_empty());
        Ok(Self { most: most as usize, marker })
    }

    /// One page of entries with their keys.
    pub fn page(&self, member: &str, entries: Vec<(String, Value)>) -> Answer {
        let wrong = || invalid("The parameter Marker is not one that was given out.");
        let (shown, next) = page(entries, false, self.most, self.marker.as_deref()).ok_or_else(wrong)?;
        let mut answer = json!({ member: shown });
        if let Some(next) = next {
            answer["Marker"] = next.into();
        }
        Ok(answer)
    }
}

/// The name in what is either a name or an ARN of this kind.
pub(super) fn name_of<'a>(given: &'a str, kind: &str) -> &'a str {
    given
        .split_once(&format!(":{kind}:"))
        .filter(|_| given.starts_with("arn:"))
        .map_or(given, |(_, name)| name)
}
