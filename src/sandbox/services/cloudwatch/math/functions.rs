//! Functions of metric math.

use super::{Expr, Line, Scope, Val, each, evaluate, lines, number};

/// Calls one.
///
/// # Errors
/// Why it has no value.
pub(super) fn call(name: &str, items: &[Expr], scope: &Scope) -> Result<Val, String> {
    match name {
        "METRICS" => return metrics(items, scope),
        "PERIOD" => return period(items, scope),
        _ => {}
    }
    let values: Vec<Val> = items.iter().map(|item| evaluate(item, scope)).collect::<Result<_, _>>()?;
    let values = values.as_slice();
    match (name, values) {
        ("IF", [_, _] | [_, _, _]) => condition(values),
        ("FILL", [what, with]) => fill(what, with, scope),
        ("TIME_SERIES", [Val::Number(n)]) => Ok(Val::Line(scope.grid.iter().map(|at| (*at, *n)).collect())),
        ("METRIC_COUNT", [Val::Lines(all)]) => Ok(Val::Number(all.len() as f64)),
        ("ABS" | "CEIL" | "FLOOR" | "LOG" | "LOG10", [value]) => map(value, &|n| {
            let n = match name {
                "ABS" => n.abs(),
                "CEIL" => n.ceil(),
                "FLOOR" => n.floor(),
                "LOG" => n.ln(),
                _ => n.log10(),
            };
            n.is_finite().then_some(n)
        }),
        ("DIFF" | "DIFF_TIME" | "RATE" | "RUNNING_SUM", [Val::Line(line)]) => {
            Ok(Val::Line(along(name, line)))
        }
        ("DIFF" | "DIFF_TIME" | "RATE" | "RUNNING_SUM", [Val::Lines(all)]) => {
            Ok(Val::Lines(all.iter().map(|line| along(name, line)).collect()))
        }
        ("FIRST" | "LAST", [Val::Lines(all)]) => {
            let one = if name == "FIRST" { all.first() } else { all.last() };
            Ok(Val::Line(one.cloned().unwrap_or_default()))
        }
        (
            "AVG" | "SUM" | "MIN" | "MAX" | "STDDEV" | "DATAPOINT_COUNT" | "FIRST" | "LAST",
            [Val::Line(line)],
        ) => {
            let all: Vec<f64> = line.values().copied().collect();
            let empty = if name == "DATAPOINT_COUNT" || name == "SUM" { Some(0.0) } else { None };
            let value = summary(name, &all).or(empty);
            Ok(number(value))
        }
        ("AVG" | "SUM" | "MIN" | "MAX" | "STDDEV" | "DATAPOINT_COUNT", [Val::Lines(all)]) => {
            Ok(Val::Line(across(name, all)))
        }
        _ => Err(format!("{name} does not take what it was given")),
    }
}

/// One number of several.
fn summary(name: &str, all: &[f64]) -> Option<f64> {
    let count = all.len() as f64;
    if all.is_empty() {
        return None;
    }
    let sum: f64 = all.iter().sum();
    match name {
        "SUM" => Some(sum),
        "AVG" => Some(sum / count),
        "MIN" => all.iter().copied().reduce(f64::min),
        "MAX" => all.iter().copied().reduce(f64::max),
        "FIRST" => all.first().copied(),
        "LAST" => all.last().copied(),
        "STDDEV" => {
            let mean = sum / count;
            Some((all.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / count).sqrt())
        }
        _ => Some(count),
    }
}

/// At each time the summary of the series that have a value then.
fn across(name: &str, all: &[Line]) -> Line {
    let mut times: Vec<i64> = all.iter().flat_map(|line| line.keys().copied()).collect();
    times.sort_unstable();
    times.dedup();
    let at_time = |at: i64| {
        let values: Vec<f64> = all.iter().filter_map(|line| line.get(&at).copied()).collect();
        Some((at, summary(name, &values)?))
    };
    times.into_iter().filter_map(at_time).collect()
}

fn map(value: &Val, change: &dyn Fn(f64) -> Option<f64>) -> Result<Val, String> {
    match value {
        Val::Number(n) => Ok(number(change(*n))),
        Val::Line(line) => Ok(Val::Line(each(line.clone(), change))),
        Val::Lines(all) => lines(all.iter().map(|line| map(&Val::Line(line.clone()), change))),
        Val::Text(_) => Err("a text cannot be calculated with".to_owned()),
    }
}

/// Functions that look at each value and the one before it.
fn along(name: &str, line: &Line) -> Line {
    if name == "RUNNING_SUM" {
        let mut sum = 0.0;
        return line
            .iter()
            .map(|(at, value)| {
                sum += value;
                (*at, sum)
            })
            .collect();
    }
    let pairs = line.iter().zip(line.iter().skip(1));
    pairs
        .map(|((before, old), (at, new))| {
            let seconds = (at - before) as f64;
            let value = match name {
                "DIFF" => new - old,
                "RATE" => (new - old) / seconds,
                _ => seconds,
            };
            (*at, value)
        })
        .collect()
}

/// `METRICS()` is every metric of the request, `METRICS("errors")` those whose id has the text in it.
fn metrics(items: &[Expr], scope: &Scope) -> Result<Val, String> {
    let part = match items {
        [] => "",
        [Expr::Text(part)] => part,
        _ => return Err("METRICS takes a text or nothing".to_owned()),
    };
    let known = scope.known.iter().filter(|known| known.metric && known.id.contains(part));
    lines(known.map(|known| Ok(known.value.clone())))
}

fn period(items: &[Expr], scope: &Scope) -> Result<Val, String> {
    let [Expr::Name(name)] = items else { return Err("PERIOD takes the id of a metric".to_owned()) };
    let known = scope.known.iter().find(|known| known.id == *name);
    known
        .map(|known| Val::Number(known.period as f64))
        .ok_or_else(|| format!("there is no metric with the id {name}"))
}

/// The value at a time; a number is the same at each.
fn at(value: &Val, time: i64) -> Option<f64> {
    match value {
        Val::Number(n) => Some(*n),
        Val::Line(line) => line.get(&time).copied(),
        _ => None,
    }
}

/// `IF(condition, then, else)`: where the condition has no value, or the chosen side has none, there is none.
fn condition(values: &[Val]) -> Result<Val, String> {
    if values.iter().any(|value| matches!(value, Val::Lines(_) | Val::Text(_))) {
        return Err("IF takes numbers and single time series".to_owned());
    }
    let choose = |time: i64| match at(&values[0], time)? {
        0.0 => at(values.get(2)?, time),
        _ => at(&values[1], time),
    };
    let lines: Vec<&Line> =
        values.iter().filter_map(|v| if let Val::Line(line) = v { Some(line) } else { None }).collect();
    if lines.is_empty() {
        return Ok(number(choose(0)));
    }
    let mut times: Vec<i64> = lines.iter().flat_map(|line| line.keys().copied()).collect();
    times.sort_unstable();
    times.dedup();
    Ok(Val::Line(times.into_iter().filter_map(|time| Some((time, choose(time)?))).collect()))
}

/// Puts values where there are none.
fn fill(what: &Val, with: &Val, scope: &Scope) -> Result<Val, String> {
    let line = match what {
        Val::Line(line) => line,
        Val::Lines(all) => return lines(all.iter().map(|one| fill(&Val::Line(one.clone()), with, scope))),
        _ => return Err("FILL takes time series".to_owned()),
    };
    let value = |time: i64| -> Option<f64> {
        let before = line.range(..time).next_back();
        match with {
            Val::Text(how) if how == "REPEAT" => before.map(|(_, value)| *value),
            Val::Text(_) => {
                let ((a, x), (b, y)) = (before?, line.range(time..).next()?);
                Some(x + (y - x) * (time - a) as f64 / (b - a) as f64)
            }
            other => at(other, time),
        }
    };
    if matches!(with, Val::Lines(_)) || matches!(with, Val::Text(how) if how != "REPEAT" && how != "LINEAR") {
        return Err("FILL fills with a number, a time series, REPEAT or LINEAR".to_owned());
    }
    let mut filled = line.clone();
    for time in &scope.grid {
        if !line.contains_key(time)
            && let Some(value) = value(*time)
        {
            filled.insert(*time, value);
        }
    }
    Ok(Val::Line(filled))
}
