//! `PutMetricAlarm` and `PutCompositeAlarm`: what an alarm may be. Limits: CloudWatch API reference, of the two.

use serde_json::{Map, Value, json};

use crate::sandbox::call::{Answer, Caller, ServiceError};

use super::{
    super::{
        input::{self, validation},
        lock, query,
        stat::{self, Metric, Stat},
        tags,
    },
    Alarm, Alarms, State, judge, rule,
};

/// Children of a composite alarm.
const CHILDREN: usize = 100;

/// Alarms of one account and region.
const ALARMS: usize = 5000;

pub(super) fn put(alarms: &Alarms, composite: bool, input: &Value, caller: &Caller) -> Answer {
    let name = input::text(input, "AlarmName").ok_or_else(|| validation("AlarmName is required"))?;
    if name.chars().count() > 255 || name.chars().any(char::is_control) {
        return Err(validation("AlarmName has at most 255 characters, none of them a control character"));
    }
    let mut config = common(input)?;
    if composite {
        composite_members(alarms, input, &mut config)?;
    } else {
        metric_members(input, &mut config)?;
    }
    let tags = tags::read(input::list(input, "Tags"))?;
    let now = input::now();
    let mut all = lock(&alarms.all);
    let known = all.map().get(name).cloned();
    if known.as_ref().is_some_and(|known| known.composite != composite) {
        return Err(validation(format!("There is an alarm {name} of the other type")));
    }
    if known.is_none() && all.map().len() >= ALARMS {
        let message = format!("There are {ALARMS} alarms already");
        return Err(ServiceError::client("LimitExceededFault", message));
    }
    let updated = known.is_some();
    // An alarm that is changed stays in its state and keeps its tags.
    let alarm = match known {
        Some(known) => Alarm { config, configured: now, ..known },
        None => Alarm {
            arn: format!("arn:aws:cloudwatch:{}:{}:alarm:{name}", caller.region, caller.account),
            composite,
            config,
            configured: now,
            state: State::InsufficientData,
            reason: "Unchecked: Initial alarm creation".to_owned(),
            reason_data: None,
            updated: now,
            transitioned: now,
            tags,
            held: 0.0,
        },
    };
    all.apply(vec![(name.to_owned(), Some(alarm.clone()))])?;
    drop(all);
    let what = if updated { "updated" } else { "created" };
    lock(&alarms.history).configured(name, &alarm, what, now)?;
    Ok(json!({}))
}

/// What both types have.
fn common(input: &Value) -> Result<Map<String, Value>, ServiceError> {
    let mut config = Map::new();
    if let Some(text) = input::text(input, "AlarmDescription") {
        if text.chars().count() > 1024 {
            return Err(validation("AlarmDescription has at most 1024 characters"));
        }
        config.insert("AlarmDescription".into(), json!(text));
    }
    config.insert("ActionsEnabled".into(), json!(input::boolean(input, "ActionsEnabled").unwrap_or(true)));
    for name in ["OKActions", "AlarmActions", "InsufficientDataActions"] {
        let actions = input::texts(input, name);
        if actions.len() > 5
            || actions.iter().any(|action| !action.starts_with("arn:") || action.len() > 1024)
        {
            return Err(validation(format!("{name} has at most 5 ARNs")));
        }
        config.insert(name.into(), json!(actions));
    }
    Ok(config)
}

fn composite_members(
    alarms: &Alarms,
    input: &Value,
    config: &mut Map<String, Value>,
) -> Result<(), ServiceError> {
    let text = input::text(input, "AlarmRule").ok_or_else(|| validation("AlarmRule is required"))?;
    if text.chars().count() > 10_240 {
        return Err(validation("AlarmRule has at most 10240 characters"));
    }
    if input::text(input, "ActionsSuppressor").is_some() {
        return Err(validation("ActionsSuppressor is not in the sandbox, which sends no actions"));
    }
    let rule = rule::parse(text).map_err(|why| validation(format!("AlarmRule is invalid: {why}")))?;
    let mut children = rule.children();
    children.sort_unstable();
    children.dedup();
    if children.len() > CHILDREN {
        return Err(validation(format!("AlarmRule names at most {CHILDREN} alarms")));
    }
    let all = lock(&alarms.all);
    if let Some(child) = children.iter().find(|child| !all.map().contains_key(**child)) {
        return Err(validation(format!("AlarmRule names {child}, which is no alarm")));
    }
    config.insert("AlarmRule".into(), json!(text));
    Ok(())
}

fn metric_members(input: &Value, config: &mut Map<String, Value>) -> Result<(), ServiceError> {
    for name in ["EvaluationCriteria", "ThresholdMetricId"] {
        if !input[name].is_null() {
            return Err(validation(format!(
                "{name} is not in the sandbox: it has neither PromQL nor anomaly detection"
            )));
        }
    }
    let whole = |name: &str| {
        let number = input::integer(input, name).map_err(|error| validation(error.message))?;
        match number {
            Some(number) if number < 1 => Err(validation(format!("{name} is at least 1"))),
            other => Ok(other),
        }
    };
    let periods = whole("EvaluationPeriods")?.ok_or_else(|| validation("EvaluationPeriods is required"))?;
    let to_alarm = whole("DatapointsToAlarm")?;
    if to_alarm.is_some_and(|m| m > periods) {
        return Err(validation("DatapointsToAlarm is at most EvaluationPeriods"));
    }
    let threshold = input::number(input, "Threshold").map_err(|error| validation(error.message))?;
    let threshold = threshold.ok_or_else(|| validation("Threshold is required"))?;
    let comparison = input::text(input, "ComparisonOperator").unwrap_or_default();
    if judge::breaches(comparison, 0.0, 0.0).is_none() {
        return Err(validation(format!(
            "ComparisonOperator \"{comparison}\" is not in the sandbox: it has GreaterThanOrEqualToThreshold, GreaterThanThreshold, LessThanThreshold and LessThanOrEqualToThreshold"
        )));
    }
    if let Some(missing) = input::text(input, "TreatMissingData") {
        judge::Treat::of(missing)
            .ok_or_else(|| validation("TreatMissingData is breaching, notBreaching, ignore or missing"))?;
        config.insert("TreatMissingData".into(), json!(missing));
    }
    if let Some(low) = input::text(input, "EvaluateLowSampleCountPercentile") {
        if low != "evaluate" {
            return Err(validation("EvaluateLowSampleCountPercentile can only be evaluate in the sandbox"));
        }
        config.insert("EvaluateLowSampleCountPercentile".into(), json!(low));
    }
    config.insert("EvaluationPeriods".into(), json!(periods));
    if let Some(m) = to_alarm {
        config.insert("DatapointsToAlarm".into(), json!(m));
    }
    config.insert("Threshold".into(), json!(threshold));
    config.insert("ComparisonOperator".into(), json!(comparison));
    let period = if input::list(input, "Metrics").is_empty() {
        one_metric(input, config)?
    } else {
        math(input, config)?
    };
    // The whole time that is looked at.
    let most = if period >= 3600 { 7 * 86_400 } else { 86_400 };
    if periods.saturating_mul(period) > most {
        return Err(validation(format!(
            "Metrics cannot be checked across more than {most} seconds: EvaluationPeriods * Period is {}",
            periods.saturating_mul(period)
        )));
    }
    Ok(())
}

/// Periods that alarms may have.
fn period(seconds: i64) -> Result<i64, ServiceError> {
    if [10, 20, 30].contains(&seconds) || (seconds >= 60 && seconds % 60 == 0) {
        Ok(seconds)
    } else {
        Err(validation("Period must be 10, 20, 30 or a multiple of 60"))
    }
}

fn one_metric(input: &Value, config: &mut Map<String, Value>) -> Result<i64, ServiceError> {
    let worded = |error: ServiceError| validation(error.message);
    let namespace = input::required(input, "Namespace").map_err(worded)?;
    let Value::Object(metric) = Metric::of(namespace, input).map_err(worded)?.shown() else { return Ok(0) };
    config.extend(metric);
    let (plain, extended) = (input::text(input, "Statistic"), input::text(input, "ExtendedStatistic"));
    let (name, stat) = match (plain, extended) {
        (Some(stat), None) => ("Statistic", stat),
        (None, Some(stat)) => ("ExtendedStatistic", stat),
        _ => return Err(validation("One of Statistic and ExtendedStatistic is required, and not both")),
    };
    let percentile = matches!(Stat::required(stat).map_err(worded)?, Stat::Percentile(_));
    if percentile != extended.is_some() {
        return Err(validation(
            "Statistic is a name such as Sum, ExtendedStatistic a percentile such as p99.9",
        ));
    }
    config.insert(name.into(), json!(stat));
    let seconds = input::integer(input, "Period").map_err(worded)?;
    let seconds = period(seconds.ok_or_else(|| validation("Period is required"))?)?;
    config.insert("Period".into(), json!(seconds));
    if let Some(unit) = stat::unit(input).map_err(worded)? {
        config.insert("Unit".into(), json!(unit));
    }
    Ok(seconds)
}

/// Alarms of several metrics watch the one result that is returned.
fn math(input: &Value, config: &mut Map<String, Value>) -> Result<i64, ServiceError> {
    for name in ["MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Unit"] {
        if input::text(input, name).is_some() || input[name].is_number() {
            return Err(validation(format!("Metrics and {name} are mutually exclusive")));
        }
    }
    let queries = query::all(input::list(input, "Metrics")).map_err(|error| validation(error.message))?;
    let returned = queries.iter().filter(|query| query.returned).count();
    if returned != 1 {
        return Err(validation(format!("Exactly one of Metrics returns data, not {returned}")));
    }
    let metrics = queries.iter().filter_map(|query| query.metric.as_ref());
    let mut longest = 0;
    for metric in metrics {
        longest = longest.max(period(metric.period)?);
    }
    let longest = queries.iter().filter_map(|query| query.period).chain([longest]).max().unwrap_or_default();
    if longest == 0 {
        return Err(validation("Metrics has at least one metric"));
    }
    config.insert("Metrics".into(), queries.iter().map(query::Query::shown).collect());
    Ok(longest)
}
