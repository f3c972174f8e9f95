//! The files of a project against the record of what was generated.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

use sha2::{Digest as _, Sha256};

use crate::{
    blueprint::{self, Owner},
    scaffold::{self, MANIFEST, Manifest, NEW},
    spec::Parsed,
};

use super::{Finding, Severity, rules, tree::Tree};

/// What a generated file is now.
enum State {
    Same,
    Changed,
    Missing,
    Unread(String),
}

pub(super) fn check(tree: &Tree, parsed: &Parsed, found: &mut Vec<Finding>) {
    let Some(text) = tree.text(MANIFEST) else {
        let what = "there is no record of what was generated, so edits of generated files go unnoticed";
        found.push(rules::MANIFEST.on(MANIFEST, what, "restore it from version control"));
        return;
    };
    let manifest: Manifest = match serde_json::from_str(&text) {
        Ok(manifest) => manifest,
        Err(error) => {
            let what = format!("is not a manifest: {error}");
            let finding = rules::MANIFEST.on(MANIFEST, what, "restore it from version control");
            found.push(finding.with(Severity::Error));
            return;
        }
    };
    if hex::encode(Sha256::digest(parsed.source.text.as_bytes())) != manifest.spec {
        spec_not_applied(parsed, &manifest, found);
    }
    for (path, entry) in manifest.files.iter().filter(|(path, _)| path.as_str() != "pave.toml") {
        let Some(full) = tree.locate(path) else {
            let what = format!("names `{}`, which is outside the project", path.escape_debug());
            let finding = rules::MANIFEST.on(MANIFEST, what, "restore it from version control");
            found.push(finding.with(Severity::Error));
            continue;
        };
        if let Some(new) = tree.locate(&format!("{path}{NEW}")).filter(|new| new.is_file()) {
            let name = new.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let todo = format!("merge what it needs from {name}, then delete that");
            found.push(rules::NEW_VERSION_WAITS.on(path, "was changed, and has a new version", todo));
        }
        match (state(&full, &entry.digest), entry.owner) {
            (State::Same, _) | (State::Changed, Owner::Seeded) => {}
            (State::Changed, Owner::Managed) => found.push(rules::MANAGED_FILE_CHANGED.on(
                path,
                "was edited, but pave answers for it: what a later version brings will be missing",
                "restore it from version control and say what you need in pave.toml",
            )),
            (State::Changed, Owner::Merged) => found.push(rules::MERGED_FILE_CHANGED.on(
                path,
                "differs from what was generated",
                "nothing; a later render keeps yours and lays a new version beside it",
            )),
            (State::Missing, owner) => {
                let severity = match owner {
                    Owner::Managed => Severity::Error,
                    Owner::Merged => Severity::Warning,
                    Owner::Seeded => Severity::Info,
                };
                let todo = "restore it from version control, unless you took it away on purpose";
                let finding = rules::GENERATED_FILE_MISSING.on(path, "was generated and is gone", todo);
                found.push(finding.with(severity));
            }
            (State::Unread(reason), _) => {
                found.push(rules::FILE_UNREAD.on(
                    path,
                    format!("cannot be read: {reason}"),
                    "make it readable",
                ));
            }
        }
    }
}

/// Names the files that `pave.toml` would have otherwise now. Where a service runs and how large it is, deploys read by themselves.
fn spec_not_applied(parsed: &Parsed, manifest: &Manifest, found: &mut Vec<Finding>) {
    let plan = blueprint::bind(&parsed.spec).ok().and_then(|bound| scaffold::render(parsed, &bound).ok());
    let Some(plan) = plan else { return };
    let rewritten = |path: &str| path != "pave.toml" && path != MANIFEST;
    let new = plan.iter().filter(|(path, file)| {
        let known = manifest.files.get(*path);
        known.is_none_or(|known| {
            known.owner != Owner::Seeded && known.digest != hex::encode(Sha256::digest(&file.bytes))
        })
    });
    let gone = manifest.files.keys().filter(|path| !plan.contains_key(*path));
    let other: Vec<&String> = new.map(|(path, _)| path).chain(gone).filter(|path| rewritten(path)).collect();
    let Some(first) = other.first() else { return };
    let more = match other.len() {
        1 => String::new(),
        n => format!(" and {} more", n - 1),
    };
    let what = format!("was changed after the files were generated from it: {first}{more} would differ now");
    let todo = "run `pave new --spec pave.toml`, which keeps what you changed";
    found.push(rules::SPEC_NOT_APPLIED.on("pave.toml", what, todo));
}

fn state(full: &Path, digest: &str) -> State {
    match fs::symlink_metadata(full) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return State::Changed,
        Err(error) if [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory].contains(&error.kind()) => {
            return State::Missing;
        }
        Err(error) => return State::Unread(error.to_string()),
    }
    match digest_of(full) {
        Ok(now) if now == digest => State::Same,
        Ok(_) => State::Changed,
        Err(error) => State::Unread(error.to_string()),
    }
}

/// SHA-256 of a file, in hex, read in pieces.
fn digest_of(full: &Path) -> io::Result<String> {
    let (mut file, mut hash, mut piece) = (File::open(full)?, Sha256::new(), vec![0; 64 * 1024]);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hex::encode(hash.finalize())),
            n => hash.update(&piece[..n]),
        }
    }
}
