//! What the shareable configurations of App Runner are made of, and how each kind is shown.

use serde_json::{Map, Value, json};

use crate::sandbox::call::ServiceError;

/// What an operation was given, and what is made of it.
type Members = Map<String, Value>;

/// A kind of configuration: named, immutable, in revisions.
pub(super) struct Family {
    /// Beginning of its members' names, as `AutoScalingConfiguration` in `AutoScalingConfigurationArn`; its wrapper in answers, too.
    pub what: &'static str,
    /// What its ARNs say.
    pub arn: &'static str,
    /// Member of a listing.
    pub list: &'static str,
    /// Most names, and most revisions of a name. Source: App Runner developer guide, the page of each kind.
    pub names: usize,
    pub revisions: usize,
    /// Members that only the long form has.
    pub long: &'static [&'static str],
    /// Members of its own, checked and filled in.
    pub members: fn(&Members) -> Result<Members, ServiceError>,
}

/// Every kind that the sandbox has.
pub(super) static FAMILIES: [Family; 3] = [
    Family {
        what: "AutoScalingConfiguration",
        arn: "autoscalingconfiguration",
        list: "AutoScalingConfigurationSummaryList",
        names: 10,
        revisions: 5,
        long: &["MaxConcurrency", "MinSize", "MaxSize", "Latest", "DeletedAt"],
        members: autoscaling,
    },
    Family {
        what: "ObservabilityConfiguration",
        arn: "observabilityconfiguration",
        list: "ObservabilityConfigurationSummaryList",
        names: 10,
        revisions: 10,
        long: &["TraceConfiguration", "Latest", "Status", "CreatedAt", "DeletedAt"],
        members: observability,
    },
    Family {
        what: "VpcConnector",
        arn: "vpcconnector",
        list: "VpcConnectors",
        names: 10,
        revisions: 1,
        long: &["Latest"],
        members: connector,
    },
];

pub(super) fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidRequestException", message)
}

fn number(
    input: &Members,
    key: &str,
    default: i64,
    range: std::ops::RangeInclusive<i64>,
) -> Result<Value, ServiceError> {
    let value = input.get(key).and_then(Value::as_i64).unwrap_or(default);
    if range.contains(&value) {
        Ok(json!(value))
    } else {
        Err(invalid(format!("{key} must be between {} and {}", range.start(), range.end())))
    }
}

/// Bounds. Source: App Runner API reference, CreateAutoScalingConfiguration.
fn autoscaling(input: &Members) -> Result<Members, ServiceError> {
    let max = number(input, "MaxSize", 25, 1..=25)?;
    let min = number(input, "MinSize", 1, 1..=max.as_i64().unwrap_or(1))?;
    Ok(Map::from_iter([
        ("MaxConcurrency".to_owned(), number(input, "MaxConcurrency", 100, 1..=200)?),
        ("MinSize".to_owned(), min),
        ("MaxSize".to_owned(), max),
        ("IsDefault".to_owned(), json!(false)),
    ]))
}

fn observability(input: &Members) -> Result<Members, ServiceError> {
    let Some(trace) = input.get("TraceConfiguration") else { return Ok(Map::new()) };
    if trace["Vendor"] != "AWSXRAY" {
        return Err(invalid("TraceConfiguration.Vendor must be AWSXRAY"));
    }
    Ok(Map::from_iter([("TraceConfiguration".to_owned(), trace.clone())]))
}

/// There is no network here: subnets and groups are kept as they are named.
fn connector(input: &Members) -> Result<Members, ServiceError> {
    let texts = |key: &str, prefix: &str| {
        let list = input.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        let good = list.iter().all(|one| one.as_str().is_some_and(|text| text.starts_with(prefix)));
        good.then_some(list).ok_or_else(|| invalid(format!("{key} must be ids that begin with {prefix}")))
    };
    let (subnets, groups) = (texts("Subnets", "subnet-")?, texts("SecurityGroups", "sg-")?);
    if subnets.is_empty() {
        return Err(invalid("Subnets must name at least one subnet"));
    }
    Ok(Map::from_iter([("Subnets".to_owned(), json!(subnets)), ("SecurityGroups".to_owned(), json!(groups))]))
}

impl Family {
    /// The kind that an operation is about, and what it does with it.
    pub fn of(operation: &str) -> Option<(&'static Self, &'static str)> {
        ["Create", "Describe", "List", "Delete"].into_iter().find_map(|verb| {
            let what = operation.strip_prefix(verb)?;
            let what = if verb == "List" { what.strip_suffix('s')? } else { what };
            FAMILIES.iter().find(|family| family.what == what).map(|family| (family, verb))
        })
    }

    /// The name of one of its members.
    pub fn member(&self, name: &str) -> String {
        format!("{}{name}", self.what)
    }

    /// The form in a listing.
    pub fn summary(&self, configuration: &Value) -> Value {
        let mut summary = configuration.clone();
        if let Some(map) = summary.as_object_mut() {
            map.retain(|key, _| !self.long.contains(&key.as_str()));
        }
        summary
    }
}

/// Name of the autoscaling configuration that every account has.
pub(super) const DEFAULT: &str = "DefaultConfiguration";

/// That configuration. Its values: App Runner API reference, CreateAutoScalingConfiguration.
pub(super) fn default_configuration(account: &str, region: &str) -> Value {
    json!({
        "AutoScalingConfigurationArn": format!("arn:aws:apprunner:{region}:{account}:autoscalingconfiguration/{DEFAULT}/1/00000000000000000000000000000001"),
        "AutoScalingConfigurationName": DEFAULT,
        "AutoScalingConfigurationRevision": 1,
        "Latest": true,
        "Status": "ACTIVE",
        "MaxConcurrency": 100,
        "MinSize": 1,
        "MaxSize": 25,
        "HasAssociatedService": true,
        "IsDefault": true,
    })
}
