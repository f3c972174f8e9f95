//! `Cargo.toml` against `Cargo.lock`.

use std::collections::BTreeMap;

use semver::{Version, VersionReq};
use toml_edit::{DocumentMut, Item, TableLike};

use crate::check::{Finding, tree::Tree};

use super::{both, stale};

const LOCK: &str = "Cargo.lock";
const RENEW: &str = "cargo generate-lockfile";
const SECTIONS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

pub(super) fn check(tree: &Tree, found: &mut Vec<Finding>) {
    let Some((manifest, lock)) = both(tree, "Cargo.toml", LOCK, RENEW, found) else { return };
    let (Ok(manifest), Ok(lock)) = (manifest.parse::<DocumentMut>(), lock.parse::<DocumentMut>()) else {
        found.push(stale(LOCK, "it or Cargo.toml is not TOML".to_owned(), RENEW));
        return;
    };
    let mut locked: BTreeMap<String, Vec<Version>> = BTreeMap::new();
    for package in lock.get("package").and_then(Item::as_array_of_tables).into_iter().flatten() {
        let text = |key: &str| package.get(key).and_then(Item::as_str).unwrap_or_default();
        locked.entry(text("name").to_owned()).or_default().extend(Version::parse(text("version")).ok());
    }
    let own = manifest.get("package").and_then(|package| package.get("name")).and_then(Item::as_str);
    if let Some(own) = own.filter(|own| !locked.contains_key(*own)) {
        found.push(stale(LOCK, format!("it is not of the package {own}"), RENEW));
    }
    let mut tables: Vec<&dyn TableLike> =
        SECTIONS.iter().filter_map(|section| manifest.get(section)?.as_table_like()).collect();
    for (_, target) in
        manifest.get("target").and_then(Item::as_table_like).into_iter().flat_map(TableLike::iter)
    {
        tables.extend(SECTIONS.iter().filter_map(|section| target.get(section)?.as_table_like()));
    }
    for (key, item) in tables.into_iter().flat_map(TableLike::iter) {
        let name = item.get("package").and_then(Item::as_str).unwrap_or(key);
        let wanted = item.as_str().or_else(|| item.get("version").and_then(Item::as_str));
        match locked.get(name) {
            None => found.push(stale(LOCK, format!("Cargo.toml asks for {name}, which is not in it"), RENEW)),
            Some(versions) => {
                let Some(range) = wanted.and_then(|wanted| VersionReq::parse(wanted).ok()) else { continue };
                if !versions.iter().any(|version| range.matches(version)) {
                    let what = format!("Cargo.toml asks for {name} {range}, and no such version is in it");
                    found.push(stale(LOCK, what, RENEW));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_manifest_that_moved_on_is_told_from_one_that_did_not() {
        let lock = "version = 4\n[[package]]\nname = \"orders\"\nversion = \"0.1.0\"\n\
            [[package]]\nname = \"axum\"\nversion = \"0.8.4\"\n[[package]]\nname = \"rustix\"\nversion = \"1.1.0\"\n";
        let manifest = "[package]\nname = \"orders\"\n[dependencies]\naxum = { version = \"0.8\", features = [] }\n\
            [target.'cfg(unix)'.dependencies]\nfs = { package = \"rustix\", version = \"1\" }\n";
        for (find, replace, expected) in [
            ("", "", None),
            ("\"0.8\"", "\"0.9\"", Some("no such version")),
            ("\"orders\"", "\"bills\"", Some("not of the package bills")),
            ("[dependencies]", "[dependencies]\ntokio = \"1\"", Some("asks for tokio")),
        ] {
            let dir = tempfile::tempdir().expect("temp");
            fs::write(dir.path().join("Cargo.toml"), manifest.replacen(find, replace, 1)).expect("writes");
            fs::write(dir.path().join(LOCK), lock).expect("writes");
            let mut found = Vec::new();
            check(&Tree::read(dir.path()).expect("reads"), &mut found);
            let said = found.iter().map(|finding| finding.what.as_str()).collect::<Vec<_>>().join("; ");
            assert!(expected.map_or(said.is_empty(), |text| said.contains(text)), "{find}: {said}");
            assert_eq!(found.len(), usize::from(expected.is_some()), "{said}");
        }
    }
}
