//! `[ip, user, ..., status = 5*, bytes > 100]`: by fields between spaces; what is in quotes or brackets is one field.

use std::collections::BTreeMap;

use super::condition::{Wanted, operator, wanted};

#[derive(Debug)]
enum Field {
    /// `...`: any number of fields.
    More,
    /// A name, and what it has to be: one of several groups of conditions that all hold.
    One(String, Vec<Vec<(&'static str, Wanted)>>),
}

#[derive(Debug)]
pub(in super::super) struct Fields(Vec<Field>);

/// Reads it, with its brackets.
///
/// # Errors
/// Why the text is none.
pub(super) fn parse(text: &str) -> Result<Fields, String> {
    let mut rest =
        text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).ok_or("\"]\" is missing")?;
    let mut fields = Vec::new();
    loop {
        let (field, after) = field(rest.trim_start())?;
        fields.push(field);
        let after = after.trim_start();
        match after.strip_prefix(',') {
            Some(more) => rest = more,
            None if after.is_empty() => break,
            None => return Err(format!("\",\" is missing before \"{after}\"")),
        }
    }
    if fields.iter().filter(|field| matches!(field, Field::More)).count() > 1 {
        return Err("... can be there once".to_owned());
    }
    Ok(Fields(fields))
}

fn field(text: &str) -> Result<(Field, &str), String> {
    if let Some(rest) = text.strip_prefix("...") {
        return Ok((Field::More, rest));
    }
    let (name, mut rest) =
        text.split_at(text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len()));
    if name.is_empty() {
        return Err(format!("a field has no name before \"{text}\""));
    }
    let mut groups = Vec::new();
    let mut group = Vec::new();
    loop {
        rest = rest.trim_start();
        // The name is told again after && and ||.
        if !group.is_empty() || !groups.is_empty() {
            rest = rest.strip_prefix(name).map_or(rest, str::trim_start);
        }
        let Some((operator, after)) = operator(rest) else {
            return if group.is_empty() && groups.is_empty() {
                Ok((Field::One(name.to_owned(), groups), rest))
            } else {
                Err(format!("there is no comparison of {name} before \"{rest}\""))
            };
        };
        let (wanted, after) = wanted(operator, after)?;
        group.push((operator, wanted));
        rest = after.trim_start();
        if let Some(more) = rest.strip_prefix("&&") {
            rest = more;
        } else if let Some(more) = rest.strip_prefix("||") {
            groups.push(std::mem::take(&mut group));
            rest = more;
        } else {
            groups.push(group);
            return Ok((Field::One(name.to_owned(), groups), rest));
        }
    }
}

/// Fields of an event.
fn split(message: &str) -> Vec<&str> {
    let mut fields = Vec::new();
    let mut rest = message.trim();
    while let Some(first) = rest.chars().next() {
        let close = match first {
            '"' => Some('"'),
            '[' => Some(']'),
            _ => None,
        };
        let closed = close.and_then(|close| rest[1..].find(close));
        let (field, after) = match closed {
            Some(at) => (&rest[1..=at], &rest[at + 2..]),
            None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        fields.push(field);
        rest = after.trim_start();
    }
    fields
}

impl Fields {
    /// Values by `$name`, where an event is meant.
    pub fn matches(&self, message: &str) -> Option<BTreeMap<String, String>> {
        let values = split(message);
        let more = self.0.iter().position(|field| matches!(field, Field::More));
        let named = self.0.len() - usize::from(more.is_some());
        if values.len() < named || (more.is_none() && values.len() > named) {
            return None;
        }
        let skipped = values.len() - named;
        let mut found = BTreeMap::new();
        for (at, field) in self.0.iter().enumerate() {
            let Field::One(name, groups) = field else { continue };
            // Behind the dots, fields are counted from the end.
            let value = match more {
                Some(more) if at > more => values[at - 1 + skipped],
                _ => values[at],
            };
            let holds = groups.is_empty()
                || groups
                    .iter()
                    .any(|group| group.iter().all(|(operator, wanted)| wanted.holds(operator, value)));
            if !holds {
                return None;
            }
            found.insert(format!("${name}"), value.to_owned());
        }
        Some(found)
    }
}
