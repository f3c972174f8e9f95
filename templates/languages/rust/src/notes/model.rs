//! What a note is, and what a caller may send.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::request::extract::Checked;

/// What a caller sends to make a note.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNote {
    #[schema(min_length = 1, max_length = 200)]
    pub title: String,
    #[serde(default)]
    #[schema(max_length = 10_000)]
    pub text: String,
}

impl Checked for NewNote {
    fn checked(self) -> Result<Self, Vec<(String, String)>> {
        let note = Self {
            title: self.title.trim().to_owned(),
            text: self.text,
        };
        let mut wrong = Vec::new();
        if !(1..=200).contains(&note.title.chars().count()) {
            wrong.push((
                "title".to_owned(),
                "must have 1 to 200 characters".to_owned(),
            ));
        }
        if note.text.chars().count() > 10_000 {
            wrong.push((
                "text".to_owned(),
                "must have at most 10000 characters".to_owned(),
            ));
        }
        for (field, value) in [("title", &note.title), ("text", &note.text)] {
            // No database keeps it in a text, and nobody means it.
            if value.contains('\0') {
                wrong.push((
                    field.to_owned(),
                    "must not contain the character NUL".to_owned(),
                ));
            }
        }
        if wrong.is_empty() {
            Ok(note)
        } else {
            Err(wrong)
        }
    }
}

/// A note as callers see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Note {
    pub id: String,
    pub title: String,
    pub text: String,
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: OffsetDateTime,
}

impl Note {
    /// A note made now.
    pub fn new(new: NewNote) -> Self {
        let now = OffsetDateTime::now_utc();
        Self {
            id: uuid::Uuid::new_v4().simple().to_string(),
            title: new.title,
            text: new.text,
            // As exact as any database keeps it, so that a note reads the same from everywhere.
            created_at: now.replace_millisecond(now.millisecond()).unwrap_or(now),
        }
    }
}

/// Part of a list; `next_cursor` is null on the last page.
#[derive(Serialize, ToSchema)]
pub struct NotePage {
    pub items: Vec<Note>,
    pub next_cursor: Option<String>,
}
