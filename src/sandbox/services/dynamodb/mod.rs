//! DynamoDB: tables and items, without indexes, streams, scans, batches and transactions.
//!
//! Invariants: of concurrent conditional writes to one item exactly one sees each state; an item is on disk before its
//! write is answered; what is not understood is refused and never taken for something else.

mod expression;
mod item;
mod key;
mod number;
mod query;
mod table;
mod value;

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::sandbox::{
    call::{Answer, Caller, RawResponse, ServiceError},
    journal::Journal,
    persisted::Persisted,
    world::World,
};

use expression::{ExpressionError, UpdateError};
use key::{Key, KeyError};
use table::Table;
use value::Item;

/// The items of a table, in the order of their keys.
type Items = Arc<Mutex<Journal<Key, Item>>>;

/// What it answers.
pub const OPERATIONS: &[&str] = &[
    "CreateTable",
    "DeleteItem",
    "DeleteTable",
    "DescribeTable",
    "GetItem",
    "ListTables",
    "PutItem",
    "Query",
    "UpdateItem",
];

/// State of the service.
#[derive(Debug)]
pub struct DynamoDb {
    dir: PathBuf,
    tables: Persisted<BTreeMap<String, Table>>,
    /// By the id of the table: a later table of the same name has other items.
    items: Mutex<BTreeMap<String, Items>>,
}

impl DynamoDb {
    /// Opens the state kept in `dir`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let tables: Persisted<BTreeMap<String, Table>> = Persisted::open(dir.join("tables.json"))?;
        Ok(Self { dir: dir.to_owned(), tables, items: Mutex::default() })
    }

    fn path(&self, table: &Table) -> PathBuf {
        self.dir.join("items").join(format!("{}.jsonl", table.id))
    }

    /// The items of a table, read from disk at their first use.
    fn items(&self, table: &Table) -> io::Result<Items> {
        let mut open = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(items) = open.get(&table.id) {
            return Ok(Arc::clone(items));
        }
        let items = Arc::new(Mutex::new(Journal::open(self.path(table))?));
        open.insert(table.id.clone(), Arc::clone(&items));
        Ok(items)
    }

    fn forget(&self, table: &Table) -> io::Result<()> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner).remove(&table.id);
        match std::fs::remove_file(self.path(table)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// A table and its items, for operations on items.
    fn table(&self, name: &str) -> Result<(Table, Items), ServiceError> {
        table::check_name(name)?;
        let missing = || ServiceError::client("ResourceNotFoundException", "Requested resource not found");
        let table = self.tables.read(|tables| tables.get(name).cloned()).ok_or_else(missing)?;
        let items = self.items(&table)?;
        Ok((table, items))
    }
}

fn locked(items: &Items) -> MutexGuard<'_, Journal<Key, Item>> {
    // A journal changes in memory only after the file has, in steps that do not panic.
    items.lock().unwrap_or_else(PoisonError::into_inner)
}

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::client("ValidationException", message)
}

impl From<KeyError> for ServiceError {
    fn from(error: KeyError) -> Self {
        invalid(error.to_string())
    }
}

impl From<UpdateError> for ServiceError {
    fn from(error: UpdateError) -> Self {
        invalid(error.to_string())
    }
}

/// An expression that is refused, with the name of the member that it stood in.
fn in_member(member: &'static str) -> impl Fn(ExpressionError) -> ServiceError {
    move |error| invalid(format!("Invalid {member}: {error}"))
}

/// Reads the input of an operation. A member that the sandbox does not have is refused, and so never left unheeded.
fn input<T: DeserializeOwned>(value: Value) -> Result<T, ServiceError> {
    serde_json::from_value(value).map_err(|error| {
        let text = error.to_string();
        match text.strip_prefix("unknown field ") {
            Some(member) => invalid(format!("the sandbox does not have the member {member}")),
            None => invalid(text),
        }
    })
}

/// Answers one operation. It waits for the disk, and so has a thread of its own.
///
/// # Errors
/// The service's own.
pub async fn handle(world: &Arc<World>, operation: &str, input: Value, caller: &Caller) -> Answer {
    let (world, operation, caller) = (Arc::clone(world), operation.to_owned(), caller.clone());
    let answer = move || answer(&world.dynamodb, &operation, input, &caller);
    tokio::task::spawn_blocking(answer).await.map_err(io::Error::from)?
}

fn answer(service: &DynamoDb, operation: &str, input: Value, caller: &Caller) -> Answer {
    match operation {
        "CreateTable" => table::create(service, input, caller),
        "DescribeTable" => table::describe(service, input),
        "ListTables" => table::list(service, input),
        "DeleteTable" => table::delete(service, input),
        "PutItem" => item::put(service, input),
        "GetItem" => item::get(service, input),
        "DeleteItem" => item::delete(service, input),
        "UpdateItem" => item::update(service, input),
        "Query" => query::query(service, input),
        _ => Err(ServiceError::not_in_sandbox("DynamoDB", operation)),
    }
}

/// Adds the checksum by which clients tell a damaged answer.
pub fn checked(response: RawResponse) -> RawResponse {
    let mut crc = flate2::Crc::new();
    crc.update(&response.body);
    response.with("x-amz-crc32", crc.sum().to_string())
}
