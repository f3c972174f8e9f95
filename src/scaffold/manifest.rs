//! `.pave/manifest.json`: what was generated, so that a later render can tell the user's edits from ours.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::blueprint::{Blueprint, Owner};

use super::FilePlan;

/// Path of the manifest in a project. Its presence is what makes a directory a pave project.
pub const MANIFEST: &str = ".pave/manifest.json";

/// What was generated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this record's shape.
    pub schema: u32,
    /// Version of pave that generated the project.
    pub pave: String,
    /// Blueprint.
    pub blueprint: String,
    /// SHA-256 of the `pave.toml` it was generated from, in hex.
    pub spec: String,
    /// Every generated file but this one.
    pub files: BTreeMap<String, Entry>,
}

/// One generated file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// SHA-256 of the generated content, in hex.
    pub digest: String,
    /// Who answers for it.
    pub owner: Owner,
}

impl Manifest {
    /// As it is stored: pretty JSON with a line break at the end.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("strings and numbers always serialise");
        bytes.push(b'\n');
        bytes
    }
}

/// The manifest of a plan.
pub(super) fn of(plan: &FilePlan, blueprint: &Blueprint, spec_digest: &str) -> Manifest {
    Manifest {
        schema: 1,
        pave: env!("CARGO_PKG_VERSION").to_owned(),
        blueprint: blueprint.name.clone(),
        spec: spec_digest.to_owned(),
        files: plan
            .iter()
            .map(|(path, file)| (path.clone(), Entry { digest: file.digest(), owner: file.owner }))
            .collect(),
    }
}
