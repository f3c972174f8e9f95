//! The messages of one queue, and who holds which of them until when.

use std::{
    io,
    path::PathBuf,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::{Notify, futures::Notified};

use crate::sandbox::journal::Journal;

use super::message::Message;

/// Least time between two purges.
const PURGES: Duration = Duration::from_secs(60);

/// One queue.
#[derive(Debug)]
pub(super) struct Queue {
    id: String,
    /// By a number that grows with each message.
    messages: Mutex<Journal<u64, Message>>,
    /// Told when a message may have become visible.
    changed: Notify,
    closed: AtomicBool,
    /// When it was purged last.
    purged: Mutex<Option<Instant>>,
}

/// How many messages a queue holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// That can be received now.
    pub visible: usize,
    /// That are kept back since they were sent.
    pub delayed: usize,
    /// That a receiver holds.
    pub in_flight: usize,
}

/// Why a receipt handle is of no use.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ReceiptError {
    /// It is none of this queue.
    #[error("The input receipt handle is invalid.")]
    Invalid,
    /// Its message is not held under it any more.
    #[error("Message does not exist or is not available for visibility timeout change.")]
    Gone,
}

impl Queue {
    pub fn open(id: &str, path: PathBuf) -> io::Result<Self> {
        Ok(Self {
            id: id.to_owned(),
            messages: Mutex::new(Journal::open(path)?),
            changed: Notify::new(),
            closed: AtomicBool::new(false),
            purged: Mutex::new(None),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Journal<u64, Message>> {
        // A journal changes in memory only after the file has, in steps that do not panic.
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends every wait for a message; the queue was deleted.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Completes at the next change after this call.
    pub fn change(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Takes messages in, all or none.
    pub fn send(&self, sent: Vec<Message>) -> io::Result<()> {
        let mut messages = self.lock();
        let first = messages.map().last_key_value().map_or(0, |(number, _)| number + 1);
        messages.apply((first..).zip(sent).map(|(number, message)| (number, Some(message))).collect())?;
        drop(messages);
        self.changed.notify_waiters();
        Ok(())
    }

    /// Hands out up to `most` visible messages, which stay hidden from others until `until`. What was sent before
    /// `oldest` is dropped.
    pub fn receive(&self, most: usize, now: i64, until: i64, oldest: i64) -> io::Result<Vec<Message>> {
        let mut messages = self.lock();
        let (mut changes, mut received) = (Vec::new(), Vec::new());
        for (number, message) in messages.map() {
            if message.sent < oldest {
                changes.push((*number, None));
            } else if message.visible <= now && received.len() < most {
                let mut message = message.clone();
                message.receipt = Some(self.receipt(*number));
                message.visible = until;
                message.received += 1;
                message.first_received.get_or_insert(now);
                changes.push((*number, Some(message.clone())));
                received.push(message);
            }
        }
        messages.apply(changes)?;
        Ok(received)
    }

    /// When the next message becomes visible that is not so now.
    pub fn next_visible(&self, now: i64) -> Option<i64> {
        self.lock().map().values().map(|message| message.visible).filter(|at| *at > now).min()
    }

    fn receipt(&self, number: u64) -> String {
        format!("{}.{number}.{}", self.id, hex::encode(rand::random::<[u8; 12]>()))
    }

    fn number(&self, receipt: &str) -> Result<u64, ReceiptError> {
        let mut parts = receipt.split('.');
        let (id, number, rest) = (parts.next(), parts.next(), parts.count());
        let number = number.and_then(|number| number.parse().ok());
        number.filter(|_| id == Some(self.id.as_str()) && rest == 1).ok_or(ReceiptError::Invalid)
    }

    /// Removes the message of a receipt; does nothing where it was received again since, or is gone.
    pub fn delete(&self, receipt: &str) -> io::Result<Result<(), ReceiptError>> {
        let number = match self.number(receipt) {
            Ok(number) => number,
            Err(error) => return Ok(Err(error)),
        };
        let mut messages = self.lock();
        if messages.map().get(&number).is_some_and(|message| message.receipt.as_deref() == Some(receipt)) {
            messages.apply(vec![(number, None)])?;
        }
        Ok(Ok(()))
    }

    /// Hides a message that is in flight until another time.
    pub fn hide(&self, receipt: &str, now: i64, until: i64) -> io::Result<Result<(), ReceiptError>> {
        let number = match self.number(receipt) {
            Ok(number) => number,
            Err(error) => return Ok(Err(error)),
        };
        let mut messages = self.lock();
        let held = messages
            .map()
            .get(&number)
            .filter(|message| message.receipt.as_deref() == Some(receipt) && message.visible > now);
        let Some(mut message) = held.cloned() else { return Ok(Err(ReceiptError::Gone)) };
        message.visible = until;
        messages.apply(vec![(number, Some(message))])?;
        drop(messages);
        self.changed.notify_waiters();
        Ok(Ok(()))
    }

    /// Removes every message; tells whether it did: not twice in a minute. Source: API reference, PurgeQueue.
    pub fn purge(&self) -> io::Result<bool> {
        let mut purged = self.purged.lock().unwrap_or_else(PoisonError::into_inner);
        if purged.is_some_and(|at| at.elapsed() < PURGES) {
            return Ok(false);
        }
        let mut messages = self.lock();
        let all = messages.map().keys().map(|number| (*number, None)).collect();
        messages.apply(all)?;
        *purged = Some(Instant::now());
        Ok(true)
    }

    /// Counts the messages that are not too old.
    pub fn counts(&self, now: i64, oldest: i64) -> Counts {
        let mut counts = Counts::default();
        for message in self.lock().map().values().filter(|message| message.sent >= oldest) {
            match (message.visible <= now, message.received) {
                (true, _) => counts.visible += 1,
                (false, 0) => counts.delayed += 1,
                (false, _) => counts.in_flight += 1,
            }
        }
        counts
    }
}
