//! `DescribeAlarms` and `DescribeAlarmsForMetric`.

use serde_json::{Value, json};

use crate::sandbox::call::{Answer, ServiceError};

use super::{
    super::{
        input::{self, validation},
        lock,
        stat::Metric,
    },
    Alarm, Alarms, rule,
};

fn shown(name: &str, alarm: &Alarm) -> Value {
    let mut shown = json!({
        "AlarmName": name,
        "AlarmArn": alarm.arn,
        "AlarmConfigurationUpdatedTimestamp": alarm.configured,
        "StateValue": alarm.state.name(),
        "StateReason": alarm.reason,
        "StateUpdatedTimestamp": alarm.updated,
        "StateTransitionedTimestamp": alarm.transitioned,
    });
    if let Some(data) = &alarm.reason_data {
        shown["StateReasonData"] = json!(data);
    }
    for (key, value) in &alarm.config {
        shown[key] = value.clone();
    }
    shown
}

/// `MaxRecords`: 1 to 100, and 50 unless it is said.
pub(super) fn records(input: &Value) -> Result<usize, ServiceError> {
    match input::integer(input, "MaxRecords").map_err(|error| validation(error.message))? {
        None => Ok(50),
        Some(size @ 1..=100) => Ok(size as usize),
        Some(_) => Err(validation("MaxRecords is from 1 to 100")),
    }
}

fn children(alarm: &Alarm) -> Vec<String> {
    let rule = alarm.text("AlarmRule").and_then(|text| rule::parse(text).ok());
    rule.map(|rule| rule.children().into_iter().map(str::to_owned).collect()).unwrap_or_default()
}

pub(super) fn describe(alarms: &Alarms, input: &Value) -> Answer {
    let names = input::texts(input, "AlarmNames");
    let prefix = input::text(input, "AlarmNamePrefix");
    if !names.is_empty() && prefix.is_some() {
        return Err(validation("AlarmNames and AlarmNamePrefix are mutually exclusive"));
    }
    // Composite alarms are told only where they are asked for.
    let mut kinds = input::texts(input, "AlarmTypes");
    let (of, parents) = (input::text(input, "ChildrenOfAlarmName"), input::text(input, "ParentsOfAlarmName"));
    if kinds.is_empty() {
        kinds = vec![if parents.is_some() { "CompositeAlarm" } else { "MetricAlarm" }.to_owned()];
        if of.is_some() {
            kinds.push("CompositeAlarm".to_owned());
        }
    }
    let state = input::text(input, "StateValue");
    let action = input::text(input, "ActionPrefix");
    let all = lock(&alarms.all);
    let wanted = of.map(|of| all.map().get(of).map(children).unwrap_or_default());
    let acts = |alarm: &Alarm, prefix: &str| {
        ["OKActions", "AlarmActions", "InsufficientDataActions"].iter().any(|list| {
            let actions = alarm.config.get(*list).and_then(Value::as_array);
            actions.into_iter().flatten().any(|one| one.as_str().is_some_and(|arn| arn.starts_with(prefix)))
        })
    };
    let found: Vec<(bool, Value)> = all
        .map()
        .iter()
        .filter(|(name, alarm)| {
            (names.is_empty() || names.contains(name))
                && prefix.is_none_or(|prefix| name.starts_with(prefix))
                && kinds.iter().any(|kind| kind == alarm.kind())
                && state.is_none_or(|state| alarm.state.name() == state)
                && action.is_none_or(|prefix| acts(alarm, prefix))
                && wanted.as_ref().is_none_or(|wanted| wanted.contains(name))
                && parents.is_none_or(|child| children(alarm).iter().any(|one| one == child))
        })
        .map(|(name, alarm)| (alarm.composite, shown(name, alarm)))
        .collect();
    let (page, next) = input::page(found, input::text(input, "NextToken"), records(input)?)?;
    let of = |composite: bool| -> Vec<&Value> {
        page.iter().filter(|(kind, _)| *kind == composite).map(|(_, shown)| shown).collect()
    };
    let mut answer = json!({ "MetricAlarms": of(false), "CompositeAlarms": of(true) });
    if let Some(next) = next {
        answer["NextToken"] = json!(next);
    }
    Ok(answer)
}

/// Alarms of exactly this metric; those of metric math are not told.
pub(super) fn for_metric(alarms: &Alarms, input: &Value) -> Answer {
    let worded = |error: ServiceError| validation(error.message);
    let namespace = input::required(input, "Namespace").map_err(worded)?;
    let metric = Metric::of(namespace, input).map_err(worded)?.shown();
    let period = input::integer(input, "Period").map_err(worded)?;
    let all = lock(&alarms.all);
    let found: Vec<Value> = all
        .map()
        .iter()
        .filter(|(_, alarm)| {
            let same =
                |name: &str| input::text(input, name).is_none_or(|wanted| alarm.text(name) == Some(wanted));
            ["Namespace", "MetricName", "Dimensions"]
                .iter()
                .all(|name| alarm.config.get(*name) == Some(&metric[*name]))
                && same("Statistic")
                && same("ExtendedStatistic")
                && same("Unit")
                && period.is_none_or(|period| alarm.number("Period") == Some(period as f64))
        })
        .map(|(name, alarm)| shown(name, alarm))
        .collect();
    Ok(json!({ "MetricAlarms": found }))
}
