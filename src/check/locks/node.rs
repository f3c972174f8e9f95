//! `package.json` against `package-lock.json`, which holds a copy of what it was made from.

use serde_json::{Map, Value};

use crate::check::{Finding, tree::Tree};

use super::{both, stale};

const LOCK: &str = "package-lock.json";
const RENEW: &str = "npm install --package-lock-only";

pub(super) fn check(tree: &Tree, found: &mut Vec<Finding>) {
    let Some((manifest, lock)) = both(tree, "package.json", LOCK, RENEW, found) else { return };
    let (Ok(manifest), Ok(lock)) =
        (serde_json::from_str::<Value>(&manifest), serde_json::from_str::<Value>(&lock))
    else {
        found.push(stale(LOCK, "it or package.json is not JSON".to_owned(), RENEW));
        return;
    };
    let none = Map::new();
    let copy = &lock["packages"][""];
    for section in ["dependencies", "devDependencies", "optionalDependencies"] {
        let wanted = manifest[section].as_object().unwrap_or(&none);
        let locked = copy[section].as_object().unwrap_or(&none);
        for (name, range) in wanted {
            let there = &lock["packages"][format!("node_modules/{name}")];
            if locked.get(name) != Some(range) {
                let range = range.as_str().unwrap_or_default();
                found.push(stale(
                    LOCK,
                    format!("package.json asks for {name} {range}, it was made for another"),
                    RENEW,
                ));
            } else if there.is_null() && section != "optionalDependencies" {
                found.push(stale(LOCK, format!("{name} is not in it"), RENEW));
            }
        }
        for name in locked.keys().filter(|name| !wanted.contains_key(*name)) {
            found.push(stale(LOCK, format!("it has {name}, which package.json does not ask for"), RENEW));
        }
    }
}
