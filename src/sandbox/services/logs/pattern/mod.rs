//! Filter patterns: which events are meant.
//!
//! Three kinds, told apart by how they begin: `{` selects by members of JSON, `[` by fields between spaces, everything else
//! by terms. Source: CloudWatch Logs user guide, "Filter pattern syntax for metric filters, subscription filters, filter log
//! events, and Live Tail". Case counts.

mod condition;
mod fields;
mod json;
mod terms;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

/// Most characters of a pattern. Source: CloudWatch Logs API reference, `FilterLogEvents`.
const LONGEST: usize = 1024;

/// Deepest nesting that is read.
const DEEPEST: usize = 40;

/// A pattern.
#[derive(Debug)]
pub(super) enum Pattern {
    Terms(terms::Terms),
    Json(json::Json),
    Fields(fields::Fields),
}

impl Pattern {
    /// Reads one.
    ///
    /// # Errors
    /// Why the text is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.chars().count() > LONGEST {
            return Err(format!("it has more than {LONGEST} characters"));
        }
        let text = text.trim();
        match text.chars().next() {
            Some('{') => json::parse(text).map(Self::Json),
            Some('[') => fields::parse(text).map(Self::Fields),
            _ => terms::parse(text).map(Self::Terms),
        }
    }

    /// Whether an event is meant.
    pub fn matches(&self, message: &str) -> bool {
        match self {
            Self::Terms(terms) => terms.matches(message),
            Self::Json(json) => json.matches(message),
            Self::Fields(fields) => fields.matches(message).is_some(),
        }
    }

    /// What the selectors of the pattern find in an event, as `$.status` or `$ip`.
    pub fn extract(&self, message: &str) -> BTreeMap<String, String> {
        match self {
            Self::Terms(_) => BTreeMap::new(),
            Self::Json(json) => json.extract(message),
            Self::Fields(fields) => fields.matches(message).unwrap_or_default(),
        }
    }

    /// What one selector, which the pattern need not name, finds in an event.
    pub fn select(&self, selector: &str, message: &str) -> Option<String> {
        match self {
            Self::Fields(fields) => fields.matches(message)?.remove(selector),
            Self::Terms(_) | Self::Json(_) => json::select(selector, message),
        }
    }
}
