//! What is refused, what is held, and what was changed past the stack.

use serde_json::json;

use crate::{
    aws::{QUEUES, Stacks as _, queues},
    support::aws::Aws,
};

#[test]
fn an_export_that_is_read_stays_as_it_is() {
    let Some(aws) = Aws::start() else { return };
    let giver = "Resources: { A: { Type: AWS::SQS::Queue, Properties: { QueueName: a } } }\nOutputs: { N: { Value: !GetAtt A.QueueName, Export: { Name: shared } } }\n";
    let taker = "Resources: { B: { Type: AWS::SQS::Queue, Properties: { QueueName: !Sub ['${n}-b', { n: !ImportValue shared }] } } }";
    aws.refused(
        &["cloudformation", "create-stack", "--stack-name", "taker", "--template-body", taker],
        &["No export named shared found"],
    );
    aws.make("giver", giver, &[]);
    aws.settled("giver", "CREATE_COMPLETE");
    aws.make("taker", taker, &[]);
    aws.settled("taker", "CREATE_COMPLETE");
    assert_eq!(queues(&aws), ["a", "a-b"]);
    assert_eq!(aws.cloudformation(&["list-exports"])["Exports"][0]["Value"], "a");
    assert_eq!(aws.cloudformation(&["list-imports", "--export-name", "shared"])["Imports"], json!(["taker"]));
    aws.cloudformation(&["delete-stack", "--stack-name", "giver"]);
    let stack = aws.settled("giver", "CREATE_COMPLETE");
    assert!(
        stack["StackStatusReason"].as_str().is_some_and(|why| why.contains("in use by taker")),
        "{stack}"
    );
    aws.update("giver", &giver.replace("QueueName: a", "QueueName: other"), &[]);
    aws.settled("giver", "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(queues(&aws), ["a", "a-b"]);
    aws.make("second", &giver.replace("QueueName: a", "QueueName: x"), &[]);
    aws.settled("second", "ROLLBACK_COMPLETE");
    aws.remove("taker");
    aws.remove("giver");
}

#[test]
fn what_is_refused_is_refused_before_anything_is_made() {
    let Some(aws) = Aws::start() else { return };
    let create = |template: &str, words: &[&str]| {
        let call = ["cloudformation", "create-stack", "--stack-name", "x", "--template-body", template];
        aws.refused(&call, words);
    };
    create(
        "Resources: { A: { Type: AWS::SQS::Queue, DependsOn: Z } }",
        &["ValidationError", "Unresolved resource dependencies [Z] in the Resources block"],
    );
    create(
        "Resources: { A: { Type: AWS::EC2::Instance } }",
        &["Unrecognized resource types: [AWS::EC2::Instance]"],
    );
    create(
        "Resources: { A: { Type: AWS::IAM::Role, Properties: { RoleName: r } } }",
        &["InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_NAMED_IAM]"],
    );
    create(
        "Parameters: { P: { Type: String } }\nResources: { A: { Type: AWS::SQS::Queue } }",
        &["Parameters: [P] must have values"],
    );
    create(
        "Resources: { A: { Type: AWS::SQS::Queue, DeletionPolicy: Snapshot } }",
        &["does not support deletion policy Snapshot"],
    );
    let attribute = "Resources: { A: { Type: AWS::SQS::Queue } }\nOutputs: { O: { Value: !GetAtt A.Size } }";
    create(attribute, &["resource A does not support attribute type Size in Fn::GetAtt"]);
    aws.refused(
        &["cloudformation", "describe-stacks", "--stack-name", "x"],
        &["Stack with id x does not exist"],
    );
    aws.refused(&["cloudformation", "create-stack-set", "--stack-set-name", "x"], &["is not in the sandbox"]);
    assert_eq!(aws.cloudformation(&["describe-stacks"])["Stacks"], json!([]));

    let template = "Parameters: { P: { Type: String, Default: d, Description: words } }\nDescription: said\nResources: { A: { Type: AWS::SQS::Queue, Properties: { Colour: red } }, R: { Type: AWS::IAM::Role } }";
    let told = aws.cloudformation(&["validate-template", "--template-body", template]);
    assert_eq!((&told["Description"], &told["Capabilities"]), (&json!("said"), &json!(["CAPABILITY_IAM"])));
    let told = aws.cloudformation(&["get-template-summary", "--template-body", template]);
    assert_eq!(told["ResourceTypes"], json!(["AWS::SQS::Queue", "AWS::IAM::Role"]));
    assert_eq!(told["Parameters"][0]["DefaultValue"], "d");

    let keeps = ["--enable-termination-protection", "--stack-policy-body", "{\"Statement\":[]}"];
    aws.make("kept", "Resources: { A: { Type: AWS::SQS::Queue } }", &keeps);
    aws.settled("kept", "CREATE_COMPLETE");
    let delete = ["cloudformation", "delete-stack", "--stack-name", "kept"];
    aws.refused(&delete, &["Stack [kept] cannot be deleted while TerminationProtection is enabled"]);
    assert_eq!(
        aws.cloudformation(&["get-stack-policy", "--stack-name", "kept"])["StackPolicyBody"],
        "{\"Statement\":[]}"
    );
    aws.cloudformation(&[
        "set-stack-policy",
        "--stack-name",
        "kept",
        "--stack-policy-body",
        "{\"Statement\":[1]}",
    ]);
    aws.cloudformation(&[
        "update-termination-protection",
        "--stack-name",
        "kept",
        "--no-enable-termination-protection",
    ]);
    aws.remove("kept");
    // A property that the sandbox does not have fails the resource, and so the stack.
    aws.make("red", "Resources: { A: { Type: AWS::SQS::Queue, Properties: { Colour: red } } }", &[]);
    aws.settled("red", "ROLLBACK_COMPLETE");
    assert!(aws.reasons("red", "CREATE_FAILED")[0].contains("extraneous key [Colour]"));
    // What never was is told to be begun and to be gone, and not to be removed.
    let events = aws.cloudformation(&["describe-stack-events", "--stack-name", "red"]);
    let events = events["StackEvents"].as_array().expect("events");
    let of = events.iter().rev().filter(|event| event["LogicalResourceId"] == "A");
    let told: Vec<&str> = of.filter_map(|event| event["ResourceStatus"].as_str()).collect();
    assert_eq!(told, ["CREATE_IN_PROGRESS", "CREATE_FAILED", "DELETE_COMPLETE"]);
}

#[test]
fn drift_is_what_was_changed_past_the_stack() {
    let Some(aws) = Aws::start() else { return };
    aws.make("q", QUEUES, &[]);
    aws.settled("q", "CREATE_COMPLETE");
    let detect = || {
        let id =
            aws.cloudformation(&["detect-stack-drift", "--stack-name", "q"])["StackDriftDetectionId"].clone();
        let id = id.as_str().expect("an id").to_owned();
        aws.cloudformation(&["describe-stack-drift-detection-status", "--stack-drift-detection-id", &id])
    };
    assert_eq!(detect()["StackDriftStatus"], "IN_SYNC");
    let url = |name: &str| {
        aws.ok(&["sqs", "get-queue-url", "--queue-name", name])["QueueUrl"]
            .as_str()
            .expect("a URL")
            .to_owned()
    };
    aws.ok(&[
        "sqs",
        "set-queue-attributes",
        "--queue-url",
        &url("one"),
        "--attributes",
        "VisibilityTimeout=99",
    ]);
    aws.ok(&["sqs", "delete-queue", "--queue-url", &url("kept")]);
    let found = detect();
    assert_eq!(
        (&found["StackDriftStatus"], &found["DriftedStackResourceCount"]),
        (&json!("DRIFTED"), &json!(2))
    );
    let drifts = aws.cloudformation(&["describe-stack-resource-drifts", "--stack-name", "q"]);
    let of = |id: &str| {
        drifts["StackResourceDrifts"]
            .as_array()
            .expect("a list")
            .iter()
            .find(|drift| drift["LogicalResourceId"] == id)
            .expect("one")
            .clone()
    };
    assert_eq!(of("A")["PropertyDifferences"][0]["ActualValue"], "99");
    assert_eq!(of("B")["StackResourceDriftStatus"], "IN_SYNC");
    assert_eq!(of("C")["StackResourceDriftStatus"], "DELETED");
}

/// A bucket that is told all that can be told of one.
const BUCKET: &str = "
Resources:
  B:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: drifting
      VersioningConfiguration: { Status: Enabled }
      Tags: [{ Key: team, Value: a }, { Key: of, Value: tests }]
      BucketEncryption: { ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: AES256 } }] }
      PublicAccessBlockConfiguration: { BlockPublicAcls: true, BlockPublicPolicy: 'true' }
      OwnershipControls: { Rules: [{ ObjectOwnership: BucketOwnerEnforced }] }
  Plain: { Type: AWS::S3::Bucket }
";

#[test]
fn drift_of_a_bucket_is_what_the_bucket_is() {
    let Some(aws) = Aws::start() else { return };
    aws.make("b", BUCKET, &[]);
    aws.settled("b", "CREATE_COMPLETE");
    let differing = || {
        aws.cloudformation(&["detect-stack-drift", "--stack-name", "b"]);
        let drifts = aws.cloudformation(&["describe-stack-resource-drifts", "--stack-name", "b"]);
        let all = drifts["StackResourceDrifts"].as_array().expect("a list").iter();
        let differences =
            all.flat_map(|drift| drift["PropertyDifferences"].as_array().expect("a list").clone());
        let told = differences
            .map(|one| json!([one["PropertyPath"], one["ActualValue"], one["DifferenceType"]]))
            .collect::<Vec<_>>();
        json!(told)
    };
    assert_eq!(differing(), json!([]));
    let change = |operation: &str, more: &[&str]| {
        aws.ok(&[&["s3api", operation, "--bucket", "drifting"], more].concat());
    };
    change("put-bucket-versioning", &["--versioning-configuration", "Status=Suspended"]);
    change("put-bucket-tagging", &["--tagging", "TagSet=[{Key=team,Value=b},{Key=of,Value=tests}]"]);
    change("delete-public-access-block", &[]);
    change("delete-bucket-ownership-controls", &[]);
    let tags = json!([{ "Key": "of", "Value": "tests" }, { "Key": "team", "Value": "b" }]).to_string();
    assert_eq!(
        differing(),
        json!([
            ["/VersioningConfiguration", json!({ "Status": "Suspended" }).to_string(), "NOT_EQUAL"],
            ["/Tags", tags, "NOT_EQUAL"],
            ["/PublicAccessBlockConfiguration", "null", "REMOVE"],
            ["/OwnershipControls", "null", "REMOVE"],
        ])
    );
    // An update that has something to do puts back what it says.
    aws.update("b", &BUCKET.replace("Value: tests", "Value: others"), &[]);
    aws.settled("b", "UPDATE_COMPLETE");
    assert_eq!(differing(), json!([]));
}
