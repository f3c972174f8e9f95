//! What the statements of one migration do while the release before still runs on the same tables.

use std::collections::BTreeSet;

use sqlparser::{keywords::Keyword, tokenizer::Token};

use crate::check::{Finding, Rule, rules};

use super::{statement::Statement, table};

const SOON: &str =
    "put `SET LOCAL lock_timeout = '2s';` before it, so that nobody queues behind a lock it waits for";

/// One migration being read, top to bottom.
pub(super) struct Migration<'a> {
    pub(super) path: &'a str,
    /// Tables it made itself: nobody uses them yet.
    pub(super) tables: BTreeSet<String>,
    /// Whether a statement would wait for a lock for ever; what runs migrations sees to it that it does not.
    pub(super) patient: bool,
    pub(super) found: &'a mut Vec<Finding>,
}

impl Migration<'_> {
    pub(super) fn check(&mut self, statements: &[Statement]) {
        for statement in statements {
            self.one(statement);
        }
        self.validated_too_soon(statements);
    }

    fn one(&mut self, s: &Statement) {
        use Keyword as K;
        if s.says(0, &[K::SET]) || s.says(0, &[K::SELECT]) {
            self.setting(s);
        } else if s.says(0, &[K::CREATE]) {
            self.create(s);
        } else if s.says(0, &[K::ALTER, K::TABLE]) {
            let at = s.skip(2, &[K::IF, K::EXISTS, K::ONLY]);
            if s.name(at).is_some_and(|(name, _)| self.in_use(&name)) {
                for (rule, what, todo) in table::alter(s) {
                    self.add(rule, s, what, todo);
                }
                self.locks(s);
            }
        } else if s.says(0, &[K::DROP, K::TABLE]) || s.says(0, &[K::DROP, K::SCHEMA]) {
            self.drop(s);
        } else if s.says(0, &[K::TRUNCATE]) {
            let names = s.names(s.skip(1, &[K::TABLE, K::ONLY]));
            if names.iter().any(|name| self.in_use(name)) {
                let what = format!("deletes every row of {}", names.join(", "));
                self.add(
                    &rules::TRUNCATE,
                    s,
                    what,
                    "delete what has to go in small steps, outside migrations",
                );
                self.locks(s);
            }
        } else if s.says(0, &[K::DO]) {
            let todo = "write plain statements, or say why it is fine: `-- pave: allow migration-unread because ...`";
            self.add(&rules::MIGRATION_UNREAD, s, "a DO block cannot be looked into".to_owned(), todo);
        } else if s.says(0, &[K::UPDATE]) || s.says(0, &[K::DELETE]) {
            self.change(s);
        }
    }

    /// `SET [LOCAL] lock_timeout = ...` or `SELECT set_config('lock_timeout', ...)`.
    fn setting(&mut self, s: &Statement) {
        let text = |token: &Token| match token {
            Token::SingleQuotedString(text) | Token::Number(text, _) => Some(text.to_ascii_lowercase()),
            Token::Word(word) => Some(word.value.to_ascii_lowercase()),
            _ => None,
        };
        let words: Vec<String> = s.tokens.iter().filter_map(|token| text(&token.token)).collect();
        let Some(at) = words.iter().position(|word| word == "lock_timeout") else { return };
        let value = words[at + 1..].iter().find(|word| *word != "to");
        self.patient = value.is_none_or(|value| {
            value == "default"
                || value.trim_start_matches('0').is_empty()
                || value.starts_with("0 ")
                || matches!(value.as_str(), "0s" | "0ms" | "0min")
        });
    }

    fn create(&mut self, s: &Statement) {
        use Keyword as K;
        let Some(at) = s.find(K::TABLE).filter(|at| *at <= 3) else {
            if s.find(K::INDEX).is_some_and(|at| at <= 2) {
                self.index(s);
            }
            return;
        };
        let after = s.skip(at + 1, &[K::IF, K::NOT, K::EXISTS]);
        // With IF NOT EXISTS it may well have been there, and in use.
        if let Some((name, _)) = s.name(after).filter(|_| after == at + 1) {
            self.tables.insert(name);
        }
        let refers = (0..s.tokens.len())
            .filter(|at| s.says(*at, &[K::REFERENCES]))
            .any(|at| s.name(at + 1).is_some_and(|(name, _)| self.in_use(&name)));
        if refers {
            self.locks(s);
        }
    }

    fn index(&mut self, s: &Statement) {
        use Keyword as K;
        let Some(on) = s.find(K::ON) else { return };
        let Some((name, _)) = s.name(s.skip(on + 1, &[K::ONLY])) else { return };
        if s.find(K::CONCURRENTLY).is_none_or(|at| at >= on) && self.in_use(&name) {
            let what = format!("stops every write to {name} while the index is built");
            let todo = "write CREATE INDEX CONCURRENTLY, alone in a migration whose first line is `-- no-transaction`";
            self.add(&rules::INDEX_NOT_CONCURRENT, s, what, todo);
        }
    }

    fn drop(&mut self, s: &Statement) {
        use Keyword as K;
        let names = s.names(s.skip(2, &[K::IF, K::EXISTS]));
        if names.iter().any(|name| self.in_use(name)) {
            let what = format!("drops {}, which the release before may still use", names.join(", "));
            let todo = "drop it one release after nothing uses it, and then say so: `-- pave: allow drop-table because ...`";
            self.add(&rules::DROP_TABLE, s, what, todo);
            self.locks(s);
        }
    }

    fn change(&mut self, s: &Statement) {
        use Keyword as K;
        let name = s.name(s.skip(1, &[K::FROM, K::ONLY])).map(|(name, _)| name).unwrap_or_default();
        if s.find(K::WHERE).is_none() && self.in_use(&name) {
            let what = format!("changes every row of {name} in one transaction");
            let todo = "do it in batches outside the migration, or bound it with WHERE";
            self.add(&rules::UNBOUNDED_CHANGE, s, what, todo);
        }
    }

    fn in_use(&self, table: &str) -> bool {
        !self.tables.contains(table)
    }

    /// Notes once that a statement waits for a lock without a limit.
    fn locks(&mut self, s: &Statement) {
        if self.patient {
            let what = "waits for a lock on a table in use, and everybody else waits behind it";
            self.add(&rules::NO_LOCK_TIMEOUT, s, what.to_owned(), SOON);
            self.patient = false;
        }
    }

    fn add(&mut self, rule: &Rule, s: &Statement, what: String, todo: &str) {
        self.found.push(rule.at(self.path, s.line, what, todo).within(s.lines.clone()));
    }

    /// VALIDATE holds only a weak lock, unless the transaction still has the strong one of a change before it.
    fn validated_too_soon(&mut self, statements: &[Statement]) {
        let mut changed = BTreeSet::new();
        for s in statements.iter().filter(|s| s.says(0, &[Keyword::ALTER, Keyword::TABLE])) {
            let at = s.skip(2, &[Keyword::IF, Keyword::EXISTS, Keyword::ONLY]);
            let Some((table, _)) = s.name(at) else { continue };
            if !s.has_word("validate") {
                changed.insert(table);
            } else if changed.contains(&table) && self.in_use(&table) {
                let what =
                    format!("reads all of {table} while the lock of the change before it is still held");
                let todo = "validate in the next migration";
                self.add(&rules::VALIDATE_IN_SAME_MIGRATION, s, what, todo);
            }
        }
    }
}
