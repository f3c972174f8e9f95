//! (spec, blueprint) -> file plan -> files.
//!
//! Invariants: rendering touches no disk; the same spec gives the same bytes; a project appears
//! complete or not at all. Templates are data: no code execution, no path that leaves the project.
//! It refuses to know AWS and what a service does.

#[cfg(test)]
mod common_documents;
mod context;
mod filters;
mod manifest;
mod render;
mod write;

pub use manifest::{MANIFEST, Manifest};
pub use render::{File, FilePlan, RenderError, render};
pub use write::{NEW, WriteError, Written, write};
