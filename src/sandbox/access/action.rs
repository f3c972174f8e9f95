//! What a call needs to be allowed: its action by IAM's name, each resource that it names, and roles that it passes on.
//!
//! Source: Service Authorization Reference, the page of each service.

use serde_json::Value;

use crate::sandbox::{call::Caller, services::ssm::SECRETS, world::World};

use super::{Need, passing, resource};

/// IAM's name of a service, by the name that requests to it are signed for.
fn prefix(service: &str) -> &str {
    match service {
        "monitoring" => "cloudwatch",
        other => other,
    }
}

/// IAM's name of an operation, where it is another.
fn action<'a>(service: &str, operation: &'a str) -> &'a str {
    match (service, operation) {
        ("sqs", "SendMessageBatch") => "SendMessage",
        ("sqs", "DeleteMessageBatch") => "DeleteMessage",
        ("sqs", "ChangeMessageVisibilityBatch") => "ChangeMessageVisibility",
        (_, other) => other,
    }
}

/// All that a call needs.
pub(super) fn needs(
    world: &World,
    caller: &Caller,
    service: &str,
    operation: &str,
    input: &Value,
) -> Vec<Need> {
    // Whoever has a key may ask whose it is. Who may take a role is decided with its trust policy.
    if service == "sts" {
        return Vec::new();
    }
    let name = format!("{}:{}", prefix(service), action(service, operation));
    let shared = shared(service, operation, input);
    let resources = resource::named(world, caller, service, operation, input);
    let mut needs: Vec<Need> = resources
        .into_iter()
        .map(|resource| Need { action: name.clone(), resource, more: shared.clone() })
        .collect();
    // What is made with tags is tagged, too.
    if let Some(tagging) = tagging(service, operation).filter(|_| !tags(input).is_empty()) {
        let tagged: Vec<Need> =
            needs.iter().map(|need| Need { action: tagging.to_owned(), ..need.clone() }).collect();
        needs.extend(tagged);
    }
    // A secret may be asked for as a parameter.
    if service == "ssm" && operation.starts_with("GetParameter") {
        let names = resource::texts(input, &["Name", "Names"]).into_iter();
        let ids: Vec<&str> = names.filter_map(|name| name.strip_prefix(SECRETS)).collect();
        let secrets = resource::secrets(world, caller, &ids.into());
        needs.extend(secrets.into_iter().map(|arn| Need::new("secretsmanager:GetSecretValue", arn)));
    }
    // Whether each secret may be read is asked as it is, and those that may not are told as errors of their own.
    if (service, operation) == ("secretsmanager", "BatchGetSecretValue") && !input["Filters"].is_null() {
        needs.push(Need::new("secretsmanager:ListSecrets", "*"));
    }
    let passed = passing::passed(service, operation, input).into_iter();
    needs.extend(
        passed.map(|passed| {
            Need::new("iam:PassRole", passed.role).with("iam:PassedToService", Some(passed.to))
        }),
    );
    needs
}

/// The action of tagging what an operation makes, where there is one.
fn tagging(service: &str, operation: &str) -> Option<&'static str> {
    Some(match (service, operation) {
        ("apprunner", _) if operation.starts_with("Create") => "apprunner:TagResource",
        ("dynamodb", "CreateTable") => "dynamodb:TagResource",
        ("ecr", "CreateRepository") => "ecr:TagResource",
        ("iam", "CreateRole") => "iam:TagRole",
        ("iam", "CreatePolicy") => "iam:TagPolicy",
        ("iam", "CreateOpenIDConnectProvider") => "iam:TagOpenIDConnectProvider",
        ("logs", "CreateLogGroup") => "logs:TagResource",
        ("monitoring", "PutMetricAlarm" | "PutCompositeAlarm") => "cloudwatch:TagResource",
        ("secretsmanager", "CreateSecret") => "secretsmanager:TagResource",
        ("sqs", "CreateQueue") => "sqs:TagQueue",
        ("ssm", "PutParameter") => "ssm:AddTagsToResource",
        _ => return None,
    })
}

/// Condition keys that a request itself has.
fn shared(service: &str, operation: &str, input: &Value) -> Vec<(String, Vec<String>)> {
    let mut more = Vec::new();
    let mut keys = Vec::new();
    for (key, value) in tags(input) {
        more.push((format!("aws:RequestTag/{key}"), vec![value]));
        keys.push(key);
    }
    for name in ["TagKeys", "tagKeys"] {
        keys.extend(
            input[name].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned),
        );
    }
    if !keys.is_empty() {
        more.push(("aws:TagKeys".to_owned(), keys));
    }
    let own: &[(&str, &str)] = match (service, operation) {
        ("iam", "AttachRolePolicy" | "DetachRolePolicy") => &[("iam:PolicyARN", "PolicyArn")],
        ("iam", "CreateRole" | "PutRolePermissionsBoundary") => {
            &[("iam:PermissionsBoundary", "PermissionsBoundary")]
        }
        ("iam", "CreateServiceLinkedRole") => &[("iam:AWSServiceName", "AWSServiceName")],
        ("monitoring", "PutMetricData") => &[("cloudwatch:namespace", "Namespace")],
        ("secretsmanager", "CreateSecret") => &[("secretsmanager:Name", "Name")],
        ("secretsmanager", _) => {
            &[("secretsmanager:SecretId", "SecretId"), ("secretsmanager:VersionStage", "VersionStage")]
        }
        ("cloudformation", _) => &[
            ("cloudformation:RoleARN", "RoleARN"),
            ("cloudformation:TemplateUrl", "TemplateURL"),
            ("cloudformation:ChangeSetName", "ChangeSetName"),
        ],
        _ => &[],
    };
    let own = own.iter().filter_map(|(key, member)| Some((*key, input[*member].as_str()?)));
    more.extend(own.map(|(key, value)| (key.to_owned(), vec![value.to_owned()])));
    more
}

/// Tags of a request: a map, or a list of keys and values.
fn tags(input: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for name in ["Tags", "tags"] {
        match &input[name] {
            Value::Object(map) => found.extend(
                map.iter().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))),
            ),
            Value::Array(list) => found.extend(list.iter().filter_map(|tag| {
                let text = |one: &str, other: &str| {
                    tag[one].as_str().or_else(|| tag[other].as_str()).map(str::to_owned)
                };
                Some((text("Key", "key")?, text("Value", "value").unwrap_or_default()))
            })),
            _ => {}
        }
    }
    found
}
