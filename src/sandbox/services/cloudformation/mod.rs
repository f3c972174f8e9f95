//! CloudFormation: stacks of resources that are made, changed and removed as one.

pub mod diff;
pub mod resources;
pub mod template;
