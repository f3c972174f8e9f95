//! The actions and resources that calls need.

use super::*;

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
