//! CloudFormation of the sandbox, seen by the AWS CLI: stacks, and what the other services show of them.

mod support;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use support::{Mini, aws::Aws};

/// What the tests do with stacks.
trait Stacks {
    fn cloudformation(&self, arguments: &[&str]) -> Value;
    fn make(&self, name: &str, template: &str, more: &[&str]) -> Value;
    fn update(&self, name: &str, template: &str, more: &[&str]);
    fn settled(&self, name: &str, status: &str) -> Value;
    fn remove(&self, name: &str);
    fn reasons(&self, name: &str, status: &str) -> Vec<String>;
}

impl Stacks for Aws {
    #[track_caller]
    fn cloudformation(&self, arguments: &[&str]) -> Value {
        self.ok(&[&["cloudformation"], arguments].concat())
    }

    #[track_caller]
    fn make(&self, name: &str, template: &str, more: &[&str]) -> Value {
        let fixed = ["create-stack", "--stack-name", name, "--template-body", template];
        self.cloudformation(&[&fixed[..], more].concat())
    }

    #[track_caller]
    fn update(&self, name: &str, template: &str, more: &[&str]) {
        let fixed = ["update-stack", "--stack-name", name, "--template-body", template];
        self.cloudformation(&[&fixed[..], more].concat());
    }

    /// Waits until nothing is under way, which must leave the stack in this status.
    #[track_caller]
    fn settled(&self, name: &str, status: &str) -> Value {
        let started = Instant::now();
        loop {
            let stack = self.cloudformation(&["describe-stacks", "--stack-name", name])["Stacks"][0].clone();
            let now = stack["StackStatus"].as_str().expect("a status").to_owned();
            if !now.ends_with("_IN_PROGRESS") {
                assert_eq!(now, status, "{stack:#}\n{:#?}", self.reasons(name, "FAILED"));
                return stack;
            }
            assert!(started.elapsed() < Duration::from_secs(120), "{stack:#}");
        }
    }

    /// Removes a stack, and waits until it is gone; the waiters of the CLI look twice a minute.
    #[track_caller]
    fn remove(&self, name: &str) {
        let stack = self.cloudformation(&["describe-stacks", "--stack-name", name]);
        self.cloudformation(&["delete-stack", "--stack-name", name]);
        self.settled(stack["Stacks"][0]["StackId"].as_str().expect("an ARN"), "DELETE_COMPLETE");
    }

    /// Why things of a stack came to a status that ends so.
    fn reasons(&self, name: &str, status: &str) -> Vec<String> {
        let events = self.cloudformation(&["describe-stack-events", "--stack-name", name]);
        let events = events["StackEvents"].as_array().expect("events").clone();
        let ends = |event: &&Value| event["ResourceStatus"].as_str().is_some_and(|is| is.ends_with(status));
        let told =
            |event: &Value| format!("{}: {}", event["LogicalResourceId"], event["ResourceStatusReason"]);
        events.iter().filter(ends).map(told).collect()
    }
}

fn output<'a>(stack: &'a Value, key: &str) -> &'a str {
    let outputs = stack["Outputs"].as_array().expect("outputs");
    let found = outputs.iter().find(|output| output["OutputKey"] == key).expect("the output");
    found["OutputValue"].as_str().expect("text")
}

const TOUR: &str = "
Parameters:
  Visible: { Type: Number, Default: 30 }
  Secret: { Type: String, NoEcho: true, Default: hush }
Resources:
  Bucket: { Type: AWS::S3::Bucket, DeletionPolicy: Retain }
  Policy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Bucket
      PolicyDocument: { Version: 2012-10-17, Statement: [] }
  Queue:
    Type: AWS::SQS::Queue
    Properties: { VisibilityTimeout: !Ref Visible }
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{ AttributeName: id, AttributeType: S }]
      KeySchema: [{ AttributeName: id, KeyType: HASH }]
      ProvisionedThroughput: { ReadCapacityUnits: '1', WriteCapacityUnits: 1 }
  Images:
    Type: AWS::ECR::Repository
    Properties: { ImageScanningConfiguration: { ScanOnPush: 'true' } }
  Log:
    Type: AWS::Logs::LogGroup
    Properties: { LogGroupName: !Sub '/${AWS::StackName}/${Queue.QueueName}' }
  Routes:
    Type: AWS::CloudFront::KeyValueStore
    Properties: { Name: !Sub '${AWS::StackName}-routes', Comment: a < b }
  Build:
    Type: AWS::CodeBuild::Project
    Properties:
      ServiceRole: !Sub 'arn:aws:iam::${AWS::AccountId}:role/build'
      Source: { Type: S3, Location: !Sub '${Bucket}/bundle', BuildSpec: spec.yml }
      Artifacts: { Type: NO_ARTIFACTS }
      Environment: { Type: LINUX_CONTAINER, ComputeType: BUILD_GENERAL1_SMALL, Image: x, PrivilegedMode: 'true' }
  Scaling:
    Type: AWS::AppRunner::AutoScalingConfiguration
    Properties: { MaxSize: '3' }
  Handle: { Type: AWS::CloudFormation::WaitConditionHandle }
Outputs:
  Bucket: { Value: !Ref Bucket }
  Queue: { Value: !Ref Queue, Export: { Name: !Sub '${AWS::StackName}:Queue' } }
  Table: { Value: !GetAtt Table.Arn }
  Images: { Value: !GetAtt Images.RepositoryUri }
  Log: { Value: !Ref Log }
  Build: { Value: !Ref Build }
  Scaling: { Value: !GetAtt Scaling.AutoScalingConfigurationRevision }
";

#[test]
fn what_a_stack_makes_is_what_the_services_show() {
    let Some(aws) = Aws::start() else { return };
    let made = aws.make("tour", TOUR, &["--tags", "Key=team,Value=a", "--client-request-token", "t1"]);
    let id = made["StackId"].as_str().expect("an ARN").to_owned();
    let stack = aws.settled("tour", "CREATE_COMPLETE");
    assert_eq!(stack["Tags"], json!([{ "Key": "team", "Value": "a" }]));
    let secret = json!({ "ParameterKey": "Secret", "ParameterValue": "****" });
    assert!(stack["Parameters"].as_array().expect("parameters").contains(&secret), "{stack}");

    let bucket = output(&stack, "Bucket");
    aws.ok(&["s3api", "head-bucket", "--bucket", bucket]);
    let queue = output(&stack, "Queue");
    let attributes =
        |url: &str| aws.ok(&["sqs", "get-queue-attributes", "--queue-url", url, "--attribute-names", "All"]);
    assert_eq!(attributes(queue)["Attributes"]["VisibilityTimeout"], "30");
    let tables = aws.ok(&["dynamodb", "list-tables"]);
    assert!(
        output(&stack, "Table")
            .ends_with(&format!("table/{}", tables["TableNames"][0].as_str().expect("a name")))
    );
    let repositories = aws.ok(&["ecr", "describe-repositories"]);
    assert_eq!(repositories["repositories"][0]["repositoryUri"], output(&stack, "Images"));
    assert_eq!(repositories["repositories"][0]["imageScanningConfiguration"]["scanOnPush"], true);
    let groups = aws.ok(&["logs", "describe-log-groups", "--log-group-name-prefix", "/tour/tour-Queue-"]);
    assert_eq!(groups["logGroups"][0]["logGroupName"], output(&stack, "Log"));
    let stores = aws.ok(&["cloudfront", "list-key-value-stores"]);
    assert_eq!(stores["KeyValueStoreList"]["Items"][0]["Name"], "tour-routes");
    assert_eq!(stores["KeyValueStoreList"]["Items"][0]["Comment"], "a < b");
    let projects = aws.ok(&["codebuild", "batch-get-projects", "--names", output(&stack, "Build")]);
    assert_eq!(projects["projects"][0]["source"]["buildspec"], "spec.yml");
    assert_eq!(projects["projects"][0]["environment"]["privilegedMode"], true);
    assert_eq!(output(&stack, "Scaling"), "1");

    // The same request again is the same stack; another with its token, or its name, is refused.
    assert_eq!(
        aws.make("tour", TOUR, &["--tags", "Key=team,Value=a", "--client-request-token", "t1"])["StackId"],
        id
    );
    let again = ["cloudformation", "create-stack", "--stack-name", "tour", "--template-body", TOUR];
    aws.refused(&again, &["AlreadyExistsException", "Stack [tour] already exists"]);
    aws.refused(&[&again[..], &["--client-request-token", "t1"]].concat(), &["TokenAlreadyExistsException"]);

    let resources = aws.cloudformation(&["list-stack-resources", "--stack-name", "tour"]);
    assert_eq!(resources["StackResourceSummaries"].as_array().map(Vec::len), Some(10));
    let one = ["describe-stack-resource", "--stack-name", "tour", "--logical-resource-id", "Queue"];
    assert_eq!(aws.cloudformation(&one)["StackResourceDetail"]["PhysicalResourceId"], queue);
    let owner = aws.cloudformation(&["describe-stack-resources", "--physical-resource-id", queue]);
    assert_eq!(owner["StackResources"][0]["StackName"], "tour");
    assert_eq!(aws.cloudformation(&["get-template", "--stack-name", "tour"])["TemplateBody"], TOUR);

    aws.restart();
    aws.remove("tour");
    aws.refused(
        &["cloudformation", "describe-stacks", "--stack-name", "tour"],
        &["Stack with id tour does not exist"],
    );
    assert_eq!(
        aws.cloudformation(&["describe-stacks", "--stack-name", &id])["Stacks"][0]["StackStatus"],
        "DELETE_COMPLETE"
    );
    assert_eq!(aws.ok(&["dynamodb", "list-tables"])["TableNames"], json!([]));
    assert_eq!(aws.ok(&["ecr", "describe-repositories"])["repositories"], json!([]));
    aws.ok(&["s3api", "head-bucket", "--bucket", bucket]);
    let deleted = aws.cloudformation(&["list-stacks", "--stack-status-filter", "DELETE_COMPLETE"]);
    assert_eq!(deleted["StackSummaries"][0]["StackId"], id);
}

const QUEUES: &str = "
Parameters: { Name: { Type: String, Default: one }, Visible: { Type: String, Default: '30' } }
Resources:
  A: { Type: AWS::SQS::Queue, Properties: { QueueName: !Ref Name, VisibilityTimeout: !Ref Visible } }
  B: { Type: AWS::SQS::Queue, Properties: { QueueName: !Sub '${A.QueueName}-b' } }
  C: { Type: AWS::SQS::Queue, Properties: { QueueName: kept } }
";

fn queues(aws: &Aws) -> Vec<String> {
    let list = aws.ok(&["sqs", "list-queues"]);
    let urls = list["QueueUrls"].as_array().cloned().unwrap_or_default();
    urls.iter()
        .map(|url| url.as_str().and_then(|url| url.rsplit('/').next()).expect("a URL").to_owned())
        .collect()
}

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
fn a_stack_that_cannot_be_made_leaves_nothing_unless_it_shall() {
    let Some(aws) = Aws::start() else { return };
    let broken = "Resources:\n  A: { Type: AWS::SQS::Queue, Properties: { QueueName: a } }\n  B: { Type: AWS::SQS::Queue, DependsOn: A, Properties: { DelaySeconds: 5000 } }\n";
    aws.make("back", broken, &[]);
    let stack = aws.settled("back", "ROLLBACK_COMPLETE");
    assert_eq!(queues(&aws), [""; 0]);
    let why = aws.reasons("back", "ROLLBACK_IN_PROGRESS");
    assert!(
        why[0].contains("The following resource(s) failed to create: [B]. Rollback requested by user."),
        "{stack} {why:?}"
    );
    let update = ["cloudformation", "update-stack", "--stack-name", "back", "--template-body", broken];
    aws.refused(&update, &["is in ROLLBACK_COMPLETE state and can not be updated."]);

    let id =
        aws.make("gone", broken, &["--on-failure", "DELETE"])["StackId"].as_str().expect("an ARN").to_owned();
    aws.settled(&id, "DELETE_COMPLETE");
    aws.make("left", broken, &["--on-failure", "DO_NOTHING"]);
    aws.settled("left", "CREATE_FAILED");
    assert_eq!(queues(&aws), ["a"]);
    // What exists already is nobody's to take over, and stays when the rollback is done.
    aws.make("taken", "Resources: { A: { Type: AWS::SQS::Queue, Properties: { QueueName: a } } }", &[]);
    aws.settled("taken", "ROLLBACK_COMPLETE");
    assert_eq!(queues(&aws), ["a"]);
    // Mended, it is made after all.
    aws.update("left", &broken.replace("5000", "5"), &[]);
    aws.settled("left", "UPDATE_COMPLETE");
    assert_eq!(queues(&aws).len(), 2);
}

#[test]
fn a_rollback_that_fails_is_continued_without_what_it_failed_on() {
    let Some(aws) = Aws::start() else { return };
    let of = |comment: &str| {
        format!(
            "Resources:\n  K: {{ Type: AWS::CloudFront::KeyValueStore, Properties: {{ Name: k, Comment: {comment} }} }}\n"
        )
    };
    aws.make("k", &of("one"), &[]);
    aws.settled("k", "CREATE_COMPLETE");
    // A comment cannot be changed in the sandbox, and so not be changed back.
    aws.update("k", &of("two"), &[]);
    aws.settled("k", "UPDATE_ROLLBACK_FAILED");
    let update = ["cloudformation", "update-stack", "--stack-name", "k", "--template-body", &of("three")];
    aws.refused(&update, &["is in UPDATE_ROLLBACK_FAILED state and can not be updated."]);
    aws.cloudformation(&["continue-update-rollback", "--stack-name", "k"]);
    aws.settled("k", "UPDATE_ROLLBACK_FAILED");
    aws.cloudformation(&["continue-update-rollback", "--stack-name", "k", "--resources-to-skip", "K"]);
    aws.settled("k", "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(aws.cloudformation(&["get-template", "--stack-name", "k"])["TemplateBody"], of("one"));
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

/// Log groups, each waiting for the one before.
fn chain(length: usize) -> String {
    let mut text = "Resources:\n".to_owned();
    for n in 0..length {
        let wait = if n == 0 { String::new() } else { format!(", DependsOn: L{}", n - 1) };
        text.push_str(&format!("  L{n}: {{ Type: AWS::Logs::LogGroup{wait} }}\n"));
    }
    text
}

#[test]
fn an_engine_that_was_killed_goes_on_and_one_that_is_asked_to_stops() {
    let Some(aws) = Aws::start() else { return };
    let groups = || aws.ok(&["logs", "describe-log-groups"])["logGroups"].as_array().expect("groups").len();
    let record = aws.place.sandbox().join("sandbox.json");
    let kill = || {
        let record: Value = serde_json::from_slice(&std::fs::read(&record).expect("reads")).expect("JSON");
        let pid = record["pid"].as_u64().expect("a pid").to_string();
        let killed = std::process::Command::new("kill").args(["-KILL", &pid]).status().expect("runs");
        assert!(killed.success());
        let started = Instant::now();
        while std::path::Path::new(&format!("/proc/{pid}")).exists()
            && started.elapsed() < Duration::from_secs(10)
        {
            std::thread::yield_now();
        }
    };
    aws.make("long", &chain(500), &[]);
    kill();
    aws.place.pave(&["sandbox", "up"]).expect(0);
    let stack = aws.cloudformation(&["describe-stacks", "--stack-name", "long"])["Stacks"][0].clone();
    assert_eq!(stack["StackStatus"], "CREATE_IN_PROGRESS", "it was too quick to be killed");
    aws.settled("long", "CREATE_COMPLETE");
    assert_eq!(groups(), 500);
    let events = aws.cloudformation(&["describe-stack-events", "--stack-name", "long"]);
    let made =
        |event: &&Value| event["ResourceStatus"] == "CREATE_COMPLETE" && event["LogicalResourceId"] != "long";
    assert_eq!(events["StackEvents"].as_array().expect("events").iter().filter(made).count(), 500);

    // All of them are to go and others to come, until that is cancelled.
    let other = chain(500).replace(" L", " M");
    aws.update("long", &other, &[]);
    aws.cloudformation(&["cancel-update-stack", "--stack-name", "long"]);
    kill();
    aws.place.pave(&["sandbox", "up"]).expect(0);
    aws.settled("long", "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(groups(), 500);
    let id = stack["StackId"].as_str().expect("an ARN");
    aws.cloudformation(&["delete-stack", "--stack-name", "long"]);
    kill();
    aws.place.pave(&["sandbox", "up"]).expect(0);
    aws.settled(id, "DELETE_COMPLETE");
    assert_eq!(groups(), 0);
}

#[test]
fn a_service_is_made_when_it_runs_and_gone_when_it_cannot() {
    let Some(aws) = Aws::start() else { return };
    let mini = Mini::new(&aws.place, "1s");
    drop(mini);
    aws.place.pave(&["deploy"]).expect(0);
    let services = aws.ok(&["apprunner", "list-services"]);
    let arn = services["ServiceSummaryList"][0]["ServiceArn"].as_str().expect("an ARN");
    let service = aws.ok(&["apprunner", "describe-service", "--service-arn", arn]);
    let image = &service["Service"]["SourceConfiguration"]["ImageRepository"];
    let template = |identifier: &str| {
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
                            "RuntimeEnvironmentVariables": [{ "Name": "COLOUR", "Value": "red" }],
                        },
                    },
                },
            } },
        }, "Outputs": { "Url": { "Value": { "Fn::GetAtt": ["Web", "ServiceUrl"] } } } })
        .to_string()
    };
    let identifier = image["ImageIdentifier"].as_str().expect("an image");
    aws.make("web", &template(identifier), &[]);
    let stack = aws.settled("web", "CREATE_COMPLETE");
    let list = aws.ok(&["apprunner", "list-services"]);
    let list = list["ServiceSummaryList"].as_array().expect("services").clone();
    let made = list.iter().find(|one| one["ServiceUrl"] == output(&stack, "Url")).expect("the service");
    assert_eq!(made["Status"], "RUNNING");
    aws.remove("web");
    let (repository, _) = identifier.rsplit_once([':', '@']).expect("a tag");
    aws.make("none", &template(&format!("{}:no-such-tag", repository.trim_end_matches("@sha256"))), &[]);
    aws.settled("none", "ROLLBACK_COMPLETE");
    assert_eq!(
        aws.ok(&["apprunner", "list-services"])["ServiceSummaryList"].as_array().map(Vec::len),
        Some(list.len() - 1)
    );
    let left = aws.ok(&["apprunner", "list-auto-scaling-configurations"]);
    assert!(!left.to_string().contains("none-Scaling"), "{left}");
}

#[test]
fn a_template_may_come_from_a_bucket() {
    let Some(aws) = Aws::start() else { return };
    let file = aws.place.path().join("t.yml");
    std::fs::write(&file, QUEUES).expect("writes");
    aws.ok(&["s3api", "create-bucket", "--bucket", "templates"]);
    aws.ok(&[
        "s3api",
        "put-object",
        "--bucket",
        "templates",
        "--key",
        "a/t.yml",
        "--body",
        &file.display().to_string(),
    ]);
    for (n, host) in ["https://templates.s3.eu-west-1.amazonaws.com", "https://s3.amazonaws.com/templates"]
        .iter()
        .enumerate()
    {
        let (name, url) = (format!("s{n}"), format!("{host}/a/t.yml"));
        let rename = format!("ParameterKey=Name,ParameterValue=n{n}");
        aws.cloudformation(&[
            "create-stack",
            "--stack-name",
            &name,
            "--template-url",
            &url,
            "--parameters",
            &rename,
        ]);
        // Both have a queue of the same name, which the second is refused.
        let status = if n == 0 { "CREATE_COMPLETE" } else { "ROLLBACK_COMPLETE" };
        aws.settled(&name, status);
    }
    let none = [
        "cloudformation",
        "create-stack",
        "--stack-name",
        "no",
        "--template-url",
        "https://s3.amazonaws.com/templates/none",
    ];
    aws.refused(&none, &["S3 error: The specified key does not exist."]);
}
