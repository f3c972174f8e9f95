//! What became of alarms, for thirty days. Source: CloudWatch API reference, `DescribeAlarmHistory`.

use std::{io, path::Path};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::sandbox::{call::Answer, journal::Journal};

use super::{
    super::input::{self, validation},
    Alarm,
};

const KEPT: f64 = 30.0 * 86_400.0;

/// Most items kept, whatever their age.
const ITEMS: usize = 20_000;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Item {
    name: String,
    kind: String,
    at: f64,
    item: String,
    summary: String,
    data: String,
}

#[derive(Debug)]
pub(super) struct History(Journal<u64, Item>);

impl History {
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(Journal::open(path)?))
    }

    fn add(&mut self, items: Vec<Item>) -> io::Result<()> {
        let next = self.0.map().last_key_value().map_or(0, |(last, _)| last + 1);
        self.0.apply(items.into_iter().zip(next..).map(|(item, at)| (at, Some(item))).collect())
    }

    /// Drops what is too old, and the oldest where there is too much.
    pub fn expire(&mut self, now: f64) -> io::Result<()> {
        let map = self.0.map();
        let over = map.len().saturating_sub(ITEMS);
        let gone = map.iter().enumerate().filter(|(at, (_, item))| *at < over || item.at < now - KEPT);
        let gone = gone.map(|(_, (key, _))| (*key, None)).collect();
        self.0.apply(gone)
    }

    /// An alarm was created, updated or deleted.
    pub fn configured(&mut self, name: &str, alarm: &Alarm, what: &str, now: f64) -> io::Result<()> {
        let kind = what.strip_suffix('d').map(|verb| {
            let mut verb = verb.to_owned();
            verb[..1].make_ascii_uppercase();
            verb
        });
        let data = json!({
            "version": "1.0",
            "type": kind,
            (format!("{what}Alarm")): { "alarmArn": alarm.arn, "alarmName": name, "configuration": alarm.config },
        });
        self.add(vec![Item {
            name: name.to_owned(),
            kind: alarm.kind().to_owned(),
            at: now,
            item: "ConfigurationUpdate".to_owned(),
            summary: format!("Alarm \"{name}\" {what}"),
            data: data.to_string(),
        }])
    }

    /// An alarm went from one state to another; its actions are written down, too.
    pub fn turned(&mut self, name: &str, before: &Alarm, after: &Alarm, now: f64) -> io::Result<()> {
        let told = |alarm: &Alarm| {
            let data = alarm.reason_data.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
            json!({ "stateValue": alarm.state.name(), "stateReason": alarm.reason, "stateReasonData": data })
        };
        let item = |kind: &str, summary: String, data: Value| Item {
            name: name.to_owned(),
            kind: after.kind().to_owned(),
            at: now,
            item: kind.to_owned(),
            summary,
            data: data.to_string(),
        };
        let data = json!({ "version": "1.0", "oldState": told(before), "newState": told(after) });
        let summary = format!("Alarm updated from {} to {}", before.state.name(), after.state.name());
        let mut items = vec![item("StateUpdate", summary, data)];
        if after.config.get("ActionsEnabled") == Some(&json!(true)) {
            let actions = after.config.get(after.state.actions()).and_then(Value::as_array);
            for action in actions.into_iter().flatten().filter_map(Value::as_str) {
                let data = json!({ "actionState": "NotSent", "stateUpdate": told(after), "notificationResource": action });
                items.push(item("Action", format!("The sandbox did not send an action to {action}"), data));
            }
        }
        self.add(items)
    }

    /// `DescribeAlarmHistory`.
    pub fn describe(&self, input: &Value) -> Answer {
        let time = |name: &str| input::time(input, name).map_err(|error| validation(error.message));
        let (start, end) = (time("StartDate")?, time("EndDate")?);
        let name = input::text(input, "AlarmName");
        let item = input::text(input, "HistoryItemType");
        let mut kinds = input::texts(input, "AlarmTypes");
        if kinds.is_empty() {
            kinds.push("MetricAlarm".to_owned());
        }
        let mut found: Vec<Value> = self
            .0
            .map()
            .values()
            .filter(|one| {
                name.is_none_or(|name| one.name == name)
                    && item.is_none_or(|item| one.item == item)
                    && kinds.contains(&one.kind)
                    && start.is_none_or(|start| one.at >= start)
                    && end.is_none_or(|end| one.at <= end)
            })
            .map(|one| {
                json!({
                    "AlarmName": one.name,
                    "AlarmType": one.kind,
                    "Timestamp": one.at,
                    "HistoryItemType": one.item,
                    "HistorySummary": one.summary,
                    "HistoryData": one.data,
                })
            })
            .collect();
        if input::text(input, "ScanBy") != Some("TimestampAscending") {
            found.reverse();
        }
        let size = super::show::records(input)?;
        let (items, next) = input::page(found, input::text(input, "NextToken"), size)?;
        let mut answer = json!({ "AlarmHistoryItems": items });
        if let Some(next) = next {
            answer["NextToken"] = json!(next);
        }
        Ok(answer)
    }
}
