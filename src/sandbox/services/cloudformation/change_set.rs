//! Change sets, as they are kept.

use serde::{Deserialize, Serialize};

use super::{
    diff::Change,
    model::{Definition, Moment, OnFailure},
};

/// One change set.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ChangeSet {
    /// Its ARN.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The stack's ARN.
    pub stack: String,
    /// Whether it makes the stack.
    pub creates: bool,
    /// As `CREATE_COMPLETE`.
    pub status: String,
    /// Why.
    pub reason: Option<String>,
    /// As `AVAILABLE`.
    pub execution: String,
    /// For people.
    pub description: Option<String>,
    /// When it was made.
    pub created: Moment,
    /// What the stack would be made from.
    pub definition: Definition,
    /// What becomes of a stack that it cannot make.
    pub on_failure: Option<OnFailure>,
    /// What it would do.
    pub changes: Vec<Change>,
    /// The token with which it was asked for, and the request.
    pub token: Option<(String, String)>,
}
