//! What calls need, and what sessions of roles may do, in a world of its own.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::sandbox::{
    server,
    testing::{self, ACCOUNT},
    world::World,
};

struct Place {
    world: Arc<World>,
    own: Caller,
    _dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("dir");
        let world = testing::world(dir.path());
        Self { own: world.own_caller(), world, _dir: dir }
    }

    async fn call(&self, service: &str, operation: &str, input: Value) -> Value {
        let answer = server::call(&self.world, service, operation, input, &self.own).await;
        answer.unwrap_or_else(|error| panic!("{operation}: {error}"))
    }

    /// A role with one inline policy.
    async fn role(&self, name: &str, trusted: Value, statement: Value) {
        let trust =
            json!({ "Statement": { "Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole" } });
        let input = json!({ "RoleName": name, "AssumeRolePolicyDocument": trust.to_string() });
        self.call("iam", "CreateRole", input).await;
        let document = json!({ "Version": "2012-10-17", "Statement": statement }).to_string();
        let input = json!({ "RoleName": name, "PolicyName": "own", "PolicyDocument": document });
        self.call("iam", "PutRolePolicy", input).await;
    }

    async fn assume(&self, by: &Caller, role: &str, more: Value) -> Result<Caller, ServiceError> {
        let mut input = json!({ "RoleArn": arn(role), "RoleSessionName": "ci" });
        input.as_object_mut().expect("a map").extend(more.as_object().cloned().unwrap_or_default());
        let made = server::call(&self.world, "sts", "AssumeRole", input, by).await?;
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        Ok(Caller {
            access_key_id: text(&made["Credentials"]["AccessKeyId"]),
            arn: text(&made["AssumedRoleUser"]["Arn"]),
            user_id: text(&made["AssumedRoleUser"]["AssumedRoleId"]),
            ..by.clone()
        })
    }

    fn may(&self, caller: &Caller, service: &str, operation: &str, input: Value) -> Result<(), String> {
        permit(&self.world, caller, service, operation, &input).map_err(|error| error.message)
    }
}

fn arn(role: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{role}")
}

fn root() -> Value {
    json!({ "AWS": format!("arn:aws:iam::{ACCOUNT}:root") })
}

#[test]
fn calls_need_the_actions_and_resources_that_iam_knows() {
    let place = Place::new();
    for (service, operation, input, expected) in [
        ("sts", "GetCallerIdentity", json!({}), vec![]),
        ("monitoring", "GetMetricData", json!({}), vec!["cloudwatch:GetMetricData *"]),
        (
            "monitoring",
            "PutMetricAlarm",
            json!({ "AlarmName": "a" }),
            vec!["cloudwatch:PutMetricAlarm arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a"],
        ),
        ("ecr", "GetAuthorizationToken", json!({}), vec!["ecr:GetAuthorizationToken *"]),
        (
            "ecr",
            "DescribeRepositories",
            json!({ "repositoryNames": ["a", "b/c"] }),
            vec![
                "ecr:DescribeRepositories arn:aws:ecr:eu-west-1:123456789012:repository/a",
                "ecr:DescribeRepositories arn:aws:ecr:eu-west-1:123456789012:repository/b/c",
            ],
        ),
        ("rds", "DescribeDBEngineVersions", json!({}), vec!["rds:DescribeDBEngineVersions *"]),
        (
            "rds",
            "DescribeDBSnapshots",
            json!({}),
            vec!["rds:DescribeDBSnapshots arn:aws:rds:eu-west-1:123456789012:snapshot:*"],
        ),
        (
            "rds",
            "StopDBInstance",
            json!({ "DBInstanceIdentifier": "Main", "DBSnapshotIdentifier": "last" }),
            vec!["rds:StopDBInstance arn:aws:rds:eu-west-1:123456789012:db:main"],
        ),
        (
            "rds",
            "CreateDBInstance",
            json!({ "DBInstanceIdentifier": "main", "DBSubnetGroupName": "two", "EngineVersion": "17.4" }),
            vec![
                "rds:CreateDBInstance arn:aws:rds:eu-west-1:123456789012:db:main",
                "rds:CreateDBInstance arn:aws:rds:eu-west-1:123456789012:og:default:postgres-17",
                "rds:CreateDBInstance arn:aws:rds:eu-west-1:123456789012:pg:default.postgres17",
                "rds:CreateDBInstance arn:aws:rds:eu-west-1:123456789012:subgrp:two",
            ],
        ),
        (
            "rds",
            "CopyDBSnapshot",
            json!({
                "SourceDBSnapshotIdentifier": "arn:aws:rds:eu-west-1:123456789012:snapshot:one",
                "TargetDBSnapshotIdentifier": "two",
            }),
            vec![
                "rds:CopyDBSnapshot arn:aws:rds:eu-west-1:123456789012:snapshot:one",
                "rds:CopyDBSnapshot arn:aws:rds:eu-west-1:123456789012:snapshot:two",
            ],
        ),
        (
            "sqs",
            "SendMessageBatch",
            json!({ "QueueUrl": "http://x/123456789012/jobs" }),
            vec!["sqs:SendMessage arn:aws:sqs:eu-west-1:123456789012:jobs"],
        ),
        (
            "ssm",
            "GetParameters",
            json!({ "Names": ["/a/b:3", "c"] }),
            vec![
                "ssm:GetParameters arn:aws:ssm:eu-west-1:123456789012:parameter/a/b",
                "ssm:GetParameters arn:aws:ssm:eu-west-1:123456789012:parameter/c",
            ],
        ),
        (
            "logs",
            "PutLogEvents",
            json!({ "logGroupName": "g", "logStreamName": "s" }),
            vec!["logs:PutLogEvents arn:aws:logs:eu-west-1:123456789012:log-group:g:log-stream:s"],
        ),
        (
            "dynamodb",
            "Query",
            json!({ "TableName": "t", "IndexName": "i" }),
            vec!["dynamodb:Query arn:aws:dynamodb:eu-west-1:123456789012:table/t/index/i"],
        ),
        (
            "codebuild",
            "StopBuild",
            json!({ "id": "p:1" }),
            vec!["codebuild:StopBuild arn:aws:codebuild:eu-west-1:123456789012:project/p"],
        ),
        (
            "codebuild",
            "CreateProject",
            json!({ "name": "p", "serviceRole": "arn:aws:iam::123456789012:role/b" }),
            vec![
                "codebuild:CreateProject arn:aws:codebuild:eu-west-1:123456789012:project/p",
                "iam:PassRole arn:aws:iam::123456789012:role/b",
            ],
        ),
        (
            "apprunner",
            "CreateService",
            json!({ "ServiceName": "s", "InstanceConfiguration": { "InstanceRoleArn": "arn:aws:iam::123456789012:role/i" } }),
            vec![
                "apprunner:CreateService arn:aws:apprunner:eu-west-1:123456789012:service/s/*",
                "iam:PassRole arn:aws:iam::123456789012:role/i",
            ],
        ),
        (
            "cloudformation",
            "DescribeStacks",
            json!({ "StackName": "s" }),
            vec!["cloudformation:DescribeStacks arn:aws:cloudformation:eu-west-1:123456789012:stack/s/*"],
        ),
        (
            "iam",
            "CreateRole",
            json!({ "RoleName": "r", "Path": "/p/" }),
            vec!["iam:CreateRole arn:aws:iam::123456789012:role/p/r"],
        ),
        (
            "ecr",
            "CreateRepository",
            json!({ "repositoryName": "a", "tags": [{ "Key": "team", "Value": "b" }] }),
            vec![
                "ecr:CreateRepository arn:aws:ecr:eu-west-1:123456789012:repository/a",
                "ecr:TagResource arn:aws:ecr:eu-west-1:123456789012:repository/a",
            ],
        ),
    ] {
        let needs = action::needs(&place.world, &place.own, service, operation, &input);
        let needs: Vec<String> =
            needs.iter().map(|need| format!("{} {}", need.action, need.resource)).collect();
        assert_eq!(needs, expected, "{service} {operation}");
    }
}

#[tokio::test]
async fn a_session_may_do_what_its_role_allows_and_nothing_else() {
    let place = Place::new();
    let jobs = json!({ "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:*:*:jobs" });
    place.role("sender", root(), json!([jobs])).await;
    let session = place.assume(&place.own, "sender", json!({})).await.expect("is trusted");
    let to = |queue: &str| json!({ "QueueUrl": format!("http://x/{ACCOUNT}/{queue}") });
    assert_eq!(place.may(&session, "sqs", "SendMessage", to("jobs")), Ok(()));
    assert_eq!(place.may(&place.own, "sqs", "SendMessage", to("other")), Ok(()));
    let refused = place.may(&session, "sqs", "SendMessage", to("other"));
    assert_eq!(
        refused.err().as_deref(),
        Some(
            "User: arn:aws:sts::123456789012:assumed-role/sender/ci is not authorized to perform: sqs:sendmessage on resource: arn:aws:sqs:eu-west-1:123456789012:other because no identity-based policy allows the sqs:sendmessage action"
        )
    );
    // A policy of the session only takes away, a boundary too; who is gone may nothing.
    let nothing = json!({ "Statement": { "Effect": "Deny", "Action": "*", "Resource": "*" } }).to_string();
    let less = place.assume(&place.own, "sender", json!({ "Policy": nothing })).await.expect("is trusted");
    let refused = place.may(&less, "sqs", "SendMessage", to("jobs")).expect_err("is refused");
    assert!(refused.ends_with("with an explicit deny in a session policy"), "{refused}");
    let boundary = "arn:aws:iam::aws:policy/AmazonS3FullAccess";
    let input = json!({ "RoleName": "sender", "PermissionsBoundary": boundary });
    place.call("iam", "PutRolePermissionsBoundary", input).await;
    let refused = place.may(&session, "sqs", "SendMessage", to("jobs")).expect_err("is refused");
    assert!(refused.contains("because no permissions boundary allows"), "{refused}");
    place.call("iam", "DeleteRolePermissionsBoundary", json!({ "RoleName": "sender" })).await;
    assert_eq!(place.may(&session, "sqs", "SendMessage", to("jobs")), Ok(()));
    place.call("iam", "DeleteRolePolicy", json!({ "RoleName": "sender", "PolicyName": "own" })).await;
    place.call("iam", "DeleteRole", json!({ "RoleName": "sender" })).await;
    place.role("sender", root(), json!([jobs])).await;
    assert!(place.may(&session, "sqs", "SendMessage", to("jobs")).is_err(), "another role of its name");
}

#[tokio::test]
async fn a_role_is_taken_by_whom_it_trusts() {
    let place = Place::new();
    let may_take = json!([{ "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn("account") }]);
    place.role("first", root(), may_take).await;
    let nothing = json!([{ "Effect": "Deny", "Action": "s3:*", "Resource": "*" }]);
    place.role("account", root(), nothing.clone()).await;
    place.role("other", root(), nothing.clone()).await;
    place.role("named", json!({ "AWS": arn("first") }), nothing.clone()).await;
    place.role("service", json!({ "Service": "tasks.apprunner.amazonaws.com" }), nothing).await;
    let first = place.assume(&place.own, "first", json!({})).await.expect("is trusted");
    place.assume(&first, "account", json!({})).await.expect("its policy allows it");
    place.assume(&first, "named", json!({})).await.expect("is named itself");
    let code = |result: Result<Caller, ServiceError>| result.map(|_| ()).map_err(|error| error.code);
    assert_eq!(code(place.assume(&first, "other", json!({})).await), Err("AccessDenied"));
    assert_eq!(code(place.assume(&place.own, "named", json!({})).await), Err("AccessDenied"));
    assert_eq!(code(place.assume(&place.own, "service", json!({})).await), Err("AccessDenied"));
    assert_eq!(code(place.assume(&place.own, "unknown", json!({})).await), Err("AccessDenied"));
    assert_eq!(code(place.assume(&first, "unknown", json!({})).await), Err("AccessDenied"));
    let long = json!({ "DurationSeconds": "7200" });
    assert_eq!(code(place.assume(&place.own, "first", long).await), Err("ValidationError"));
    let build = |role: &str| {
        let input = json!({ "serviceRole": arn(role) });
        usable(&place.world, "codebuild", "CreateProject", &input).map_err(|error| error.code)
    };
    assert_eq!((build("service"), build("unknown")), (Err("InvalidInputException"), Ok(())));
    let keys = |role: &str| of_instance(&place.world, &arn(role), "shop");
    let one = keys("service").expect("is trusted").expect("is there");
    let again = keys("service").expect("is trusted").expect("is there");
    assert_eq!(one.access_key_id, again.access_key_id);
    assert!(place.world.sts.role_session(&one.access_key_id).is_some());
    assert!(keys("account").is_err());
    assert!(keys("unknown").is_ok_and(|keys| keys.is_none()));
}
