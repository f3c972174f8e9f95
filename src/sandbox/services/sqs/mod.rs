//! SQS: standard queues, with visibility timeouts, delays and long polls.
//!
//! Invariants: a message that was accepted is on disk; it is given to one receiver at a time and comes again until it is
//! deleted or too old. FIFO queues, dead letters and policies are refused.

mod attributes;
mod message;
mod queue;
mod queues;
mod receive;
mod send;

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::sandbox::{
    call::{Answer, Caller, ServiceError},
    persisted::Persisted,
    world::World,
};

use attributes::Attributes;
use queue::Queue;

/// What it answers.
pub const OPERATIONS: &[&str] = &[
    "ChangeMessageVisibility",
    "CreateQueue",
    "DeleteMessage",
    "DeleteMessageBatch",
    "DeleteQueue",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListQueues",
    "PurgeQueue",
    "ReceiveMessage",
    "SendMessage",
    "SendMessageBatch",
    "SetQueueAttributes",
];

/// State of the service.
#[derive(Debug)]
pub struct Sqs {
    dir: PathBuf,
    definitions: Persisted<BTreeMap<String, Definition>>,
    /// By the id of the queue: a later queue of the same name has other messages.
    open: Mutex<BTreeMap<String, Arc<Queue>>>,
}

/// What is known of a queue beside its messages.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Definition {
    id: String,
    arn: String,
    /// Seconds since the epoch.
    created: i64,
    modified: i64,
    attributes: Attributes,
}

impl Sqs {
    /// Opens the state kept in `dir`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let definitions = Persisted::open(dir.join("queues.json"))?;
        Ok(Self { dir: dir.to_owned(), definitions, open: Mutex::default() })
    }

    fn path(&self, id: &str) -> PathBuf {
        self.dir.join("messages").join(format!("{id}.jsonl"))
    }

    /// The messages of a queue, read from disk at their first use.
    fn messages(&self, definition: &Definition) -> io::Result<Arc<Queue>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = open.get(&definition.id) {
            return Ok(Arc::clone(queue));
        }
        let queue = Arc::new(Queue::open(&definition.id, self.path(&definition.id))?);
        open.insert(definition.id.clone(), Arc::clone(&queue));
        Ok(queue)
    }

    fn forget(&self, id: &str) -> io::Result<()> {
        let queue = self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        if let Some(queue) = queue {
            queue.close();
        }
        match std::fs::remove_file(self.path(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The queue that a URL names.
    fn find(&self, url: &str, caller: &Caller) -> Result<(Definition, Arc<Queue>), ServiceError> {
        let name = name_in(url, caller).ok_or_else(no_queue)?;
        let definition = self.definitions.read(|all| all.get(&name).cloned()).ok_or_else(no_queue)?;
        let queue = self.messages(&definition)?;
        Ok((definition, queue))
    }
}

/// The name in a queue's URL, whose last two segments are the account and the name.
fn name_in(url: &str, caller: &Caller) -> Option<String> {
    let mut segments = url.rsplit('/');
    let name = segments.next()?;
    (segments.next()? == caller.account).then(|| name.to_owned())
}

/// Milliseconds since the epoch.
fn now() -> i64 {
    (time::OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000) as i64
}

fn refused(code: &'static str, message: impl Into<String>) -> ServiceError {
    ServiceError::client(code, message)
}

fn invalid(message: impl Into<String>) -> ServiceError {
    refused("InvalidParameterValueException", message)
}

fn no_queue() -> ServiceError {
    refused("QueueDoesNotExist", "The specified queue does not exist.")
}

/// Reads the input of an operation. A member that the sandbox does not have is refused, and so never left unheeded.
fn input<T: DeserializeOwned>(value: Value) -> Result<T, ServiceError> {
    serde_json::from_value(value).map_err(|error| {
        let text = error.to_string();
        if let Some(member) = text.strip_prefix("unknown field ") {
            return refused("UnsupportedOperation", format!("the sandbox does not have the member {member}"));
        }
        match text.strip_prefix("missing field ") {
            Some(member) => refused(
                "MissingRequiredParameterException",
                format!("The request must contain the parameter {}.", member.trim_matches('`')),
            ),
            None => invalid(text),
        }
    })
}

/// Answers one operation. `host` is where the caller reached the sandbox, and so where it will reach its queues. What
/// waits for the disk has a thread of its own.
///
/// # Errors
/// The service's own.
pub async fn handle(
    world: &Arc<World>,
    operation: &str,
    input: Value,
    caller: &Caller,
    host: &str,
) -> Answer {
    if operation == "ReceiveMessage" {
        return receive::receive(&world.sqs, input, caller).await;
    }
    let (world, operation) = (Arc::clone(world), operation.to_owned());
    let (caller, host) = (caller.clone(), host.to_owned());
    let answer = move || answer(&world.sqs, &operation, input, &caller, &host);
    tokio::task::spawn_blocking(answer).await.map_err(io::Error::from)?
}

fn answer(service: &Sqs, operation: &str, input: Value, caller: &Caller, host: &str) -> Answer {
    match operation {
        "CreateQueue" => queues::create(service, input, caller, host),
        "GetQueueUrl" => queues::url(service, input, caller, host),
        "ListQueues" => queues::list(service, input, caller, host),
        "GetQueueAttributes" => queues::attributes(service, input, caller),
        "SetQueueAttributes" => queues::set_attributes(service, input, caller),
        "PurgeQueue" => queues::purge(service, input, caller),
        "DeleteQueue" => queues::delete(service, input, caller),
        "SendMessage" => send::one(service, input, caller),
        "SendMessageBatch" => send::batch(service, input, caller),
        "DeleteMessage" => receive::delete(service, input, caller),
        "DeleteMessageBatch" => receive::delete_batch(service, input, caller),
        "ChangeMessageVisibility" => receive::change_visibility(service, input, caller),
        _ => Err(ServiceError::not_in_sandbox("SQS", operation)),
    }
}

/// An error code as it was in the service's first protocol, and whose fault it is: the header `x-amzn-query-error`,
/// from which the SDKs still take the code. Source: smithy.io, "awsQueryCompatible"; Amazon SQS API reference, errors.
pub fn query_error(error: &ServiceError) -> String {
    let code = match error.code {
        "QueueDoesNotExist" => "AWS.SimpleQueueService.NonExistentQueue",
        "QueueNameExists" => "QueueAlreadyExists",
        "MessageNotInflight" => "AWS.SimpleQueueService.MessageNotInflight",
        "EmptyBatchRequest" => "AWS.SimpleQueueService.EmptyBatchRequest",
        "TooManyEntriesInBatchRequest" => "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
        "BatchEntryIdsNotDistinct" => "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
        "BatchRequestTooLong" => "AWS.SimpleQueueService.BatchRequestTooLong",
        "InvalidBatchEntryId" => "AWS.SimpleQueueService.InvalidBatchEntryId",
        "PurgeQueueInProgress" => "AWS.SimpleQueueService.PurgeQueueInProgress",
        "UnsupportedOperation" => "AWS.SimpleQueueService.UnsupportedOperation",
        "InvalidParameterValueException" => "InvalidParameterValue",
        "MissingRequiredParameterException" => "MissingParameter",
        other => other,
    };
    format!("{code};{}", if error.status < 500 { "Sender" } else { "Receiver" })
}
