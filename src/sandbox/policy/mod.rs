//! The policy language: documents read as their grammar says, and requests held against them.
//!
//! Invariants: a document is read whole or not at all; an explicit deny wins over every allow; what nothing allows is
//! denied; no text makes reading or matching panic or take long. Pure: it knows no service and keeps no state.
//!
//! Sources: IAM user guide, "Grammar of the IAM JSON policy language", "IAM JSON policy elements", "Policy evaluation
//! logic".

mod condition;
mod context;
mod evaluate;
mod parse;
mod pattern;
mod principal;
#[cfg(test)]
mod tests;
mod values;

pub use context::Context;
pub use evaluate::{Decision, Layer, Policies, Reason, Request, Stance, decide};
pub use parse::{Kind, PolicyError};
pub use pattern::{exactly, like};
pub use principal::{Identity, Match};

use condition::Condition;
use principal::Principals;

/// A document that was read.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Whether `${...}` stands for a value, as it does since version 2012-10-17.
    variables: bool,
    statements: Vec<Statement>,
}

/// What a statement says of the requests that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// They may be made.
    Allow,
    /// They may not, whatever else is said.
    Deny,
}

/// One statement.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Its own name, where it has one.
    pub sid: Option<String>,
    effect: Effect,
    principals: Option<Principals>,
    actions: Choice,
    /// Nothing in a trust policy, which is about the role that it belongs to.
    resources: Option<Choice>,
    conditions: Vec<Condition>,
}

/// `Action` or `NotAction`, `Resource` or `NotResource`.
#[derive(Debug, Clone)]
struct Choice {
    negated: bool,
    patterns: Vec<String>,
}

impl Policy {
    /// Reads a document.
    ///
    /// # Errors
    /// [`PolicyError`] where it breaks the grammar, or what its kind may hold.
    pub fn read(text: &str, kind: Kind) -> Result<Self, PolicyError> {
        parse::read(text, kind)
    }

    /// Principals that are named, as they are written: `(type, id)`.
    pub fn named_principals(&self) -> impl Iterator<Item = (&str, &str)> {
        self.statements
            .iter()
            .filter_map(|statement| statement.principals.as_ref())
            .flat_map(Principals::named)
    }

    /// Names of the context keys that conditions and variables ask for.
    pub fn context_keys(&self) -> Vec<String> {
        let conditions = self.statements.iter().flat_map(|statement| &statement.conditions);
        let mut keys: Vec<String> = conditions.map(|condition| condition.key.clone()).collect();
        keys.sort();
        keys.dedup();
        keys
    }
}
