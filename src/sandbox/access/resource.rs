//! The resources that a call names, as ARNs; `*` where an action has none.
//!
//! Source: Service Authorization Reference, "Resource types" of each service.

use serde_json::Value;

use crate::sandbox::{call::Caller, world::World};

use super::rds;

fn any() -> Vec<String> {
    vec!["*".to_owned()]
}

/// The texts of a member: one, or a list of some.
pub(super) fn texts<'a>(input: &'a Value, members: &[&str]) -> Vec<&'a str> {
    let of = |value: &'a Value| match value {
        Value::String(text) => vec![text.as_str()],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    members.iter().flat_map(|member| of(&input[*member])).filter(|text| !text.is_empty()).collect()
}

/// The members' texts as ARNs; what is one already stays.
pub(super) fn arns(input: &Value, members: &[&str], arn: impl Fn(&str) -> String) -> Vec<String> {
    let of = |text: &str| if text.starts_with("arn:") { text.to_owned() } else { arn(text) };
    texts(input, members).into_iter().map(of).collect()
}

fn or_any(found: Vec<String>) -> Vec<String> {
    if found.is_empty() { any() } else { found }
}

pub(super) fn named(
    world: &World,
    caller: &Caller,
    service: &str,
    operation: &str,
    input: &Value,
) -> Vec<String> {
    let (region, account) = (&caller.region, &caller.account);
    let at = |service: &str, rest: &str| format!("arn:aws:{service}:{region}:{account}:{rest}");
    match service {
        "apprunner" => or_any(apprunner(operation, input, at)),
        "cloudformation" => {
            let name = |name: &str| at("cloudformation", &format!("stack/{name}/*"));
            or_any(arns(input, &["StackName"], name))
        }
        "codebuild" => or_any(arns(input, &["name", "projectName", "names", "ids", "id"], |name| {
            // A build's id is its project's name and its own.
            at("codebuild", &format!("project/{}", name.split(':').next().unwrap_or(name)))
        })),
        "dynamodb" => or_any(
            arns(input, &["TableName"], |name| at("dynamodb", &format!("table/{name}")))
                .into_iter()
                .map(|table| match input["IndexName"].as_str() {
                    Some(index) => format!("{table}/index/{index}"),
                    None => table,
                })
                .collect(),
        ),
        "ecr" => {
            let repository = |name: &str| at("ecr", &format!("repository/{name}"));
            let found = arns(input, &["repositoryName", "repositoryNames", "resourceArn"], repository);
            match operation {
                // All of them.
                "DescribeRepositories" if found.is_empty() => vec![repository("*")],
                _ => or_any(found),
            }
        }
        "iam" => or_any(iam(world, account, operation, input)),
        "logs" => logs(operation, input, at),
        "rds" => or_any(rds::named(operation, input, |rest| at("rds", rest))),
        "monitoring" => or_any(cloudwatch(caller, operation, input, at)),
        "secretsmanager" => or_any(secrets_of(world, caller, operation, input)),
        "sqs" => or_any(arns(input, &["QueueUrl", "QueueName", "SourceArn"], |name| {
            at("sqs", name.rsplit('/').next().unwrap_or(name))
        })),
        "ssm" => ssm(input, at),
        _ => any(),
    }
}

fn apprunner(operation: &str, input: &Value, at: impl Fn(&str, &str) -> String) -> Vec<String> {
    // What is made has a name, and no id yet.
    let new = |member: &str, kind: &str| {
        let name = input[member].as_str().unwrap_or_default();
        vec![at("apprunner", &format!("{kind}/{name}/*"))]
    };
    match operation {
        "CreateService" => new("ServiceName", "service"),
        "CreateAutoScalingConfiguration" => new("AutoScalingConfigurationName", "autoscalingconfiguration"),
        "CreateObservabilityConfiguration" => {
            new("ObservabilityConfigurationName", "observabilityconfiguration")
        }
        "CreateVpcConnector" => new("VpcConnectorName", "vpcconnector"),
        _ => {
            const MEMBERS: [&str; 5] = [
                "ServiceArn",
                "AutoScalingConfigurationArn",
                "ObservabilityConfigurationArn",
                "VpcConnectorArn",
                "ResourceArn",
            ];
            arns(input, &MEMBERS, str::to_owned)
        }
    }
}

fn iam(world: &World, account: &str, operation: &str, input: &Value) -> Vec<String> {
    let own = |kind: &str, path: &str, name: &str| format!("arn:aws:iam::{account}:{kind}{path}{name}");
    let path = input["Path"].as_str().unwrap_or("/");
    if let Some(name) = input["RoleName"].as_str() {
        let known = world.iam.role_arn(name).filter(|_| operation != "CreateRole");
        return vec![known.unwrap_or_else(|| own("role", path, name))];
    }
    if let Some(service) = input["AWSServiceName"].as_str() {
        return vec![own("role", "/aws-service-role/", &format!("{service}/*"))];
    }
    match operation {
        "CreatePolicy" => arns(input, &["PolicyName"], |name| own("policy", path, name)),
        "CreateOpenIDConnectProvider" => {
            let host = |url: &str| url.trim_start_matches("https://").trim_end_matches('/').to_owned();
            arns(input, &["Url"], |url| own("oidc-provider", "/", &host(url)))
        }
        _ => arns(input, &["PolicyArn", "OpenIDConnectProviderArn", "PolicySourceArn"], str::to_owned),
    }
}

/// A log group is looked at as its streams are, as `arn:...:log-group:NAME:log-stream:STREAM`.
fn logs(operation: &str, input: &Value, at: impl Fn(&str, &str) -> String) -> Vec<String> {
    let stream = input["logStreamName"].as_str().unwrap_or_default();
    let group = |name: &str| at("logs", &format!("log-group:{name}:log-stream:{stream}"));
    let whole = |arn: String| match arn.strip_suffix(":*") {
        Some(start) => format!("{start}:log-stream:{stream}"),
        None => arn,
    };
    if operation.ends_with("Resource") {
        return or_any(arns(input, &["resourceArn"], str::to_owned));
    }
    let found = arns(input, &["logGroupName", "logGroupIdentifier", "logGroupIdentifiers"], group);
    match found.is_empty() {
        true => vec![group("")],
        false => found.into_iter().map(whole).collect(),
    }
}

fn cloudwatch(
    caller: &Caller,
    operation: &str,
    input: &Value,
    at: impl Fn(&str, &str) -> String,
) -> Vec<String> {
    let alarm = |name: &str| at("cloudwatch", &format!("alarm:{name}"));
    match operation {
        "DescribeAlarms" => {
            let found = arns(input, &["AlarmNames"], alarm);
            if found.is_empty() { vec![alarm("*")] } else { found }
        }
        _ if operation.contains("Dashboard") => arns(input, &["DashboardName", "DashboardNames"], |name| {
            format!("arn:aws:cloudwatch::{}:dashboard/{name}", caller.account)
        }),
        _ => arns(input, &["AlarmName", "AlarmNames", "ResourceARN"], alarm),
    }
}

fn secrets_of(world: &World, caller: &Caller, operation: &str, input: &Value) -> Vec<String> {
    match operation {
        // It has no random letters yet.
        "CreateSecret" => arns(input, &["Name"], |name| {
            format!("arn:aws:secretsmanager:{}:{}:secret:{name}", caller.region, caller.account)
        }),
        "BatchGetSecretValue" => Vec::new(),
        _ => secrets(world, caller, &input["SecretId"]),
    }
}

/// Secrets by whatever they may be called by: a name's ARN ends in letters that only the secret itself has.
pub(super) fn secrets(world: &World, caller: &Caller, ids: &Value) -> Vec<String> {
    let of = |id: &str| {
        world.secretsmanager.arn(id).unwrap_or_else(|| match id.starts_with("arn:") {
            true => id.to_owned(),
            false => format!("arn:aws:secretsmanager:{}:{}:secret:{id}", caller.region, caller.account),
        })
    };
    let ids: Vec<&str> = match ids {
        Value::String(id) => vec![id],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    ids.into_iter().map(of).collect()
}

fn ssm(input: &Value, at: impl Fn(&str, &str) -> String) -> Vec<String> {
    let parameter = |name: &str| {
        // What follows a colon is a version or a label.
        let name = name.split(':').next().unwrap_or(name);
        let name = name.trim_start_matches('/').trim_end_matches('/');
        at("ssm", &format!("parameter/{name}"))
    };
    let found = arns(input, &["Name", "Names", "Path", "ResourceId"], parameter);
    if found.is_empty() { vec![at("ssm", "*")] } else { found }
}
