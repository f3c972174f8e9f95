//! Metric math: expressions over time series.
//!
//! Source: CloudWatch user guide, "Metric math syntax and functions". Arithmetic is done where both sides have a value;
//! what divides by zero has none. Functions that are not in [`FUNCTIONS`] are refused by name.

mod functions;
mod parse;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

pub(super) use parse::{Expr, parse};

/// Functions there are.
pub(super) const FUNCTIONS: &[&str] = &[
    "ABS",
    "AVG",
    "CEIL",
    "DATAPOINT_COUNT",
    "DIFF",
    "DIFF_TIME",
    "FILL",
    "FIRST",
    "FLOOR",
    "IF",
    "LAST",
    "LOG",
    "LOG10",
    "MAX",
    "METRICS",
    "METRIC_COUNT",
    "MIN",
    "PERIOD",
    "RATE",
    "RUNNING_SUM",
    "STDDEV",
    "SUM",
    "TIME_SERIES",
];

/// Values by time.
pub(super) type Line = BTreeMap<i64, f64>;

/// What an expression is: a number, a time series, several of them, or a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Val {
    Number(f64),
    Line(Line),
    Lines(Vec<Line>),
    Text(String),
}

/// A query whose result an expression may use.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub id: String,
    pub value: Val,
    /// Whether it is a metric, and not an expression.
    pub metric: bool,
    pub period: i64,
}

/// What an expression may use.
pub(super) struct Scope<'a> {
    pub known: &'a [Known],
    /// Times at which periods begin: for functions that fill them.
    pub grid: Vec<i64>,
}

/// Ids that an expression names, so that queries can be put in order.
pub(super) fn names(expr: &Expr) -> Vec<&str> {
    match expr {
        Expr::Name(name) => vec![name],
        Expr::Number(_) | Expr::Text(_) => Vec::new(),
        Expr::Call(_, items) | Expr::List(items) => items.iter().flat_map(names).collect(),
        Expr::Negate(inner) => names(inner),
        Expr::Binary(_, left, right) => names(left).into_iter().chain(names(right)).collect(),
    }
}

/// Whether an expression looks at all metrics there are.
pub(super) fn takes_all(expr: &Expr) -> bool {
    match expr {
        Expr::Call(name, items) => name == "METRICS" || items.iter().any(takes_all),
        Expr::List(items) => items.iter().any(takes_all),
        Expr::Negate(inner) => takes_all(inner),
        Expr::Binary(_, left, right) => takes_all(left) || takes_all(right),
        _ => false,
    }
}

/// The first function that there is not.
pub(super) fn unknown_function(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Call(name, _) if !FUNCTIONS.contains(&name.as_str()) => Some(name),
        Expr::Call(_, items) | Expr::List(items) => items.iter().find_map(unknown_function),
        Expr::Negate(inner) => unknown_function(inner),
        Expr::Binary(_, left, right) => unknown_function(left).or_else(|| unknown_function(right)),
        _ => None,
    }
}

/// The value of an expression.
///
/// # Errors
/// Why it has none.
pub(super) fn evaluate(expr: &Expr, scope: &Scope) -> Result<Val, String> {
    match expr {
        Expr::Number(n) => Ok(Val::Number(*n)),
        Expr::Text(text) => Ok(Val::Text(text.clone())),
        Expr::Name(name) => match scope.known.iter().find(|known| known.id == *name) {
            Some(known) => Ok(known.value.clone()),
            None if ["REPEAT", "LINEAR"].contains(&name.as_str()) => Ok(Val::Text(name.clone())),
            None => Err(format!("there is no metric with the id {name}")),
        },
        Expr::List(items) => {
            let mut lines = Vec::new();
            for item in items {
                match evaluate(item, scope)? {
                    Val::Line(line) => lines.push(line),
                    Val::Lines(more) => lines.extend(more),
                    _ => return Err("a list holds time series only".to_owned()),
                }
            }
            Ok(Val::Lines(lines))
        }
        Expr::Negate(inner) => binary("-", Val::Number(0.0), evaluate(inner, scope)?),
        Expr::Binary(operator, left, right) => {
            binary(operator, evaluate(left, scope)?, evaluate(right, scope)?)
        }
        Expr::Call(name, items) => functions::call(name, items, scope),
    }
}

/// A number, or what has no value: a time series without any, whatever is calculated with it has none either.
fn number(value: Option<f64>) -> Val {
    value.map_or_else(|| Val::Line(Line::new()), Val::Number)
}

fn truth(yes: bool) -> f64 {
    f64::from(u8::from(yes))
}

fn operate(operator: &str, a: f64, b: f64) -> Option<f64> {
    let value = match operator {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" => a / b,
        "^" => a.powf(b),
        "==" => truth(a == b),
        "!=" => truth(a != b),
        "<" => truth(a < b),
        ">" => truth(a > b),
        "<=" => truth(a <= b),
        ">=" => truth(a >= b),
        "AND" => truth(a != 0.0 && b != 0.0),
        _ => truth(a != 0.0 || b != 0.0),
    };
    value.is_finite().then_some(value)
}

fn binary(operator: &str, left: Val, right: Val) -> Result<Val, String> {
    Ok(match (left, right) {
        (Val::Number(a), Val::Number(b)) => number(operate(operator, a, b)),
        (Val::Line(a), Val::Number(b)) => Val::Line(each(a, |a| operate(operator, a, b))),
        (Val::Number(a), Val::Line(b)) => Val::Line(each(b, |b| operate(operator, a, b))),
        (Val::Line(a), Val::Line(b)) => Val::Line(
            a.into_iter().filter_map(|(at, a)| Some((at, operate(operator, a, *b.get(&at)?)?))).collect(),
        ),
        (Val::Lines(a), Val::Lines(b)) if a.len() == b.len() => {
            let pairs = a.into_iter().zip(b);
            lines(pairs.map(|(a, b)| binary(operator, Val::Line(a), Val::Line(b))))?
        }
        (Val::Lines(_), Val::Lines(_)) => {
            return Err("lists of different lengths do not go together".to_owned());
        }
        (Val::Lines(a), b) => lines(a.into_iter().map(|a| binary(operator, Val::Line(a), b.clone())))?,
        (a, Val::Lines(b)) => lines(b.into_iter().map(|b| binary(operator, a.clone(), Val::Line(b))))?,
        (Val::Text(_), _) | (_, Val::Text(_)) => return Err("a text cannot be calculated with".to_owned()),
    })
}

fn lines(results: impl Iterator<Item = Result<Val, String>>) -> Result<Val, String> {
    let mut lines = Vec::new();
    for result in results {
        match result? {
            Val::Line(line) => lines.push(line),
            _ => return Err("a list holds time series only".to_owned()),
        }
    }
    Ok(Val::Lines(lines))
}

fn each(line: Line, change: impl Fn(f64) -> Option<f64>) -> Line {
    line.into_iter().filter_map(|(at, value)| Some((at, change(value)?))).collect()
}

/// Puts expressions in an order in which each comes after those it names.
///
/// # Errors
/// When some depend on themselves.
pub(super) fn order(all: &[(String, Option<Expr>)]) -> Result<Vec<usize>, String> {
    let places: HashMap<&str, usize> =
        all.iter().enumerate().map(|(at, (id, _))| (id.as_str(), at)).collect();
    let mut order: Vec<usize> = (0..all.len()).filter(|at| all[*at].1.is_none()).collect();
    let mut left: Vec<usize> = (0..all.len()).filter(|at| all[*at].1.is_some()).collect();
    while !left.is_empty() {
        let before = left.len();
        left.retain(|at| {
            let expr = all[*at].1.as_ref();
            let waits = expr.into_iter().flat_map(names).filter_map(|name| places.get(name));
            let ready = waits.into_iter().all(|needed| order.contains(needed));
            if ready {
                order.push(*at);
            }
            !ready
        });
        if left.len() == before {
            return Err("the expressions depend on themselves".to_owned());
        }
    }
    Ok(order)
}
