//! Engines that are killed, and resources that take their time.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    aws::{Stacks as _, output},
    support::{Mini, aws::Aws},
};

/// Log groups, each waiting for the one before.
fn chain(length: usize) -> String {
    let mut text = "Resources:\n".to_owned();
    for n in 0..length {
        let wait = if n == 0 { String::new() } else { format!(", DependsOn: L{}", n - 1) };
        text.push_str(&format!("  L{n}: {{ Type: AWS::Logs::LogGroup{wait} }}\n"));
    }
    text
}

/// How a sandbox comes to its end.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Killed,
    Stopped,
}

/// Calls for an operation of a stack, and ends the sandbox in the midst of what the engine does about it.
#[track_caller]
fn end_during(aws: &Aws, end: End, arguments: &[&str]) {
    let journal = aws.place.sandbox().join("cloudformation/stacks.jsonl");
    let size = || std::fs::metadata(&journal).map_or(0, |file| file.len());
    let record = std::fs::read(aws.place.sandbox().join("sandbox.json")).expect("reads");
    let record: Value = serde_json::from_slice(&record).expect("JSON");
    let pid = record["pid"].as_u64().expect("a pid").to_string();
    let (before, started) = (size(), Instant::now());
    std::thread::scope(|scope| {
        // The answer may be cut off with the sandbox.
        scope.spawn(|| aws.ask(arguments));
        while size() < before + 100_000 {
            assert!(started.elapsed() < Duration::from_secs(60), "nothing is done");
            std::thread::yield_now();
        }
        let signal = match end {
            End::Killed => "-KILL",
            End::Stopped => "-TERM",
        };
        let sent = std::process::Command::new("kill").args([signal, &pid]).status().expect("runs");
        assert!(sent.success());
    });
    while std::path::Path::new(&format!("/proc/{pid}")).exists() {
        assert!(started.elapsed() < Duration::from_secs(60), "it does not end");
        std::thread::yield_now();
    }
    let text = std::fs::read_to_string(&journal).expect("reads");
    let ends = |line: &str| line.contains("{\"Stack\"") && !line.contains("_IN_PROGRESS");
    assert!(!text[before as usize..].lines().any(ends), "it was too quick to be ended in the midst");
    aws.place.pave(&["sandbox", "up"]).expect(0);
}

#[test]
fn an_engine_that_was_killed_or_stopped_goes_on() {
    let Some(aws) = Aws::start() else { return };
    let groups = |part: &str| {
        let groups = aws.ok(&["logs", "describe-log-groups"]);
        let groups = groups["logGroups"].as_array().expect("groups").clone();
        groups
            .iter()
            .filter(|group| group["logGroupName"].as_str().is_some_and(|name| name.contains(part)))
            .count()
    };
    let create = chain(400);
    end_during(
        &aws,
        End::Killed,
        &["cloudformation", "create-stack", "--stack-name", "long", "--template-body", &create],
    );
    let stack = aws.settled("long", "CREATE_COMPLETE");
    assert_eq!(groups("long-L"), 400);
    let events = aws.cloudformation(&["describe-stack-events", "--stack-name", "long"]);
    let made =
        |event: &&Value| event["ResourceStatus"] == "CREATE_COMPLETE" && event["LogicalResourceId"] != "long";
    assert_eq!(events["StackEvents"].as_array().expect("events").iter().filter(made).count(), 400);

    // All of them go, and others come.
    let other = create.replace(" L", " M");
    end_during(
        &aws,
        End::Stopped,
        &["cloudformation", "update-stack", "--stack-name", "long", "--template-body", &other],
    );
    aws.settled("long", "UPDATE_COMPLETE");
    assert_eq!((groups("long-L"), groups("long-M")), (0, 400));

    // A rollback, too, is done to its end.
    let broken =
        create + "  Z: { Type: AWS::SQS::Queue, DependsOn: L399, Properties: { DelaySeconds: 5000 } }\n";
    end_during(
        &aws,
        End::Killed,
        &["cloudformation", "update-stack", "--stack-name", "long", "--template-body", &broken],
    );
    aws.settled("long", "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!((groups("long-L"), groups("long-M")), (0, 400));

    end_during(&aws, End::Killed, &["cloudformation", "delete-stack", "--stack-name", "long"]);
    aws.settled(stack["StackId"].as_str().expect("an ARN"), "DELETE_COMPLETE");
    assert_eq!(groups("long"), 0);
}

#[test]
fn a_service_is_made_when_it_runs_and_gone_when_it_cannot() {
    let Some(aws) = Aws::start() else { return };
    let mini = Mini::new(&aws.place, "1s");
    mini.edit("START_SECONDS = 0.0", "START_SECONDS = float(os.environ.get(\"SLOW\", \"0\"))");
    aws.place.pave(&["deploy"]).expect(0);
    let services = aws.ok(&["apprunner", "list-services"]);
    let arn = services["ServiceSummaryList"][0]["ServiceArn"].as_str().expect("an ARN");
    let service = aws.ok(&["apprunner", "describe-service", "--service-arn", arn]);
    let image = &service["Service"]["SourceConfiguration"]["ImageRepository"];
    let template = |identifier: &str, slow: &str| {
        json!({ "Resources": {
            "Scaling": { "Type": "AWS::AppRunner::AutoScalingConfiguration", "Properties": { "MaxSize": 2 } },
            "Web": { "Type": "AWS::AppRunner::Service", "Properties": {
                "AutoScalingConfigurationArn": { "Ref": "Scaling" },
                "HealthCheckConfiguration": service["Service"]["HealthCheckConfiguration"],
                "InstanceConfiguration": service["Service"]["InstanceConfiguration"],
                "SourceConfiguration": {
                    "AuthenticationConfiguration": service["Service"]["SourceConfiguration"]["AuthenticationConfiguration"],
                    "ImageRepository": {
                        "ImageIdentifier": identifier,
                        "ImageRepositoryType": "ECR",
                        "ImageConfiguration": {
                            "Port": image["ImageConfiguration"]["Port"],
                            "RuntimeEnvironmentVariables": [{ "Name": "SLOW", "Value": slow }],
                        },
                    },
                },
            } },
        }, "Outputs": { "Url": { "Value": { "Fn::GetAtt": ["Web", "ServiceUrl"] } } } })
        .to_string()
    };
    let identifier = image["ImageIdentifier"].as_str().expect("an image");
    aws.make("web", &template(identifier, "0"), &[]);
    let stack = aws.settled("web", "CREATE_COMPLETE");
    let list = aws.ok(&["apprunner", "list-services"]);
    let list = list["ServiceSummaryList"].as_array().expect("services").clone();
    let made = list.iter().find(|one| one["ServiceUrl"] == output(&stack, "Url")).expect("the service");
    assert_eq!(made["Status"], "RUNNING");
    // A service that is slow to start gives the time in which an update is cancelled, also on a machine that is busy.
    aws.update("web", &template(identifier, "15"), &[]);
    aws.cloudformation(&["cancel-update-stack", "--stack-name", "web"]);
    aws.settled("web", "UPDATE_ROLLBACK_COMPLETE");
    assert!(aws.reasons("web", "UPDATE_ROLLBACK_IN_PROGRESS")[0].contains("User Initiated"));
    let described =
        ["apprunner", "describe-service", "--service-arn", made["ServiceArn"].as_str().expect("an ARN")];
    let now = aws.ok(&described);
    let source = &now["Service"]["SourceConfiguration"]["ImageRepository"]["ImageConfiguration"];
    assert_eq!(source["RuntimeEnvironmentVariables"]["SLOW"], "0");
    aws.remove("web");
    let (repository, _) = identifier.rsplit_once([':', '@']).expect("a tag");
    aws.make("none", &template(&format!("{}:no-such-tag", repository.trim_end_matches("@sha256")), "0"), &[]);
    aws.settled("none", "ROLLBACK_COMPLETE");
    assert_eq!(
        aws.ok(&["apprunner", "list-services"])["ServiceSummaryList"].as_array().map(Vec::len),
        Some(list.len() - 1)
    );
    let left = aws.ok(&["apprunner", "list-auto-scaling-configurations"]);
    assert!(!left.to_string().contains("none-Scaling"), "{left}");
}
