//! Lock files: there, and of the manifest beside them, as far as that can be told without asking a registry.

mod node;
mod python;
mod rust;

use crate::spec::types::Language;

use super::{Finding, rules, tree::Tree};

pub(super) fn check(tree: &Tree, language: Language, found: &mut Vec<Finding>) {
    match language {
        Language::Python => python::check(tree, found),
        Language::Typescript => node::check(tree, found),
        Language::Rust => rust::check(tree, found),
    }
}

/// The texts of a manifest and its lock file; none where there is no manifest, a finding where only the lock file is missing.
fn both(
    tree: &Tree,
    manifest: &str,
    lock: &str,
    renew: &str,
    found: &mut Vec<Finding>,
) -> Option<(String, String)> {
    let manifest_text = tree.text(manifest)?;
    let Some(lock_text) = tree.head(lock, 64 * 1024 * 1024) else {
        let what = format!("{manifest} has no lock file {lock}, so every build may take other versions");
        found.push(rules::LOCK_MISSING.on(manifest, what, format!("run `{renew}` and commit it")));
        return None;
    };
    Some((manifest_text, String::from_utf8_lossy(&lock_text).into_owned()))
}

/// A finding about a lock file that is not of its manifest.
fn stale(lock: &str, what: String, renew: &str) -> Finding {
    rules::LOCK_STALE.on(lock, what, format!("run `{renew}` and commit it"))
}
