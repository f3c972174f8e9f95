//! Alarms: what they watch, the state they are in, and what became of them.
//!
//! An alarm is kept in the wire's shape, which its checks (`put.rs`) make the same for every protocol. Actions are written
//! to the history and not sent: the sandbox has nobody to send them to.

mod evaluate;
mod history;
mod judge;
mod put;
mod rule;
mod show;
#[cfg(test)]
mod tests;

use std::{io, path::Path, sync::Mutex};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::sandbox::{
    call::{Answer, Caller, ServiceError},
    journal::Journal,
};

use super::{
    CloudWatch,
    input::{self, validation},
    lock,
    tags::Tags,
};

use history::History;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum State {
    #[serde(rename = "OK")]
    Ok,
    #[serde(rename = "ALARM")]
    Alarm,
    #[serde(rename = "INSUFFICIENT_DATA")]
    InsufficientData,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }

    fn of(name: &str) -> Option<Self> {
        [Self::Ok, Self::Alarm, Self::InsufficientData].into_iter().find(|state| state.name() == name)
    }

    /// The member that lists the actions for it.
    fn actions(self) -> &'static str {
        match self {
            Self::Ok => "OKActions",
            Self::Alarm => "AlarmActions",
            Self::InsufficientData => "InsufficientDataActions",
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Alarm {
    arn: String,
    composite: bool,
    /// What was asked for, in the wire's shape.
    config: Map<String, Value>,
    configured: f64,
    state: State,
    reason: String,
    reason_data: Option<String>,
    updated: f64,
    /// When the state last became another.
    transitioned: f64,
    tags: Tags,
    /// Until when it stays in a state that it was put into by hand.
    #[serde(default)]
    held: f64,
}

impl Alarm {
    fn kind(&self) -> &'static str {
        if self.composite { "CompositeAlarm" } else { "MetricAlarm" }
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.config.get(name).and_then(Value::as_f64)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.config.get(name).and_then(Value::as_str)
    }

    /// Seconds between the ends of two periods that it looks at: a minute at most, as alarms of longer periods are
    /// evaluated every minute. Source: CloudWatch user guide, "Evaluating an alarm".
    fn step(&self) -> i64 {
        evaluate::period(self).clamp(1, 60)
    }
}

/// All alarms.
#[derive(Debug)]
pub(super) struct Alarms {
    all: Mutex<Journal<String, Alarm>>,
    history: Mutex<History>,
}

fn not_there(name: &str) -> ServiceError {
    ServiceError { status: 404, code: "ResourceNotFound", message: format!("There is no alarm {name}") }
}

impl Alarms {
    /// Opens what `dir` holds.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(dir: &Path) -> io::Result<Self> {
        Ok(Self {
            all: Mutex::new(Journal::open(dir.join("alarms.jsonl"))?),
            history: Mutex::new(History::open(&dir.join("history.jsonl"))?),
        })
    }

    /// Changes the tags of an alarm; nothing where there is no such alarm.
    pub fn tags(
        &self,
        name: &str,
        change: impl FnOnce(&mut Tags) -> Result<Value, ServiceError>,
    ) -> Option<Answer> {
        let mut all = lock(&self.all);
        let mut alarm = all.map().get(name)?.clone();
        let before = alarm.tags.clone();
        let answer = change(&mut alarm.tags);
        if answer.is_ok()
            && alarm.tags != before
            && let Err(error) = all.apply(vec![(name.to_owned(), Some(alarm))])
        {
            return Some(Err(error.into()));
        }
        Some(answer)
    }

    /// Drops history that is too old.
    pub fn forget(&self, now: f64) {
        // A disk that refuses keeps it, and is asked again.
        let _ = lock(&self.history).expire(now);
    }

    /// Puts an alarm into a state, with all that is written down of it.
    fn turn(&self, name: &str, alarm: &Alarm, turned: Turn, now: f64) -> io::Result<()> {
        let mut next = alarm.clone();
        let before = alarm.state;
        next.state = turned.state;
        next.reason = turned.reason;
        next.reason_data = turned.data;
        next.updated = now;
        next.held = turned.held;
        if before != next.state {
            next.transitioned = now;
        }
        lock(&self.all).apply(vec![(name.to_owned(), Some(next.clone()))])?;
        if before != next.state {
            lock(&self.history).turned(name, alarm, &next, now)?;
        }
        Ok(())
    }
}

/// A state that an alarm is put into, and why.
struct Turn {
    state: State,
    reason: String,
    data: Option<String>,
    held: f64,
}

/// Answers one operation.
pub(super) fn handle(cloudwatch: &CloudWatch, operation: &str, input: &Value, caller: &Caller) -> Answer {
    let alarms = &cloudwatch.alarms;
    match operation {
        "PutMetricAlarm" | "PutCompositeAlarm" => {
            put::put(alarms, operation == "PutCompositeAlarm", input, caller)
        }
        "DescribeAlarms" => show::describe(alarms, input),
        "DescribeAlarmsForMetric" => show::for_metric(alarms, input),
        "DescribeAlarmHistory" => lock(&alarms.history).describe(input),
        "SetAlarmState" => set_state(alarms, input),
        "DeleteAlarms" => delete(alarms, input),
        _ => actions(alarms, operation == "EnableAlarmActions", input),
    }
}

/// The state lasts until the alarm is next evaluated, which is at the end of its period, or of a minute.
fn set_state(alarms: &Alarms, input: &Value) -> Answer {
    let name = input::text(input, "AlarmName").ok_or_else(|| validation("AlarmName is required"))?;
    let state = input::text(input, "StateValue").and_then(State::of);
    let state = state.ok_or_else(|| validation("StateValue is OK, ALARM or INSUFFICIENT_DATA"))?;
    let reason = input::text(input, "StateReason").ok_or_else(|| validation("StateReason is required"))?;
    let data = input::text(input, "StateReasonData");
    if data.is_some_and(|data| serde_json::from_str::<Value>(data).is_err()) {
        return Err(ServiceError::client(
            "InvalidFormatFault",
            "StateReasonData was not syntactically valid JSON",
        ));
    }
    let alarm = lock(&alarms.all).map().get(name).cloned().ok_or_else(|| not_there(name))?;
    let now = input::now();
    let step = alarm.step() as f64;
    let held = ((now / step).floor() + 1.0) * step;
    let data = data.map(str::to_owned);
    alarms.turn(name, &alarm, Turn { state, reason: reason.to_owned(), data, held }, now)?;
    Ok(json!({}))
}

/// All of the alarms, or none.
fn delete(alarms: &Alarms, input: &Value) -> Answer {
    let names = input::texts(input, "AlarmNames");
    if names.is_empty() || names.len() > 100 {
        return Err(validation("AlarmNames has 1 to 100 names"));
    }
    let mut all = lock(&alarms.all);
    let mut gone = Vec::new();
    for name in &names {
        gone.push((name, all.map().get(name).cloned().ok_or_else(|| not_there(name))?));
    }
    all.apply(names.iter().map(|name| (name.clone(), None)).collect())?;
    drop(all);
    for (name, alarm) in gone {
        lock(&alarms.history).configured(name, &alarm, "deleted", input::now())?;
    }
    Ok(json!({}))
}

/// Names of alarms that there are not are passed over, as CloudWatch does.
fn actions(alarms: &Alarms, enabled: bool, input: &Value) -> Answer {
    let names = input::texts(input, "AlarmNames");
    if names.is_empty() || names.len() > 100 {
        return Err(validation("AlarmNames has 1 to 100 names"));
    }
    let mut all = lock(&alarms.all);
    let mut changes = Vec::new();
    for name in names {
        if let Some(mut alarm) = all.map().get(&name).cloned() {
            alarm.config.insert("ActionsEnabled".to_owned(), json!(enabled));
            alarm.configured = input::now();
            changes.push((name, Some(alarm)));
        }
    }
    all.apply(changes.clone())?;
    drop(all);
    for (name, alarm) in changes {
        if let Some(alarm) = alarm {
            lock(&alarms.history).configured(&name, &alarm, "updated", input::now())?;
        }
    }
    Ok(json!({}))
}
