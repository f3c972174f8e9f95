//! Stacks that are changed, by updates and by change sets, and what goes back.

use serde_json::json;

use crate::{
    aws::{QUEUES, Stacks as _, queues},
    support::aws::Aws,
};

#[test]
fn an_update_changes_in_place_replaces_and_goes_back_when_it_fails() {
    let Some(aws) = Aws::start() else { return };
    aws.make("q", QUEUES, &[]);
    aws.settled("q", "CREATE_COMPLETE");
    let parameters = |values: &'static str| ["--parameters", values];
    let refused = ["cloudformation", "update-stack", "--stack-name", "q", "--template-body", QUEUES];
    aws.refused(&refused, &["ValidationError", "No updates are to be performed."]);

    aws.update("q", QUEUES, &parameters("ParameterKey=Visible,ParameterValue=40"));
    aws.settled("q", "UPDATE_COMPLETE");
    let visible = || {
        let url = aws.ok(&["sqs", "get-queue-url", "--queue-name", "one"])["QueueUrl"]
            .as_str()
            .expect("a URL")
            .to_owned();
        aws.ok(&[
            "sqs",
            "get-queue-attributes",
            "--queue-url",
            &url,
            "--attribute-names",
            "VisibilityTimeout",
        ])["Attributes"]["VisibilityTimeout"]
            .clone()
    };
    assert_eq!(visible(), "40");

    // A resource that cannot be made: what was changed is changed back, and what was made is removed.
    let broken = QUEUES.replace("40", "50")
        + "  D: { Type: AWS::SQS::Queue, DependsOn: [A, E], Properties: { DelaySeconds: 5000 } }\n  E: { Type: AWS::SQS::Queue }\n";
    aws.update("q", &broken, &parameters("ParameterKey=Visible,ParameterValue=50"));
    aws.settled("q", "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(visible(), "40");
    assert_eq!(queues(&aws), ["kept", "one", "one-b"]);
    let reasons = aws.reasons("q", "FAILED");
    assert!(
        reasons.iter().any(|reason| reason.contains("Invalid value for the parameter DelaySeconds")),
        "{reasons:?}"
    );
    let why = aws.reasons("q", "UPDATE_ROLLBACK_IN_PROGRESS");
    assert!(why[0].contains("The following resource(s) failed to update: [D]"), "{why:?}");

    // Another name is another queue, also for what is named after it. One goes, one comes.
    let renamed = QUEUES.replace(
        "  C: { Type: AWS::SQS::Queue, Properties: { QueueName: kept } }\n",
        "  F: { Type: AWS::SQS::Queue, Properties: { QueueName: fresh } }\n",
    );
    aws.update("q", &renamed, &parameters("ParameterKey=Name,ParameterValue=two"));
    aws.settled("q", "UPDATE_COMPLETE");
    assert_eq!(queues(&aws), ["fresh", "two", "two-b"]);

    // A rollback brings the queues that were to be replaced back as they were: they were never gone.
    let broken =
        renamed + "  D: { Type: AWS::SQS::Queue, DependsOn: B, Properties: { DelaySeconds: 5000 } }\n";
    aws.update("q", &broken, &parameters("ParameterKey=Name,ParameterValue=three"));
    aws.settled("q", "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(queues(&aws), ["fresh", "two", "two-b"]);

    // Left as it is, it can be rolled back later.
    aws.update(
        "q",
        &broken,
        &["--parameters", "ParameterKey=Name,ParameterValue=three", "--disable-rollback"],
    );
    aws.settled("q", "UPDATE_FAILED");
    assert_eq!(queues(&aws), ["fresh", "three", "three-b", "two", "two-b"]);
    aws.cloudformation(&["rollback-stack", "--stack-name", "q"]);
    aws.settled("q", "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(queues(&aws), ["fresh", "two", "two-b"]);
    aws.remove("q");
    assert_eq!(queues(&aws), [""; 0]);
}

#[test]
fn a_rollback_that_fails_is_continued_without_what_it_failed_on() {
    let Some(aws) = Aws::start() else { return };
    let of = |timeout: &str| {
        format!(
            "Resources:\n  K: {{ Type: AWS::SQS::Queue, Properties: {{ VisibilityTimeout: '{timeout}' }} }}\n"
        )
    };
    aws.ok(&["ssm", "put-parameter", "--name", "/one", "--value", "30", "--type", "String"]);
    let one = of("{{resolve:ssm:/one}}");
    aws.make("k", &one, &[]);
    aws.settled("k", "CREATE_COMPLETE");
    // No queue takes the new value, and the old one can no longer be found.
    aws.ok(&["ssm", "delete-parameter", "--name", "/one"]);
    aws.update("k", &of("99999"), &[]);
    aws.settled("k", "UPDATE_ROLLBACK_FAILED");
    let update = ["cloudformation", "update-stack", "--stack-name", "k", "--template-body", &of("3")];
    aws.refused(&update, &["is in UPDATE_ROLLBACK_FAILED state and can not be updated."]);
    aws.cloudformation(&["continue-update-rollback", "--stack-name", "k"]);
    aws.settled("k", "UPDATE_ROLLBACK_FAILED");
    let skip = ["cloudformation", "continue-update-rollback", "--stack-name", "k", "--resources-to-skip"];
    aws.refused(&[&skip[..], &["Other"]].concat(), &["Other is not in the UPDATE_FAILED state"]);
    aws.ok(&[&skip[..], &["K"]].concat());
    aws.settled("k", "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(aws.cloudformation(&["get-template", "--stack-name", "k"])["TemplateBody"], one);
}

#[test]
fn the_cli_deploys_by_change_sets() {
    let Some(aws) = Aws::start() else { return };
    let file = aws.place.path().join("template.yml");
    std::fs::write(&file, QUEUES).expect("writes");
    let path = file.display().to_string();
    let deploy = |more: &[&str]| {
        let fixed = ["cloudformation", "deploy", "--stack-name", "q", "--template-file", &path];
        aws.text(&[&fixed[..], more].concat())
    };
    assert!(deploy(&["--no-execute-changeset"]).contains("Changeset created successfully"));
    assert_eq!(
        aws.cloudformation(&["describe-stacks", "--stack-name", "q"])["Stacks"][0]["StackStatus"],
        "REVIEW_IN_PROGRESS"
    );
    assert!(deploy(&[]).contains("Successfully created/updated stack - q"));
    assert_eq!(queues(&aws), ["kept", "one", "one-b"]);
    assert!(deploy(&["--no-fail-on-empty-changeset"]).contains("No changes to deploy"));

    let create = [
        "create-change-set",
        "--stack-name",
        "q",
        "--use-previous-template",
        "--parameters",
        "ParameterKey=Visible,UsePreviousValue=true",
        "ParameterKey=Name,ParameterValue=two",
    ];
    let made = aws.cloudformation(&[&create[..], &["--change-set-name", "rename"]].concat());
    aws.cloudformation(&[&create[..], &["--change-set-name", "other"]].concat());
    let set =
        aws.cloudformation(&["describe-change-set", "--stack-name", "q", "--change-set-name", "rename"]);
    assert_eq!((&set["Status"], &set["ExecutionStatus"]), (&json!("CREATE_COMPLETE"), &json!("AVAILABLE")));
    let changes: Vec<(&str, &str, &str)> = set["Changes"]
        .as_array()
        .expect("changes")
        .iter()
        .map(|change| &change["ResourceChange"])
        .map(|change| {
            let text = |name: &str| change[name].as_str().unwrap_or_default();
            (text("LogicalResourceId"), text("Action"), text("Replacement"))
        })
        .collect();
    assert_eq!(changes, [("A", "Modify", "True"), ("B", "Modify", "Conditional")]);
    let detail = &set["Changes"][0]["ResourceChange"]["Details"][0];
    assert_eq!(
        (&detail["ChangeSource"], &detail["CausingEntity"]),
        (&json!("ParameterReference"), &json!("Name"))
    );
    aws.cloudformation(&["execute-change-set", "--change-set-name", made["Id"].as_str().expect("an ARN")]);
    aws.settled("q", "UPDATE_COMPLETE");
    assert_eq!(queues(&aws), ["kept", "two", "two-b"]);
    let execute = ["cloudformation", "execute-change-set", "--stack-name", "q", "--change-set-name", "other"];
    aws.refused(&execute, &["InvalidChangeSetStatus", "OBSOLETE"]);
    aws.cloudformation(&["delete-change-set", "--stack-name", "q", "--change-set-name", "other"]);
    let gone = ["cloudformation", "describe-change-set", "--stack-name", "q", "--change-set-name", "other"];
    aws.refused(&gone, &["ChangeSetNotFound"]);
    assert!(
        !aws.cloudformation(&["list-change-sets", "--stack-name", "q"])["Summaries"]
            .as_array()
            .expect("a list")
            .is_empty()
    );
}
