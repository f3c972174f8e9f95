//! The members of a request, which Query gives as texts, and the rules of their own.
//!
//! Sources: IAM API reference, the pattern and length of each member; IAM user guide, "IAM and AWS STS quotas".

use serde_json::{Map, Value};

use crate::sandbox::{call::ServiceError, page, tags::Tag};

use super::refuse;

/// Most entries of one page, and how many there are unless it is said.
const PAGE: usize = 1000;
const USUAL_PAGE: usize = 100;

/// Such members.
pub(super) struct Input(Value);

/// What a text is checked for.
pub(super) type Checked<T> = Result<T, ServiceError>;

impl Input {
    pub(super) fn new(value: Value) -> Self {
        Self(value)
    }

    /// Refuses members that the sandbox does not have, so that none is left unheeded.
    pub(super) fn only(&self, known: &[&str]) -> Checked<()> {
        let unknown = self.0.as_object().into_iter().flatten().find(|(name, value)| {
            !known.contains(&name.as_str()) && !value.is_null() && value.as_str() != Some("")
        });
        match unknown {
            Some((name, _)) => {
                Err(refuse::validation(format!("the sandbox does not have the member {name}")))
            }
            None => Ok(()),
        }
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0[name].as_str()
    }

    pub(super) fn need(&self, name: &str) -> Checked<&str> {
        self.text(name).ok_or_else(|| {
            refuse::validation(format!(
                "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null",
                small(name)
            ))
        })
    }

    /// A name: letters, digits and `_+=,.@-`.
    pub(super) fn name(&self, member: &str, most: usize) -> Checked<String> {
        let text = self.need(member)?;
        check_length(member, text, 1, most)?;
        if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b)) {
            return Err(refuse::broken(
                &small(member),
                text,
                "satisfy regular expression pattern: [\\w+=,.@-]+",
            ));
        }
        Ok(text.to_owned())
    }

    /// A path: `/`, or what begins and ends with it.
    pub(super) fn path(&self, member: &str) -> Checked<String> {
        let text = self.text(member).unwrap_or("/");
        check_length(member, text, 1, 512)?;
        let plain = text.bytes().all(|b| (0x21..=0x7f).contains(&b));
        if !plain || !text.starts_with('/') || !text.ends_with('/') {
            return Err(refuse::validation(format!(
                "The specified value for {} is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.",
                small(member)
            )));
        }
        Ok(text.to_owned())
    }

    pub(super) fn description(&self) -> Checked<Option<String>> {
        let Some(text) = self.text("Description") else { return Ok(None) };
        check_length("Description", text, 0, 1000)?;
        Ok(Some(text.to_owned()))
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.0[name] == true || self.text(name) == Some("true")
    }

    pub(super) fn number(&self, name: &str) -> Checked<Option<i64>> {
        match &self.0[name] {
            Value::Null => Ok(None),
            Value::Number(number) => Ok(number.as_i64()),
            other => {
                let text = other.as_str().unwrap_or_default();
                let number = text.parse().map_err(|_| refuse::broken(&small(name), text, "be a number"))?;
                Ok(Some(number))
            }
        }
    }

    /// A list; an empty text is an empty one.
    pub(super) fn list(&self, name: &str) -> &[Value] {
        self.0[name].as_array().map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        self.list(name).iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    pub(super) fn tags(&self) -> Checked<Vec<Tag>> {
        let mut found: Vec<Tag> = Vec::new();
        for one in self.list("Tags") {
            let tag: Tag = serde_json::from_value(one.clone())
                .map_err(|_| refuse::validation("a tag has a Key and a Value"))?;
            if found.iter().any(|there| there.key.eq_ignore_ascii_case(&tag.key)) {
                return Err(refuse::input(
                    "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
                ));
            }
            found.push(tag);
        }
        crate::sandbox::tags::check(&found).map_err(|error| refuse::input(error.message))?;
        if found.len() > crate::sandbox::tags::MOST {
            return Err(refuse::quota("TagsPerEntity", crate::sandbox::tags::MOST));
        }
        Ok(found)
    }

    /// One page of a list, as `IsTruncated`, `Marker` and the entries under `member`.
    pub(super) fn page(&self, member: &str, entries: Vec<(String, Value)>) -> Checked<Value> {
        let limit = match self.number("MaxItems")? {
            None => USUAL_PAGE,
            Some(most) => {
                usize::try_from(most).ok().filter(|most| (1..=PAGE).contains(most)).ok_or_else(|| {
                    let rule =
                        if most < 1 { "greater than or equal to 1" } else { "less than or equal to 1000" };
                    refuse::broken("maxItems", &most.to_string(), &format!("have value {rule}"))
                })?
            }
        };
        let (entries, marker) = page::page(entries, false, limit, self.text("Marker"))
            .ok_or_else(|| refuse::validation("Invalid Marker."))?;
        let mut shown = Map::new();
        shown.insert(member.to_owned(), entries.into());
        shown.insert("IsTruncated".to_owned(), marker.is_some().into());
        if let Some(marker) = marker {
            shown.insert("Marker".to_owned(), marker.into());
        }
        Ok(shown.into())
    }
}

/// A member's name as errors say it.
fn small(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

pub(super) fn check_length(member: &str, text: &str, least: usize, most: usize) -> Checked<()> {
    let rule = match text.chars().count() {
        length if length < least => format!("have length greater than or equal to {least}"),
        length if length > most => format!("have length less than or equal to {most}"),
        _ => return Ok(()),
    };
    Err(refuse::broken(&small(member), text, &rule))
}
