//! CloudFormation: stacks of resources that are made, changed and removed as one.

pub mod template;
