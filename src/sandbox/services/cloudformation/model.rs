//! Stacks, their resources and events, as they are kept.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::{OffsetDateTime, macros::format_description};

use crate::sandbox::access::Actor;

use super::template::Policy;

/// Seconds since the epoch, with a fraction.
pub type Moment = f64;

/// The time.
pub fn now() -> Moment {
    OffsetDateTime::now_utc().unix_timestamp_nanos() as f64 / 1e9
}

/// A moment as answers tell it.
pub fn told(moment: Moment) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    let at = OffsetDateTime::from_unix_timestamp_nanos((moment * 1e9) as i128).ok();
    at.and_then(|at| at.format(format).ok()).unwrap_or_default()
}

/// What a stack is made from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// SHA-256 of the template, under which its text is kept.
    pub template: String,
    /// Parameters that were given.
    pub parameters: BTreeMap<String, String>,
    /// Tags, in the service's own shape.
    pub tags: Vec<Value>,
    /// Capabilities that were acknowledged.
    pub capabilities: Vec<String>,
    /// Topics that would be told; they are kept, and nobody is told.
    pub notifications: Vec<String>,
    /// The role that it acts in, where IAM has it.
    pub role: Option<String>,
}

/// What becomes of a stack that cannot be made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnFailure {
    /// What was made of it is removed, and it stays as a record.
    #[default]
    Rollback,
    /// It is removed.
    Delete,
    /// It stays as it is.
    Nothing,
}

/// One stack.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Stack {
    /// Its ARN.
    pub id: String,
    /// Its name.
    pub name: String,
    /// As `CREATE_IN_PROGRESS`.
    pub status: String,
    /// Why it has this status.
    pub reason: Option<String>,
    /// What it is made from, or is being changed to.
    pub definition: Definition,
    /// What it was made from before the update under way.
    pub former: Option<Definition>,
    /// Who began the operation, where that may not do everything.
    #[serde(default)]
    pub actor: Option<Actor>,
    /// The operation under way or done last.
    pub operation: String,
    /// When that began.
    pub started: Moment,
    /// When it was made.
    pub created: Moment,
    /// When it was last changed.
    pub updated: Option<Moment>,
    /// When it was removed.
    pub deleted: Option<Moment>,
    /// Minutes that making it may take.
    pub timeout: Option<u64>,
    /// What becomes of it when it cannot be made.
    pub on_failure: OnFailure,
    /// Whether a failed update is left as it is.
    pub disable_rollback: bool,
    /// Whether a rollback also removes what is to be retained, where it is new.
    pub retain_except_on_create: bool,
    /// Whether it must not be removed.
    pub protected: bool,
    /// Its policy, kept and not acted on.
    pub policy: Option<String>,
    /// The token of the operation, which its events tell.
    pub token: Option<String>,
    /// Tokens that were used: the operation and its request.
    pub tokens: BTreeMap<String, String>,
    /// The change set it was last changed by.
    pub change_set: Option<String>,
    /// Outputs, as they are told.
    pub outputs: Vec<Value>,
    /// What other stacks may read.
    pub exports: BTreeMap<String, String>,
    /// What it reads of other stacks.
    pub imports: BTreeSet<String>,
    /// Resources that a removal leaves.
    pub retained: Vec<String>,
    /// Resources that a rollback leaves.
    pub skipped: Vec<String>,
    /// Whether the operation under way shall end.
    pub cancelled: bool,
    /// The last look for drift: its status, and when that was.
    pub drift: Option<(String, Moment)>,
}

impl Stack {
    /// Whether something is under way that the engine does.
    pub fn is_busy(&self) -> bool {
        self.status.ends_with("_IN_PROGRESS") && self.status != "REVIEW_IN_PROGRESS"
    }

    /// Whether it still is.
    pub fn is_living(&self) -> bool {
        self.status != "DELETE_COMPLETE"
    }

    /// Gives it a status; when the event of it is written is up to the caller.
    pub fn turn(&mut self, status: &str, reason: Option<String>) -> Event {
        self.status = status.to_owned();
        self.reason = reason.clone();
        self.event(status, reason)
    }

    /// An event of the stack itself.
    pub fn event(&self, status: &str, reason: Option<String>) -> Event {
        Event {
            logical: self.name.clone(),
            physical: Some(self.id.clone()),
            kind: "AWS::CloudFormation::Stack".to_owned(),
            status: status.to_owned(),
            reason,
            properties: None,
            token: self.token.clone(),
            at: now(),
        }
    }
}

/// What a resource was before the update under way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Former {
    /// Its id.
    pub physical: String,
    /// What `Fn::GetAtt` gives.
    pub attributes: Map<String, Value>,
    /// Its properties.
    pub properties: Map<String, Value>,
    /// What becomes of it when it is no longer wanted.
    pub deletion: Policy,
    /// What becomes of it when another takes its place.
    pub replacement: Policy,
    /// What it refers to.
    pub depends: BTreeSet<String>,
}

/// One resource of a stack.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// Its logical id.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// As `CREATE_COMPLETE`.
    pub status: String,
    /// Why it has this status.
    pub reason: Option<String>,
    /// When it got it.
    pub at: Moment,
    /// The operation that touched it last.
    pub operation: String,
    /// The name that it is made under, kept before it is made.
    pub name: Option<String>,
    /// Its id; nothing while it is not made.
    pub physical: Option<String>,
    /// What `Fn::GetAtt` gives.
    pub attributes: Map<String, Value>,
    /// Its properties, evaluated.
    pub properties: Map<String, Value>,
    /// What becomes of it when it is no longer wanted.
    pub deletion: Policy,
    /// What becomes of it when another takes its place.
    pub replacement: Policy,
    /// What it refers to.
    pub depends: BTreeSet<String>,
    /// As the template has it.
    pub metadata: Option<Value>,
    /// What it was before the update under way.
    pub former: Option<Former>,
    /// Whether another was made in the place of `former`.
    pub replaced: bool,
    /// What it no longer is, and is removed when the operation ends.
    pub leftovers: Vec<Former>,
    /// What the last look for drift found, as it is told.
    pub drift: Option<Value>,
}

impl Resource {
    /// Gives it a status.
    pub fn turn(&mut self, stack: &Stack, status: &str, reason: Option<String>) -> Event {
        self.status = status.to_owned();
        self.reason = reason.clone();
        self.at = now();
        let in_progress = status.ends_with("_IN_PROGRESS");
        Event {
            logical: self.id.clone(),
            physical: self.physical.clone(),
            kind: self.kind.clone(),
            status: status.to_owned(),
            reason,
            properties: in_progress.then(|| Value::Object(self.properties.clone()).to_string()),
            token: stack.token.clone(),
            at: self.at,
        }
    }

    /// It as it is, to be gone back to.
    pub fn snapshot(&self) -> Former {
        Former {
            physical: self.physical.clone().unwrap_or_default(),
            attributes: self.attributes.clone(),
            properties: self.properties.clone(),
            deletion: self.deletion,
            replacement: self.replacement,
            depends: self.depends.clone(),
        }
    }

    /// Makes it what it was.
    pub fn restore(&mut self, former: Former) {
        self.physical = Some(former.physical);
        self.attributes = former.attributes;
        self.properties = former.properties;
        self.deletion = former.deletion;
        self.replacement = former.replacement;
        self.depends = former.depends;
    }
}

/// Something that happened to a stack or to one of its resources.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Event {
    /// Logical id, or the stack's name.
    pub logical: String,
    /// Id.
    pub physical: Option<String>,
    /// Type.
    pub kind: String,
    /// Status.
    pub status: String,
    /// Why.
    pub reason: Option<String>,
    /// Properties, as JSON.
    pub properties: Option<String>,
    /// The token of the operation.
    pub token: Option<String>,
    /// When.
    pub at: Moment,
}

impl Event {
    /// As it is told.
    pub fn shown(&self, stack: &Stack, id: &str) -> Value {
        json!({
            "StackId": stack.id,
            "EventId": id,
            "StackName": stack.name,
            "LogicalResourceId": self.logical,
            "PhysicalResourceId": self.physical.as_deref().unwrap_or_default(),
            "ResourceType": self.kind,
            "Timestamp": told(self.at),
            "ResourceStatus": self.status,
            "ResourceStatusReason": self.reason,
            "ResourceProperties": self.properties,
            "ClientRequestToken": self.token,
        })
    }
}
