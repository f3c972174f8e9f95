//! The attributes of a queue that can be set, and their limits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::sandbox::call::ServiceError;

use super::refused;

/// Name, least, most and first value. Source: Amazon SQS API reference, `SetQueueAttributes`.
const KNOWN: [(&str, u64, u64, u64); 5] = [
    ("DelaySeconds", 0, 900, 0),
    ("MaximumMessageSize", 1024, 1_048_576, 1_048_576),
    ("MessageRetentionPeriod", 60, 1_209_600, 345_600),
    ("ReceiveMessageWaitTimeSeconds", 0, 20, 0),
    ("VisibilityTimeout", 0, 43_200, 30),
];

/// Attributes that a queue may have on AWS and not here.
const NOT_HERE: [&str; 11] = [
    "Policy",
    "RedrivePolicy",
    "RedriveAllowPolicy",
    "FifoQueue",
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "FifoThroughputLimit",
    "KmsMasterKeyId",
    "KmsDataKeyReusePeriodSeconds",
    "SqsManagedSseEnabled",
    "All",
];

/// Attributes that tell of a queue and cannot be set.
pub(super) const TOLD: [&str; 6] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
];

/// The attributes of one queue. All numbers are seconds, but the size, which is in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attributes(BTreeMap<String, u64>);

impl Default for Attributes {
    fn default() -> Self {
        Self(KNOWN.iter().map(|(name, _, _, first)| ((*name).to_owned(), *first)).collect())
    }
}

/// Refuses a name that no queue's attribute has.
pub(super) fn check_name(name: &str) -> Result<(), ServiceError> {
    let known = KNOWN.iter().any(|(known, ..)| *known == name);
    if known || TOLD.contains(&name) || NOT_HERE.contains(&name) {
        return Ok(());
    }
    Err(refused("InvalidAttributeName", format!("Unknown Attribute {name}.")))
}

impl Attributes {
    /// Sets what was asked for, or nothing.
    ///
    /// # Errors
    /// For a name or value that cannot be set.
    pub fn set(&mut self, wanted: &BTreeMap<String, String>) -> Result<(), ServiceError> {
        let mut changed = self.0.clone();
        for (name, text) in wanted {
            if matches!(name.as_str(), "FifoQueue" | "ContentBasedDeduplication") && text == "true" {
                return Err(refused("InvalidAttributeValue", "FIFO queues are not in the sandbox"));
            }
            check_name(name)?;
            let Some((_, least, most, _)) = KNOWN.iter().find(|(known, ..)| known == name) else {
                let text = format!("the attribute {name} cannot be set in the sandbox");
                return Err(refused("InvalidAttributeName", text));
            };
            let value = text.parse().ok().filter(|value| (*least..=*most).contains(value));
            let value = value.ok_or_else(|| {
                refused("InvalidAttributeValue", format!("Invalid value for the parameter {name}."))
            })?;
            changed.insert(name.clone(), value);
        }
        self.0 = changed;
        Ok(())
    }

    /// All names and values, as text.
    pub fn shown(&self) -> impl Iterator<Item = (String, String)> {
        self.0.iter().map(|(name, value)| (name.clone(), value.to_string()))
    }

    fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// How long a message is kept back at first.
    pub fn delay(&self) -> u64 {
        self.get("DelaySeconds")
    }

    /// Largest message.
    pub fn largest(&self) -> usize {
        usize::try_from(self.get("MaximumMessageSize")).unwrap_or(usize::MAX)
    }

    /// How long a message is kept.
    pub fn retention(&self) -> u64 {
        self.get("MessageRetentionPeriod")
    }

    /// How long a receiver waits for a message.
    pub fn wait(&self) -> u64 {
        self.get("ReceiveMessageWaitTimeSeconds")
    }

    /// How long a received message is kept from other receivers.
    pub fn visibility(&self) -> u64 {
        self.get("VisibilityTimeout")
    }
}
