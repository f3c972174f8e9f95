//! Tags of a resource: pairs of a key and a value, each key once.
//!
//! Source of the limits: AWS General Reference, "Tag naming limits and requirements".

use serde::{Deserialize, Serialize};

use super::{
    call::ServiceError,
    protocol::input::{invalid, length},
};

/// Most tags of one resource.
pub const MOST: usize = 50;

/// One tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Tag {
    /// What it is found by.
    pub key: String,
    /// What it says.
    #[serde(default)]
    pub value: String,
}

/// Checks tags that a caller gives.
///
/// # Errors
/// For a key or value that is none.
pub fn check(tags: &[Tag]) -> Result<(), ServiceError> {
    let allowed = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c);
    for tag in tags {
        length("tags.member.key", &tag.key, 1, 128)?;
        length("tags.member.value", &tag.value, 0, 256)?;
        if !tag.key.chars().chain(tag.value.chars()).all(allowed) {
            return Err(invalid("a tag holds letters, numbers, spaces and _ . : / = + - @"));
        }
        if tag.key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid("the prefix aws: of a tag's key is reserved"));
        }
    }
    Ok(())
}

/// Puts tags to those that are there; a key that is there gets the new value.
pub fn put(tags: &mut Vec<Tag>, new: Vec<Tag>) {
    for tag in new {
        match tags.iter_mut().find(|there| there.key == tag.key) {
            Some(there) => there.value = tag.value,
            None => tags.push(tag),
        }
    }
}
