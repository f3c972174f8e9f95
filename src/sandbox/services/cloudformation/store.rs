//! Where stacks are kept: one journal for all records, so that a change of a stack, its resource and the event of it is
//! there whole or not at all; and a file for each template, under its digest.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::sandbox::{call::ServiceError, journal::Journal, persisted::write_atomically};

use super::{
    change_set::ChangeSet,
    model::{Event, Resource, Stack},
};

/// One record.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Record {
    Stack(Box<Stack>),
    Resource(Box<Resource>),
    Event(Box<Event>),
    ChangeSet(Box<ChangeSet>),
}

/// The records, and the last number given to an event.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    journal: Mutex<Journal<String, Record>>,
    last: AtomicU64,
}

fn stack_key(id: &str) -> String {
    format!("s {id}")
}

fn resource_key(id: &str, logical: &str) -> String {
    format!("r {id} {logical}")
}

fn event_prefix(id: &str) -> String {
    format!("e {id} ")
}

fn set_key(id: &str) -> String {
    format!("c {id}")
}

/// Changes that are made together.
#[derive(Debug, Default)]
pub struct Changes(Vec<(String, Option<Record>)>);

impl Changes {
    /// Keeps a stack.
    pub fn stack(&mut self, stack: &Stack) {
        self.0.push((stack_key(&stack.id), Some(Record::Stack(Box::new(stack.clone())))));
    }

    /// Keeps a resource.
    pub fn resource(&mut self, stack: &str, resource: &Resource) {
        self.0.push((resource_key(stack, &resource.id), Some(Record::Resource(Box::new(resource.clone())))));
    }

    /// Forgets a resource.
    pub fn forget(&mut self, stack: &str, logical: &str) {
        self.0.push((resource_key(stack, logical), None));
    }

    /// Keeps a change set.
    pub fn set(&mut self, set: &ChangeSet) {
        self.0.push((set_key(&set.id), Some(Record::ChangeSet(Box::new(set.clone())))));
    }

    /// Forgets a change set.
    pub fn forget_set(&mut self, id: &str) {
        self.0.push((set_key(id), None));
    }

    /// Adds an event; its number is given when the changes are made.
    pub fn event(&mut self, stack: &str, event: Event) {
        self.0.push((event_prefix(stack), Some(Record::Event(Box::new(event)))));
    }
}

/// What is kept, while nothing else can change it.
pub struct View<'a>(&'a BTreeMap<String, Record>);

impl View<'_> {
    fn range(&self, prefix: String) -> impl DoubleEndedIterator<Item = (&String, &Record)> {
        let end = format!("{prefix}\u{10ffff}");
        self.0.range(prefix..end)
    }

    /// A stack by its ARN, or a living one by its name.
    pub fn stack(&self, name: &str) -> Option<Stack> {
        if let Some(Record::Stack(stack)) = self.0.get(&stack_key(name)) {
            return Some(stack.as_ref().clone());
        }
        self.stacks().find(|stack| stack.name == name && stack.is_living()).cloned()
    }

    /// All stacks, those that were removed, too.
    pub fn stacks(&self) -> impl Iterator<Item = &Stack> {
        self.range("s ".to_owned()).filter_map(|(_, record)| match record {
            Record::Stack(stack) => Some(stack.as_ref()),
            _ => None,
        })
    }

    /// The resources of a stack by logical id.
    pub fn resources(&self, stack: &str) -> BTreeMap<String, Resource> {
        let found = self.range(resource_key(stack, "")).filter_map(|(_, record)| match record {
            Record::Resource(resource) => Some((resource.id.clone(), resource.as_ref().clone())),
            _ => None,
        });
        found.collect()
    }

    /// One resource.
    pub fn resource(&self, stack: &str, logical: &str) -> Option<Resource> {
        match self.0.get(&resource_key(stack, logical)) {
            Some(Record::Resource(resource)) => Some(resource.as_ref().clone()),
            _ => None,
        }
    }

    /// The events of a stack with their numbers, newest first.
    pub fn events(&self, stack: &str) -> Vec<(String, Event)> {
        let prefix = event_prefix(stack);
        let skip = prefix.len();
        let found = self.range(prefix).rev().filter_map(|(key, record)| match record {
            Record::Event(event) => Some((key[skip..].to_owned(), event.as_ref().clone())),
            _ => None,
        });
        found.collect()
    }

    /// All change sets.
    pub fn sets(&self) -> impl Iterator<Item = &ChangeSet> {
        self.range("c ".to_owned()).filter_map(|(_, record)| match record {
            Record::ChangeSet(set) => Some(set.as_ref()),
            _ => None,
        })
    }

    /// What living stacks export, and which stack does.
    pub fn exports(&self) -> BTreeMap<String, (String, &Stack)> {
        let living = self.stacks().filter(|stack| stack.is_living());
        living
            .flat_map(|stack| {
                stack.exports.iter().map(move |(name, value)| (name.clone(), (value.clone(), stack)))
            })
            .collect()
    }

    /// Names of the stacks that read an export.
    pub fn importers(&self, export: &str) -> Vec<String> {
        let living = self.stacks().filter(|stack| stack.is_living() && stack.imports.contains(export));
        living.map(|stack| stack.name.clone()).collect()
    }
}

impl Store {
    /// Opens the state kept in `dir`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let journal = Journal::open(dir.join("stacks.jsonl"))?;
        Ok(Self { dir: dir.to_owned(), journal: Mutex::new(journal), last: AtomicU64::new(0) })
    }

    fn lock(&self) -> MutexGuard<'_, Journal<String, Record>> {
        // A journal changes in memory only after the file has, in steps that do not panic.
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at what is kept.
    pub fn read<R>(&self, look: impl FnOnce(&View<'_>) -> R) -> R {
        look(&View(self.lock().map()))
    }

    /// Decides on changes by what is kept, and makes them, all or none.
    ///
    /// # Errors
    /// Of `decide`, or when the disk refuses.
    pub fn change<R>(
        &self,
        decide: impl FnOnce(&View<'_>, &mut Changes) -> Result<R, ServiceError>,
    ) -> Result<R, ServiceError> {
        let mut journal = self.lock();
        let mut changes = Changes::default();
        let result = decide(&View(journal.map()), &mut changes)?;
        for (key, record) in &mut changes.0 {
            if matches!(record, Some(Record::Event(_))) {
                key.push_str(&format!("{:020}", self.number()));
            }
        }
        journal.apply(changes.0)?;
        Ok(result)
    }

    /// A number above all that were given, in this life and before.
    fn number(&self) -> u64 {
        let now = u64::try_from(time::OffsetDateTime::now_utc().unix_timestamp_nanos()).unwrap_or_default();
        let next = |last| Some(now.max(last + 1));
        let last = self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).unwrap_or_default();
        now.max(last + 1)
    }

    /// Keeps the text of a template and returns its digest.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn put_template(&self, text: &str) -> io::Result<String> {
        let digest = hex::encode(Sha256::digest(text.as_bytes()));
        let path = self.dir.join("templates").join(&digest);
        if !path.exists() {
            write_atomically(&path, text.as_bytes())?;
        }
        Ok(digest)
    }

    /// The text of a template.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn template(&self, digest: &str) -> io::Result<String> {
        std::fs::read_to_string(self.dir.join("templates").join(digest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_told_newest_first_and_stay_in_order_after_a_restart() {
        let dir = tempfile::tempdir().expect("dir");
        let mut stack = Stack { id: "arn/a".to_owned(), name: "a".to_owned(), ..Stack::default() };
        for status in ["ONE", "TWO", "THREE"] {
            let store = Store::open(dir.path()).expect("opens");
            let event = stack.turn(status, None);
            let kept = store.change(|_, changes| {
                changes.stack(&stack);
                changes.event(&stack.id, event);
                Ok(())
            });
            kept.expect("keeps");
        }
        let store = Store::open(dir.path()).expect("opens");
        let told: Vec<String> =
            store.read(|view| view.events("arn/a").into_iter().map(|(_, event)| event.status).collect());
        assert_eq!(told, ["THREE", "TWO", "ONE"]);
        assert_eq!(store.read(|view| view.stack("a")).map(|stack| stack.status), Some("THREE".to_owned()));
        let digest = store.put_template("Resources: {}").expect("keeps");
        assert_eq!(store.template(&digest).expect("reads"), "Resources: {}");
    }

    #[test]
    fn what_is_refused_changes_nothing() {
        let dir = tempfile::tempdir().expect("dir");
        let store = Store::open(dir.path()).expect("opens");
        let refused = store.change(|_, changes| {
            changes.stack(&Stack { id: "x".to_owned(), ..Stack::default() });
            Err::<(), _>(ServiceError::client("No", "no"))
        });
        assert!(refused.is_err());
        assert!(store.read(|view| view.stack("x")).is_none());
    }
}
