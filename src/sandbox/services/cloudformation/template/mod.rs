//! Templates: read, checked and evaluated. Pure: what a stack knows of the world is given.
//!
//! Invariant: whatever the text, reading ends soon, with a template or with an error in CloudFormation's own words.
//! Transforms (macros) and Rules are refused: nothing of a template is left unheeded.

mod conditions;
mod evaluate;
mod functions;
mod graph;
mod parameters;
mod sections;
mod text;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

pub use evaluate::{Context, Made, UNKNOWN};
pub use graph::{References, dependencies, in_order, references};
pub use parameters::Parameter;
pub use sections::{Output, Policy, Resource};
pub use text::MOST_BYTES;

/// What is wrong with a template, in CloudFormation's own words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TemplateError(pub String);

/// A template that was read and is whole: every name in it leads somewhere.
#[derive(Debug, Clone, Default)]
pub struct Template {
    /// For people.
    pub description: Option<String>,
    /// The section as it was written.
    pub metadata: Option<Value>,
    /// What a stack is given.
    pub parameters: Vec<Parameter>,
    /// Tables that `Fn::FindInMap` reads.
    pub mappings: Map<String, Value>,
    /// Conditions by name.
    pub conditions: Map<String, Value>,
    /// What a stack holds, in the order of the text.
    pub resources: Vec<Resource>,
    /// What a stack tells.
    pub outputs: Vec<Output>,
}

impl Template {
    /// Reads and checks a text.
    ///
    /// # Errors
    /// In CloudFormation's own words.
    pub fn read(text: &str) -> Result<Self, TemplateError> {
        let template = sections::read(text::read(text)?)?;
        graph::check(&template)?;
        Ok(template)
    }

    /// A resource by its logical id.
    pub fn resource(&self, id: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.id == id)
    }

    /// The kinds of resources in it, each once, in the order of the text.
    pub fn kinds(&self) -> Vec<String> {
        let mut kinds: Vec<String> = Vec::new();
        for resource in &self.resources {
            if !kinds.contains(&resource.kind) {
                kinds.push(resource.kind.clone());
            }
        }
        kinds
    }
}
