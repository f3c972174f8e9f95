//! `pyproject.toml` and `requirements*.in` against their `requirements*.lock`.

use std::{cmp::Ordering, collections::BTreeMap, sync::LazyLock};

use regex::Regex;
use toml_edit::DocumentMut;

use crate::check::{Finding, tree::Tree};

use super::{both, stale};

const RENEW: &str = "make lock";

static PINNED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)").expect("a fixed pattern")
});
static WANTED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*\(?([^;()]*)\)?\s*(;.*)?$")
        .expect("a fixed pattern")
});

pub(super) fn check(tree: &Tree, found: &mut Vec<Finding>) {
    if let Some((manifest, lock)) = both(tree, "pyproject.toml", "requirements.lock", RENEW, found) {
        let wanted = of_project(&manifest);
        compare("requirements.lock", "pyproject.toml", &wanted, &lock, found);
    }
    let inputs: Vec<String> = tree.folder("requirements").map(|(path, _)| path.to_owned()).collect();
    let top = tree
        .paths()
        .filter(|path| path.starts_with("requirements") && !path.contains('/'))
        .map(str::to_owned);
    for input in top.chain(inputs).filter(|path| path.ends_with(".in")) {
        let lock = format!("{}.lock", input.trim_end_matches(".in"));
        if let Some((manifest, locked)) = both(tree, &input, &lock, RENEW, found) {
            let lines = manifest.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
            let wanted: Vec<String> =
                lines.filter(|line| !line.is_empty() && !line.starts_with('-')).map(str::to_owned).collect();
            compare(&lock, &input, &wanted, &locked, found);
        }
    }
}

fn of_project(manifest: &str) -> Vec<String> {
    let Ok(document) = manifest.parse::<DocumentMut>() else { return Vec::new() };
    let list = document
        .get("project")
        .and_then(|project| project.get("dependencies"))
        .and_then(|item| item.as_array());
    list.map(|list| list.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect())
        .unwrap_or_default()
}

/// Names compare as PEP 503 says.
fn normal(name: &str) -> String {
    let mut out = String::new();
    for part in name.split(['-', '_', '.']).filter(|part| !part.is_empty()) {
        if !out.is_empty() {
            out.push('-');
        }
        out.push_str(&part.to_ascii_lowercase());
    }
    out
}

fn compare(lock: &str, manifest: &str, wanted: &[String], text: &str, found: &mut Vec<Finding>) {
    let pinned: BTreeMap<String, String> =
        PINNED.captures_iter(text).map(|pin| (normal(&pin[1]), pin[2].to_owned())).collect();
    for line in wanted {
        let Some(parts) = WANTED.captures(line) else { continue };
        // What is for some platforms only need not be in the lock file of others.
        let Some(version) = pinned.get(&normal(&parts[1])) else {
            if parts.get(3).is_none() {
                found.push(stale(
                    lock,
                    format!("{manifest} asks for {}, which is not in it", &parts[1]),
                    RENEW,
                ));
            }
            continue;
        };
        let specifiers = parts[2].trim();
        if specifiers
            .split(',')
            .map(str::trim)
            .filter(|s| !s.is_empty())
            .any(|s| holds(version, s) == Some(false))
        {
            let what = format!("{manifest} asks for {}{specifiers}, and {version} is in it", &parts[1]);
            found.push(stale(lock, what, RENEW));
        }
    }
}

/// Whether a version fits one specifier; unknown for the rarer forms of either.
fn holds(version: &str, specifier: &str) -> Option<bool> {
    let digits = specifier.find(|c: char| c.is_ascii_digit())?;
    let (operator, bound) = (specifier[..digits].trim(), specifier[digits..].trim());
    let star = bound.strip_suffix(".*");
    let (mine, theirs) = (release(version)?, release(star.unwrap_or(bound))?);
    let order = padded(&mine, &theirs);
    let same_start = mine.len() >= theirs.len() && mine[..theirs.len()] == theirs[..];
    Some(match (operator, star) {
        ("==", Some(_)) => same_start,
        ("!=", Some(_)) => !same_start,
        (_, Some(_)) => return None,
        ("==", None) => order == Ordering::Equal,
        ("!=", None) => order != Ordering::Equal,
        (">=", None) => order != Ordering::Less,
        (">", None) => order == Ordering::Greater,
        ("<=", None) => order != Ordering::Greater,
        ("<", None) => order == Ordering::Less,
        ("~=", None) if theirs.len() > 1 => {
            let prefix = &theirs[..theirs.len() - 1];
            order != Ordering::Less && mine.len() >= prefix.len() && mine[..prefix.len()] == *prefix
        }
        _ => return None,
    })
}

/// The numbers of a final release; none for previews, whose order is an art of its own.
fn release(version: &str) -> Option<Vec<u64>> {
    version.split('.').map(|part| part.parse().ok()).collect()
}

fn padded(one: &[u64], other: &[u64]) -> Ordering {
    let length = one.len().max(other.len());
    let number = |list: &[u64], at: usize| list.get(at).copied().unwrap_or(0);
    (0..length)
        .map(|at| number(one, at).cmp(&number(other, at)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_fit_or_do_not() {
        for (version, specifier, expected) in [
            ("0.165.3", ">=0.165", Some(true)),
            ("0.166.0", "<0.166", Some(false)),
            ("2.0", "==2.0.0", Some(true)),
            ("2.1.5", "~=2.1", Some(true)),
            ("3.0", "~=2.1", Some(false)),
            ("1.4.2", "==1.4.*", Some(true)),
            ("1.5", "!=1.4.*", Some(true)),
            ("0.66b2", ">=0.66b2", None),
            ("1!2.0", ">=1", None),
        ] {
            assert_eq!(holds(version, specifier), expected, "{version} {specifier}");
        }
    }
}
