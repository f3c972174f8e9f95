//! `GetMetricData`.

use serde_json::{Value, json};

use crate::sandbox::call::{Answer, ServiceError};

use super::{
    CloudWatch,
    input::{self, missing, validation},
    query,
    store::Window,
};

/// Most data points of one answer. Source: CloudWatch API reference, `GetMetricData`.
const POINTS: i64 = 100_800;

/// Answers it, a page at a time: a token says how many data points were told before.
pub(super) fn get(state: &CloudWatch, input: &Value) -> Answer {
    let queries = query::all(input::list(input, "MetricDataQueries"))?;
    let start = input::time(input, "StartTime")?.ok_or_else(|| missing("StartTime"))?;
    let end = input::time(input, "EndTime")?.ok_or_else(|| missing("EndTime"))?;
    if start >= end {
        return Err(validation("The parameter StartTime must be less than the parameter EndTime."));
    }
    let ascending = match input::text(input, "ScanBy") {
        None | Some("TimestampDescending") => false,
        Some("TimestampAscending") => true,
        Some(other) => return Err(validation(format!("ScanBy cannot be {other}"))),
    };
    if let Some(zone) = input::text(&input["LabelOptions"], "Timezone") {
        // It says in which zone the times of dynamic labels are, which are refused.
        let digits = zone.strip_prefix(['+', '-']).unwrap_or_default();
        if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(validation("LabelOptions.Timezone must be like +0100"));
        }
    }
    let size = match input::integer(input, "MaxDatapoints")? {
        None => POINTS,
        Some(size) if (1..=POINTS).contains(&size) => size,
        Some(_) => return Err(validation(format!("MaxDatapoints must be from 1 to {POINTS}"))),
    } as usize;
    let told = match input::text(input, "NextToken") {
        None => 0,
        Some(token) => {
            token.strip_prefix("points-").and_then(|n| n.parse::<usize>().ok()).ok_or_else(|| {
                ServiceError::client("InvalidNextToken", "The next token specified is invalid.")
            })?
        }
    };
    let found = query::run(&state.store(), &queries, &|period| Window::aligned(period, start, end))?;
    let (mut skip, mut left) = (told, size);
    let mut results = Vec::new();
    let mut more = false;
    for one in found {
        let mut points: Vec<(i64, f64)> = one.line.into_iter().collect();
        if !ascending {
            points.reverse();
        }
        let all = points.len();
        let (mut times, mut values) = (Vec::new(), Vec::new());
        for (at, value) in points.into_iter().skip(skip).take(left) {
            times.push(at as f64);
            values.push(value);
        }
        let here = all.saturating_sub(skip);
        let partial = here > left;
        skip = skip.saturating_sub(all);
        left -= times.len();
        more |= partial;
        results.push(json!({
            "Id": one.id,
            "Label": one.label,
            "Timestamps": times,
            "Values": values,
            "StatusCode": if partial { "PartialData" } else { "Complete" },
        }));
    }
    let mut answer = json!({ "MetricDataResults": results, "Messages": [] });
    if more {
        answer["NextToken"] = json!(format!("points-{}", told + size));
    }
    Ok(answer)
}
