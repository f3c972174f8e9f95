//! `migrations/*.sql`: their names, and what each statement would do to a table in use.

mod squawk;
mod statement;
mod table;
mod ways;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use regex::Regex;
use sqlparser::keywords::Keyword;

use super::{Finding, rules, tree::Tree};

use ways::Migration;

static NAME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(\d{4,10})_([a-z0-9_]+)\.(up|down)\.sql$").expect("a fixed pattern"));

const FOLDER: &str = "migrations";

/// The two files of a migration.
#[derive(Default)]
struct Pair<'a> {
    up: Option<&'a str>,
    down: Option<&'a str>,
}

pub(super) fn check(tree: &Tree, found: &mut Vec<Finding>) {
    let mut pairs: BTreeMap<(u64, String), Pair> = BTreeMap::new();
    for (path, name) in tree.folder(FOLDER).filter(|(_, name)| name.ends_with(".sql")) {
        let Some(parts) = NAME.captures(name) else {
            let todo = "call it as in 0002_add_colour.up.sql and 0002_add_colour.down.sql";
            found.push(rules::MIGRATION_NAME.on(path, "has a name that `migrate` does not know", todo));
            continue;
        };
        // At most ten digits, which always fit.
        let number = parts[1].parse().unwrap_or(u64::MAX);
        let pair = pairs.entry((number, parts[2].to_owned())).or_default();
        if &parts[3] == "up" { pair.up = Some(path) } else { pair.down = Some(path) }
    }
    names(&pairs, found);
    let ups: Vec<&str> = pairs.values().filter_map(|pair| pair.up).collect();
    for path in &ups {
        statements(tree, path, found);
    }
    for path in pairs.values().flat_map(|pair| [pair.up, pair.down]).flatten() {
        outside_of_transactions(tree, path, found);
    }
    for path in pairs.values().filter_map(|pair| pair.down) {
        let empty =
            tree.text(path).and_then(|text| statement::split(&text).ok()).is_some_and(|all| all.is_empty());
        if empty {
            let todo = "write what takes the migration back, or `SELECT 1;` where nothing has to be";
            found.push(rules::MIGRATION_PAIR.on(path, "the way back is empty", todo));
        }
    }
    found.extend(squawk::run(tree, &ups));
}

/// What cannot run in the transaction that a migration, or several statements at once, are; both ways, up and down.
fn outside_of_transactions(tree: &Tree, path: &str, found: &mut Vec<Finding>) {
    let Some(text) = tree.text(path) else { return };
    let Ok(statements) = statement::split(&text) else { return };
    let (rule, what, todo) = if statements.len() > 1 {
        let what = "CONCURRENTLY cannot run in the transaction that several statements make";
        (&rules::CONCURRENTLY_NOT_ALONE, what, "give it a migration of its own")
    } else if text.starts_with("-- no-transaction") {
        // As sqlx reads it, so that one convention holds in every language.
        return;
    } else {
        let what = "CONCURRENTLY cannot run in the transaction that a migration is";
        (&rules::CONCURRENTLY_IN_TRANSACTION, what, "make `-- no-transaction` the first line of the file")
    };
    for s in statements.iter().filter(|s| s.find(Keyword::CONCURRENTLY).is_some()) {
        found.push(rule.at(path, s.line, what, todo).within(s.lines.clone()));
    }
}

fn names(pairs: &BTreeMap<(u64, String), Pair>, found: &mut Vec<Finding>) {
    let mut before: Option<u64> = None;
    for ((number, name), pair) in pairs {
        let (path, way) = match pair {
            Pair { up: Some(up), down: None } => (*up, Some(("no way back", "down"))),
            Pair { up: None, down: Some(down) } => (*down, Some(("no way there", "up"))),
            Pair { up, down } => (up.or(*down).unwrap_or_default(), None),
        };
        if let Some((lacks, file)) = way {
            let todo = format!("add {FOLDER}/{number:04}_{name}.{file}.sql");
            found.push(rules::MIGRATION_PAIR.on(path, format!("the migration has {lacks}"), todo));
        }
        match before {
            Some(before) if before == *number => {
                let what = format!("another migration has the number {number} too");
                let todo = "give the younger of the two the next free number, in both files";
                found.push(rules::MIGRATION_NUMBER.on(path, what, todo));
            }
            Some(before) if before + 1 != *number => {
                let what = format!("the migration before has the number {before}, this one {number}");
                let todo = format!("restore what lies between, or call this one {:04}", before + 1);
                found.push(rules::MIGRATION_NUMBER.on(path, what, todo));
            }
            _ => {}
        }
        before = Some(*number);
    }
}

fn statements(tree: &Tree, path: &str, found: &mut Vec<Finding>) {
    let todo = "split it into smaller files of plain SQL, or say why it is fine: `-- pave: allow migration-unread because ...`";
    let Some(text) = tree.text(path) else {
        found.push(rules::MIGRATION_UNREAD.on(path, "is not text, or larger than 1 MiB", todo));
        return;
    };
    match statement::split(&text) {
        Ok(statements) => {
            let mut migration = Migration { path, tables: BTreeSet::new(), patient: false, found };
            migration.check(&statements);
        }
        Err((line, reason)) => {
            found.push(rules::MIGRATION_UNREAD.at(path, line, format!("cannot be read: {reason}"), todo));
        }
    }
}
