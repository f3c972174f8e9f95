//! Queries for data, as `GetMetricData` and metric-math alarms have them: a statistic of a metric, or an expression.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sandbox::call::ServiceError;

use super::{
    input::{self, validation},
    math::{self, Expr, Known, Line, Scope, Val},
    stat::{self, Metric, Stat},
    store::{Store, Window},
};

/// Most queries of one call. Source: CloudWatch API reference, `GetMetricData`.
const QUERIES: usize = 500;

pub(super) struct MetricStat {
    pub metric: Metric,
    pub period: i64,
    pub stat: Stat,
    pub name: String,
    pub unit: Option<String>,
}

pub(super) struct Query {
    pub id: String,
    pub label: Option<String>,
    pub returned: bool,
    pub period: Option<i64>,
    pub metric: Option<MetricStat>,
    pub expression: Option<(String, Expr)>,
}

/// What a query found.
pub(super) struct Found {
    pub id: String,
    pub label: String,
    pub line: Line,
}

/// Whether CloudWatch has a period. CloudWatch keeps periods below a minute only of metrics that callers publish with a
/// resolution of a second; the metrics of AWS's own services, as of App Runner, have a minute at best. The sandbox has
/// seconds of these, too, so that a release is judged in seconds.
///
/// # Errors
/// When it has not.
pub(super) fn period(seconds: i64) -> Result<i64, ServiceError> {
    if [1, 5, 10, 20, 30].contains(&seconds) || (seconds >= 60 && seconds % 60 == 0 && seconds <= 86_400 * 15)
    {
        Ok(seconds)
    } else {
        Err(validation(format!("Period must be 1, 5, 10, 20, 30 or a multiple of 60, not {seconds}")))
    }
}

impl Query {
    /// Reads one.
    ///
    /// # Errors
    /// When it is neither a metric nor an expression, or one that is not understood.
    pub fn of(one: &Value) -> Result<Self, ServiceError> {
        let id = input::text(one, "Id").unwrap_or_default();
        let plain = id.starts_with(|c: char| c.is_ascii_lowercase())
            && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && id.len() <= 255;
        if !plain {
            return Err(validation(format!(
                "The Id \"{id}\" does not begin with a lower-case letter, or has more than letters, digits and _"
            )));
        }
        if input::text(one, "AccountId").is_some() {
            return Err(validation("Metrics of other accounts are not in the sandbox"));
        }
        let metric =
            Some(&one["MetricStat"]).filter(|metric| metric.is_object()).map(metric_stat).transpose()?;
        let expression = match input::text(one, "Expression") {
            None => None,
            Some(text) => Some((text.to_owned(), expression(id, text)?)),
        };
        if metric.is_some() == expression.is_some() {
            return Err(validation(format!("The query {id} must have either MetricStat or Expression")));
        }
        let label = input::text(one, "Label").map(str::to_owned);
        if label.as_deref().is_some_and(|label| label.contains("${")) {
            return Err(validation("Dynamic labels (${...}) are not in the sandbox"));
        }
        let period = input::integer(one, "Period")?.map(period).transpose()?;
        let returned = input::boolean(one, "ReturnData") != Some(false);
        Ok(Self { id: id.to_owned(), label, returned, period, metric, expression })
    }

    /// In the wire's shape.
    pub fn shown(&self) -> Value {
        let mut shown = json!({ "Id": self.id, "ReturnData": self.returned });
        if let Some(metric) = &self.metric {
            shown["MetricStat"] =
                json!({ "Metric": metric.metric.shown(), "Period": metric.period, "Stat": metric.name });
            if let Some(unit) = &metric.unit {
                shown["MetricStat"]["Unit"] = json!(unit);
            }
        }
        if let Some((text, _)) = &self.expression {
            shown["Expression"] = json!(text);
        }
        if let Some(label) = &self.label {
            shown["Label"] = json!(label);
        }
        if let Some(period) = self.period {
            shown["Period"] = json!(period);
        }
        shown
    }
}

fn expression(id: &str, text: &str) -> Result<Expr, ServiceError> {
    if text.len() > 2048 {
        return Err(validation("An expression has at most 2048 characters"));
    }
    if text.trim_start().to_ascii_uppercase().starts_with("SELECT ") {
        return Err(validation("Metrics Insights queries are not in the sandbox"));
    }
    let expr = math::parse(text).map_err(|why| validation(format!("Error in expression '{id}': {why}")))?;
    match math::unknown_function(&expr) {
        Some(name) => Err(validation(format!(
            "Error in expression '{id}': the function {name} is not in the sandbox, which has {}",
            math::FUNCTIONS.join(", ")
        ))),
        None => Ok(expr),
    }
}

fn metric_stat(of: &Value) -> Result<MetricStat, ServiceError> {
    let namespace = input::required(&of["Metric"], "Namespace")?;
    let name = input::required(of, "Stat")?;
    let seconds = input::integer(of, "Period")?.ok_or_else(|| input::missing("Period"))?;
    Ok(MetricStat {
        metric: Metric::of(namespace, &of["Metric"])?,
        period: period(seconds)?,
        stat: Stat::required(name)?,
        name: name.to_owned(),
        unit: stat::unit(of)?,
    })
}

/// Reads all queries of a call.
///
/// # Errors
/// When one is wrong, or two have the same id.
pub(super) fn all(of: &[Value]) -> Result<Vec<Query>, ServiceError> {
    if of.is_empty() || of.len() > QUERIES {
        return Err(validation(format!("There must be 1 to {QUERIES} queries")));
    }
    let queries: Vec<Query> = of.iter().map(Query::of).collect::<Result<_, _>>()?;
    let mut ids: Vec<&str> = queries.iter().map(|query| query.id.as_str()).collect();
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(validation(format!("The Id \"{}\" is given more than once", pair[0]))),
        None => Ok(queries),
    }
}

/// Answers queries, in their order; `window` says which time a period covers.
///
/// # Errors
/// When an expression has no value, or a returned one is no time series.
pub(super) fn run(
    store: &Store,
    queries: &[Query],
    window: &dyn Fn(i64) -> Window,
) -> Result<Vec<Found>, ServiceError> {
    let exprs: Vec<(String, Option<Expr>)> = queries
        .iter()
        .map(|query| (query.id.clone(), query.expression.as_ref().map(|(_, expr)| expr.clone())))
        .collect();
    let order = math::order(&exprs).map_err(validation)?;
    let mut known: Vec<Known> = Vec::new();
    let mut results: BTreeMap<usize, Vec<Found>> = BTreeMap::new();
    for at in order {
        let query = &queries[at];
        let (value, period) = match (&query.metric, &query.expression) {
            (Some(metric), _) => {
                let line =
                    store.values(&metric.metric, metric.unit.as_deref(), metric.stat, window(metric.period));
                (Val::Line(line), metric.period)
            }
            (None, Some((_, expr))) => calculated(query, expr, &known, window)?,
            (None, None) => continue,
        };
        if query.returned {
            results.insert(at, shown(query, &value)?);
        }
        known.push(Known { id: query.id.clone(), value, metric: query.metric.is_some(), period });
    }
    Ok(results.into_values().flatten().collect())
}

/// The value of an expression; its period is the longest of what it names.
fn calculated(
    query: &Query,
    expr: &Expr,
    known: &[Known],
    window: &dyn Fn(i64) -> Window,
) -> Result<(Val, i64), ServiceError> {
    let names = math::names(expr);
    let all = math::takes_all(expr);
    let used = known.iter().filter(|one| all || names.contains(&one.id.as_str()));
    let period = query.period.or(used.map(|one| one.period).max()).unwrap_or(60);
    let time = window(period);
    let grid = (time.start..time.end).step_by(period.max(1) as usize).take(100_800).collect();
    let value = math::evaluate(expr, &Scope { known, grid })
        .map_err(|why| validation(format!("Error in expression '{}': {why}", query.id)))?;
    Ok((value, period))
}

fn shown(query: &Query, value: &Val) -> Result<Vec<Found>, ServiceError> {
    let usual = query.metric.as_ref().map_or(query.id.as_str(), |metric| metric.metric.name.as_str());
    let label = query.label.as_deref().unwrap_or(usual);
    let found = |label: String, line: &Line| Found { id: query.id.clone(), label, line: line.clone() };
    match value {
        Val::Line(line) => Ok(vec![found(label.to_owned(), line)]),
        Val::Lines(lines) => Ok(lines
            .iter()
            .enumerate()
            .map(|(at, line)| found(format!("{label} {}", at + 1), line))
            .collect()),
        _ => Err(validation(format!(
            "The expression '{}' is no time series, so it cannot be returned",
            query.id
        ))),
    }
}
