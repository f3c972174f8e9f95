//! Stacks that are made, and what the other services show of them.

use serde_json::json;

use crate::{
    aws::{QUEUES, Stacks as _, output, queues},
    support::aws::Aws,
};

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
      PolicyDocument:
        Version: 2012-10-17
        Statement: [{ Effect: Deny, Principal: '*', Action: 's3:*', Resource: !Sub '${Bucket.Arn}/*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }]
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
  Router:
    Type: AWS::CloudFront::Function
    Properties:
      Name: !Sub '${AWS::StackName}-router'
      AutoPublish: true
      FunctionCode: 'async function handler(event) { return event.request; }'
      FunctionConfig:
        Comment: a < b
        Runtime: cloudfront-js-2.0
        KeyValueStoreAssociations: [{ KeyValueStoreARN: !GetAtt Routes.Arn }]
  Site:
    Type: AWS::CloudFront::Distribution
    Properties:
      Tags: [{ Key: a, Value: b }]
      DistributionConfig:
        Enabled: true
        Origins: [{ Id: app, DomainName: app.example.com, CustomOriginConfig: { OriginProtocolPolicy: https-only } }]
        DefaultCacheBehavior:
          TargetOriginId: app
          ViewerProtocolPolicy: allow-all
          CachePolicyId: 4135ea2d-6df8-44a3-9df3-4b5a84be39ad
          AllowedMethods: [GET, HEAD]
          FunctionAssociations:
            - { EventType: viewer-request, FunctionARN: !GetAtt Router.FunctionMetadata.FunctionARN }
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
  Site: { Value: !Ref Site }
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
    let site = aws.ok(&["cloudfront", "get-distribution", "--id", output(&stack, "Site")]);
    assert_eq!(site["Distribution"]["Status"], "Deployed");
    let behaviour = &site["Distribution"]["DistributionConfig"]["DefaultCacheBehavior"];
    let router = aws.ok(&["cloudfront", "describe-function", "--name", "tour-router", "--stage", "LIVE"]);
    let arn = &router["FunctionSummary"]["FunctionMetadata"]["FunctionARN"];
    assert_eq!(&behaviour["FunctionAssociations"]["Items"][0]["FunctionARN"], arn);
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
    assert_eq!(resources["StackResourceSummaries"].as_array().map(Vec::len), Some(12));
    let one = ["describe-stack-resource", "--stack-name", "tour", "--logical-resource-id", "Queue"];
    assert_eq!(aws.cloudformation(&one)["StackResourceDetail"]["PhysicalResourceId"], queue);
    let owner =
        aws.cloudformation(&["describe-stack-resources", "--physical-resource-id", output(&stack, "Build")]);
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
