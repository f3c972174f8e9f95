//! CloudFormation of the sandbox, seen by the AWS CLI: stacks, and what the other services show of them.

#[path = "../support/mod.rs"]
mod support;

mod aws;
mod changing;
mod holding;
mod lasting;
mod making;
