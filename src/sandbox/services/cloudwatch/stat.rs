//! Names: of statistics, of units, of metrics.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::sandbox::call::ServiceError;

use super::input::{self, invalid};

/// Units there are. Source: CloudWatch API reference, `MetricDatum`.
const UNITS: &str = "|Seconds|Microseconds|Milliseconds|Bytes|Kilobytes|Megabytes|Gigabytes|Terabytes|Bits|Kilobits|Megabits|\
Gigabits|Terabits|Percent|Count|Bytes/Second|Kilobytes/Second|Megabytes/Second|Gigabytes/Second|Terabytes/Second|Bits/Second|\
Kilobits/Second|Megabits/Second|Gigabits/Second|Terabits/Second|Count/Second|None|";

/// Most dimensions of a metric. Source: CloudWatch API reference, `MetricDatum`.
const DIMENSIONS: usize = 30;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Stat {
    SampleCount,
    Sum,
    Average,
    Minimum,
    Maximum,
    Percentile(f64),
}

impl Stat {
    /// Reads a name: a statistic, or a percentile as `p99.9`, of up to ten decimal places.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "SampleCount" => Self::SampleCount,
            "Sum" => Self::Sum,
            "Average" => Self::Average,
            "Minimum" => Self::Minimum,
            "Maximum" => Self::Maximum,
            _ => {
                let digits = name.strip_prefix('p')?;
                if !digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') || digits.len() > 14 {
                    return None;
                }
                Self::Percentile(digits.parse().ok().filter(|p| (0.0..=100.0).contains(p))?)
            }
        })
    }

    /// The same, or the error for a name that is none. Trimmed means and the like are not in the sandbox.
    ///
    /// # Errors
    /// For such a name.
    pub fn required(name: &str) -> Result<Self, ServiceError> {
        Self::of(name).ok_or_else(|| {
            invalid(format!(
                "The statistic {name} is not in the sandbox, which has SampleCount, Sum, Average, Minimum, Maximum and percentiles."
            ))
        })
    }
}

/// A unit that is one.
///
/// # Errors
/// For any other text.
pub(super) fn unit(of: &Value) -> Result<Option<String>, ServiceError> {
    match input::text(of, "Unit") {
        None => Ok(None),
        Some(unit) if !unit.contains('|') && UNITS.contains(&format!("|{unit}|")) => {
            Ok(Some(unit.to_owned()))
        }
        Some(unit) => Err(invalid(format!("The parameter Unit must be a known unit, not {unit}."))),
    }
}

/// Which metric: two are the same where all of it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Metric {
    pub namespace: String,
    pub name: String,
    /// In the order of their names, which does not tell metrics apart.
    pub dimensions: Vec<(String, String)>,
}

impl Metric {
    pub fn new(namespace: &str, name: &str, dimensions: &[(&str, &str)]) -> Self {
        let mut dimensions: Vec<_> =
            dimensions.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        dimensions.sort();
        Self { namespace: namespace.to_owned(), name: name.to_owned(), dimensions }
    }

    /// Reads `MetricName` and `Dimensions`.
    ///
    /// # Errors
    /// For names that are too long, and dimensions that are twice there or too many.
    pub fn of(namespace: &str, of: &Value) -> Result<Self, ServiceError> {
        let name = input::required(of, "MetricName")?;
        if namespace.len() > 255 || name.len() > 255 || namespace.starts_with(':') {
            return Err(invalid(
                "Namespace and MetricName have at most 255 characters; Namespace does not begin with a colon.",
            ));
        }
        let mut dimensions = Vec::new();
        for one in input::list(of, "Dimensions") {
            let (name, value) = (input::required(one, "Name")?, input::required(one, "Value")?);
            if name.len() > 255 || value.len() > 1024 || name.starts_with(':') {
                return Err(invalid(
                    "A dimension has a name of at most 255 and a value of at most 1024 characters.",
                ));
            }
            dimensions.push((name.to_owned(), value.to_owned()));
        }
        dimensions.sort();
        if dimensions.len() > DIMENSIONS || dimensions.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(invalid(format!("A metric has at most {DIMENSIONS} dimensions, each once.")));
        }
        Ok(Self { namespace: namespace.to_owned(), name: name.to_owned(), dimensions })
    }

    /// In the wire's shape.
    pub fn shown(&self) -> Value {
        let dimensions: Vec<Value> =
            self.dimensions.iter().map(|(name, value)| json!({ "Name": name, "Value": value })).collect();
        json!({ "Namespace": self.namespace, "MetricName": self.name, "Dimensions": dimensions })
    }
}
