//! Metric filters: what is logged becomes values of metrics.
//!
//! Source: CloudWatch Logs user guide, "Creating metrics from log events using filters". A default value is published for
//! a minute in which events came and none was meant.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::sandbox::call::{Answer, ServiceError};

use super::{Logs, Observation, Query, groups, invalid, missing, now_ms, page, pattern::Pattern};

/// Filters of one group. Source: CloudWatch Logs user guide, "CloudWatch Logs quotas".
const FILTERS: usize = 100;

/// Filters on a page, and messages of one test. Source: CloudWatch Logs API reference.
const PAGE: usize = 50;

/// Values that wait for CloudWatch, which takes them every second.
const WAITING: usize = 100_000;

/// A filter, as it was asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Filter {
    created: i64,
    pattern: String,
    /// In the wire's shape.
    transformation: Value,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What filters found and nobody has taken yet.
#[derive(Debug, Default)]
pub(super) struct Feed {
    found: Vec<Observation>,
    patterns: HashMap<String, Arc<Pattern>>,
    /// Filters with a default value, by group and name: the minute of the last events, and the default where none was meant.
    minutes: HashMap<(String, String), (i64, Option<Observation>)>,
}

impl Feed {
    fn pattern(&mut self, text: &str) -> Option<Arc<Pattern>> {
        if let Some(known) = self.patterns.get(text) {
            return Some(Arc::clone(known));
        }
        if self.patterns.len() > 1000 {
            self.patterns.clear();
        }
        let pattern = Arc::new(Pattern::parse(text).ok()?);
        self.patterns.insert(text.to_owned(), Arc::clone(&pattern));
        Some(pattern)
    }

    /// Looks at events that have come.
    pub fn take(
        &mut self,
        group: &str,
        filters: &BTreeMap<String, Filter>,
        events: &[(i64, &str)],
        now_ms: i64,
    ) {
        for (name, filter) in filters {
            let Some(pattern) = self.pattern(&filter.pattern) else { continue };
            let meant: Vec<&(i64, &str)> =
                events.iter().filter(|(_, message)| pattern.matches(message)).collect();
            for (at, message) in &meant {
                if self.found.len() < WAITING {
                    self.found.extend(observation(&filter.transformation, &pattern, *at, message));
                }
            }
            if let Some(value) = filter.transformation["defaultValue"].as_f64() {
                let minute = now_ms.div_euclid(60_000);
                let usual = plain(&filter.transformation, value, minute * 60_000);
                let key = (group.to_owned(), name.clone());
                let known = self.minutes.entry(key).or_insert_with(|| (minute, Some(usual.clone())));
                if known.0 != minute {
                    self.found.extend(known.1.take());
                    *known = (minute, Some(usual));
                }
                if !meant.is_empty() {
                    known.1 = None;
                }
            }
        }
    }

    /// All that was found until now.
    pub fn drain(&mut self, now: f64) -> Vec<Observation> {
        let minute = (now as i64).div_euclid(60);
        let mut found = std::mem::take(&mut self.found);
        self.minutes.retain(|_, (known, usual)| {
            if *known < minute {
                found.extend(usual.take());
            }
            *known >= minute
        });
        found
    }
}

fn plain(of: &Value, value: f64, at_ms: i64) -> Observation {
    Observation {
        namespace: of["metricNamespace"].as_str().unwrap_or_default().to_owned(),
        name: of["metricName"].as_str().unwrap_or_default().to_owned(),
        dimensions: Vec::new(),
        unit: of["unit"].as_str().unwrap_or("None").to_owned(),
        value,
        at: at_ms as f64 / 1000.0,
    }
}

/// The value that an event has. One whose value is no number, or that lacks a dimension, has none.
fn observation(of: &Value, pattern: &Pattern, at_ms: i64, message: &str) -> Option<Observation> {
    let wanted = of["metricValue"].as_str()?;
    let text = if wanted.starts_with('$') { pattern.select(wanted, message)? } else { wanted.to_owned() };
    let value = text.parse::<f64>().ok().filter(|value| value.is_finite())?;
    let dimensions = of["dimensions"].as_object().into_iter().flatten();
    let dimensions: Vec<(String, String)> = dimensions
        .map(|(name, selector)| {
            let value = pattern.select(selector.as_str()?, message).filter(|value| !value.is_empty())?;
            Some((name.clone(), value))
        })
        .collect::<Option<_>>()?;
    Some(Observation { dimensions, ..plain(of, value, at_ms) })
}

fn parsed(text: &str) -> Result<Pattern, ServiceError> {
    Pattern::parse(text).map_err(|why| invalid(format!("Invalid filter pattern: {why}")))
}

pub(super) fn handle(logs: &Logs, operation: &str, input: &Value) -> Answer {
    let text = |name: &str| input[name].as_str().ok_or_else(|| invalid(format!("{name} is required")));
    match operation {
        "PutMetricFilter" => put(logs, input),
        "TestMetricFilter" => {
            let pattern = parsed(text("filterPattern")?)?;
            let messages = input["logEventMessages"].as_array().map(Vec::as_slice).unwrap_or_default();
            if messages.is_empty() || messages.len() > PAGE {
                return Err(invalid(format!("logEventMessages has 1 to {PAGE} messages")));
            }
            let messages = messages.iter().filter_map(Value::as_str).enumerate();
            let matches: Vec<Value> = messages
                .filter(|(_, message)| pattern.matches(message))
                .map(|(at, message)| {
                    json!({ "eventNumber": at + 1, "eventMessage": message, "extractedValues": pattern.extract(message) })
                })
                .collect();
            Ok(json!({ "matches": matches }))
        }
        "DeleteMetricFilter" => {
            let (group, name) = (text("logGroupName")?, text("filterName")?);
            groups::change(logs, group, |known| {
                known.filters.remove(name).ok_or_else(|| missing("metric filter"))?;
                Ok(json!({}))
            })
        }
        _ => describe(logs, input),
    }
}

fn put(logs: &Logs, input: &Value) -> Answer {
    let text = |name: &str| input[name].as_str().ok_or_else(|| invalid(format!("{name} is required")));
    let (group, name, pattern) = (text("logGroupName")?, text("filterName")?, text("filterPattern")?);
    if name.is_empty() || name.len() > 512 || name.contains([':', '*']) {
        return Err(invalid("filterName has 1 to 512 characters, none of them : or *"));
    }
    for name in ["applyOnTransformedLogs", "fieldSelectionCriteria", "emitSystemFieldDimensions"] {
        if !input[name].is_null() && input[name] != json!(false) {
            return Err(invalid(format!("{name} is not in the sandbox")));
        }
    }
    parsed(pattern)?;
    let transformation = match input["metricTransformations"].as_array().map(Vec::as_slice) {
        Some([one]) => one.clone(),
        _ => return Err(invalid("metricTransformations has one item")),
    };
    for name in ["metricName", "metricNamespace"] {
        let text = transformation[name].as_str().unwrap_or_default();
        if text.is_empty() || text.len() > 255 || text.contains([':', '*', '$']) {
            return Err(invalid(format!("{name} has 1 to 255 characters, none of them :, * or $")));
        }
    }
    let value = transformation["metricValue"].as_str().unwrap_or_default();
    if !value.starts_with('$') && value.parse::<f64>().is_err() {
        return Err(invalid("metricValue is a number, or a selector that begins with $"));
    }
    let dimensions = transformation["dimensions"].as_object().map_or(0, serde_json::Map::len);
    if dimensions > 3 {
        return Err(invalid("A metric filter has at most 3 dimensions"));
    }
    if dimensions > 0 && !transformation["defaultValue"].is_null() {
        return Err(invalid("A metric filter with dimensions cannot have a default value"));
    }
    let filter = Filter { created: now_ms(), pattern: pattern.to_owned(), transformation };
    groups::change(logs, group, |known| {
        if known.filters.len() >= FILTERS && !known.filters.contains_key(name) {
            let message = format!("A log group has at most {FILTERS} metric filters");
            return Err(ServiceError::client("LimitExceededException", message));
        }
        known.filters.insert(name.to_owned(), filter);
        Ok(json!({}))
    })
}

fn describe(logs: &Logs, input: &Value) -> Answer {
    let query: Query = serde_json::from_value(input.clone()).map_err(|error| invalid(error.to_string()))?;
    let (metric, namespace) = (input["metricName"].as_str(), input["metricNamespace"].as_str());
    if metric.is_some() != namespace.is_some() {
        return Err(invalid("metricName and metricNamespace go together"));
    }
    let group = query.log_group_name.as_deref();
    if group.is_some_and(|group| !logs.store.has_group(group)) {
        return Err(missing("log group"));
    }
    let prefix = input["filterNamePrefix"].as_str().unwrap_or_default();
    let found = logs.groups.read(|groups| {
        let groups = groups.iter().filter(|(name, _)| group.is_none_or(|group| group == name.as_str()));
        let filters =
            groups.flat_map(|(group, known)| known.filters.iter().map(move |(name, one)| (group, name, one)));
        filters
            .filter(|(_, name, one)| {
                let of = |member: &str| one.transformation[member].as_str();
                name.starts_with(prefix)
                    && (metric.is_none()
                        || (of("metricName") == metric && of("metricNamespace") == namespace))
            })
            .map(|(group, name, one)| {
                json!({
                    "filterName": name,
                    "filterPattern": one.pattern,
                    "metricTransformations": [one.transformation],
                    "creationTime": one.created,
                    "logGroupName": group,
                })
            })
            .collect()
    });
    page(found, &query, PAGE, "metricFilters")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(pattern: &str, transformation: Value) -> BTreeMap<String, Filter> {
        let one = Filter { created: 0, pattern: pattern.to_owned(), transformation };
        BTreeMap::from([("f".to_owned(), one)])
    }

    fn values(found: &[Observation]) -> Vec<(f64, f64)> {
        found.iter().map(|one| (one.at, one.value)).collect()
    }

    #[test]
    fn a_minute_without_a_match_has_the_default() {
        let into =
            json!({ "metricName": "m", "metricNamespace": "N", "metricValue": "1", "defaultValue": 0.0 });
        let filters = filter("ERROR", into);
        let mut feed = Feed::default();
        feed.take("g", &filters, &[(60_500, "fine")], 60_500);
        assert!(feed.drain(100.0).is_empty(), "the minute is not over");
        feed.take("g", &filters, &[(61_000, "still fine")], 61_000);
        assert_eq!(values(&feed.drain(120.0)), [(60.0, 0.0)]);
        feed.take("g", &filters, &[(121_000, "ERROR"), (122_000, "ERROR")], 122_000);
        assert_eq!(values(&feed.drain(200.0)), [(121.0, 1.0), (122.0, 1.0)]);
        // A minute in which nothing came has no value.
        assert!(feed.drain(300.0).is_empty());
    }

    #[test]
    fn values_and_dimensions_come_from_the_event() {
        let into = json!({
            "metricName": "m", "metricNamespace": "N", "metricValue": "$bytes", "unit": "Bytes",
            "dimensions": { "Status": "$status" },
        });
        let filters = filter("[ip, status = 5*, bytes]", into);
        let mut feed = Feed::default();
        feed.take("g", &filters, &[(0, "a 500 17"), (0, "b 200 18"), (0, "c 503 many")], 0);
        let found = feed.drain(1.0);
        assert_eq!(values(&found), [(0.0, 17.0)]);
        assert_eq!(found[0].dimensions, [("Status".to_owned(), "500".to_owned())]);
        assert_eq!((found[0].name.as_str(), found[0].unit.as_str()), ("m", "Bytes"));
    }
}
