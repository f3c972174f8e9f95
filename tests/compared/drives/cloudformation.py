"""CloudFormation. moto makes a stack before it answers; here the last event of each is waited for on both."""

import json

from side import Side

QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "jobs", "VisibilityTimeout": 30}}
OUTPUT = {"Value": {"Fn::GetAtt": ["Jobs", "Arn"]}, "Export": {"Name": "jobs"}}
PARAMETERS = {"Size": {"Type": "Number", "Default": 1, "Description": "how many"}}
PLAIN = {"Description": "A queue", "Parameters": PARAMETERS, "Resources": {"Jobs": QUEUE}, "Outputs": {"Jobs": OUTPUT}}
TEMPLATE = json.dumps(PLAIN)
LATER = json.dumps(PLAIN | {"Resources": {"Jobs": QUEUE | {"Properties": {"QueueName": "jobs", "VisibilityTimeout": 60}}}})
NAME = {"Fn::Select": [5, {"Fn::Split": [":", {"Fn::ImportValue": "jobs"}]}]}
BORROWS = json.dumps({"Resources": {"Log": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": NAME}}}})
SMALL = json.dumps({"Resources": {"Log": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "small"}}}})
POLICY = json.dumps({"Statement": [{"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}]})


def drive(on: Side) -> None:
    ask = on.client("cloudformation")

    def settled(name: str) -> None:
        ended = lambda told: "Error" in told or not told["Stacks"][0]["StackStatus"].endswith("_IN_PROGRESS")  # noqa: E731
        ask.until(ended, "DescribeStacks", StackName=name)

    ask("ValidateTemplate", TemplateBody=TEMPLATE)
    ask("ValidateTemplate", TemplateBody="Resources: {}")
    ask("ValidateTemplate", TemplateBody="{")
    ask("GetTemplateSummary", TemplateBody=TEMPLATE)
    ask("DescribeStacks", StackName="nothing")
    change = {"StackName": "tour", "ChangeSetName": "first"}
    ask("CreateChangeSet", **change, ChangeSetType="CREATE", TemplateBody=TEMPLATE, Tags=[{"Key": "team", "Value": "a"}])
    ask.until(lambda told: told["Status"] == "CREATE_COMPLETE", "DescribeChangeSet", **change)
    ask("DescribeChangeSet", StackName="tour", ChangeSetName="nothing")
    ask("ListChangeSets", StackName="tour")
    ask("ExecuteChangeSet", **change)
    ask("ExecuteChangeSet", StackName="tour", ChangeSetName="nothing")
    settled("tour")
    ask("CreateStack", StackName="tour", TemplateBody=TEMPLATE)
    ask("CreateStack", StackName="0dd", TemplateBody=SMALL)
    ask("CreateStack", StackName="odd", TemplateBody="{}")
    for name in ("0dd", "odd"):
        ask.ask("DeleteStack", StackName=name)
    ask("UpdateStack", StackName="tour", TemplateBody=TEMPLATE)
    ask("UpdateStack", StackName="nothing", TemplateBody=TEMPLATE)
    ask.ask("CreateChangeSet", StackName="tour", ChangeSetName="second", TemplateBody=LATER)
    second = {"StackName": "tour", "ChangeSetName": "second"}
    ask.until(lambda told: told["Status"] == "CREATE_COMPLETE", "DescribeChangeSet", **second)
    ask("DeleteChangeSet", **second)
    ask("DescribeChangeSet", **second)
    ask("CreateStack", StackName="borrower", TemplateBody=BORROWS)
    settled("borrower")
    ask("ListExports")
    ask("ListImports", ExportName="jobs")
    ask("ListImports", ExportName="nothing")
    ask("SetStackPolicy", StackName="tour", StackPolicyBody=POLICY)
    ask("SetStackPolicy", StackName="nothing", StackPolicyBody=POLICY)
    ask("GetStackPolicy", StackName="tour")
    ask("GetStackPolicy", StackName="nothing")
    ask("UpdateTerminationProtection", StackName="tour", EnableTerminationProtection=True)
    ask("UpdateTerminationProtection", StackName="nothing", EnableTerminationProtection=True)
    ask("UpdateTerminationProtection", StackName="tour", EnableTerminationProtection=False)
    ask("UpdateStack", StackName="tour", TemplateBody=LATER)
    settled("tour")
    for operation in ("CancelUpdateStack", "ContinueUpdateRollback", "RollbackStack"):
        ask(operation, StackName="tour")
    ask("GetTemplate", StackName="tour")
    ask("GetTemplate", StackName="nothing")
    ask("GetTemplateSummary", StackName="tour")
    ask("DescribeStackEvents", StackName="tour")
    ask("DescribeStackEvents", StackName="nothing")
    ask("DescribeStackResource", StackName="tour", LogicalResourceId="Jobs")
    ask("DescribeStackResource", StackName="tour", LogicalResourceId="None")
    ask("DescribeStackResources", StackName="tour")
    ask("DescribeStackResources", StackName="nothing")
    ask("ListStackResources", StackName="tour")
    ask("ListStackResources", StackName="nothing")
    ask("ListStacks")
    ask("ListStacks", StackStatusFilter=["DELETE_COMPLETE"])
    look = ask("DetectStackDrift", StackName="tour").get("StackDriftDetectionId", "none")
    ask("DescribeStackDriftDetectionStatus", StackDriftDetectionId=look)
    ask("DescribeStackResourceDrifts", StackName="tour")
    for name in ("borrower", "tour"):
        identifier = ask.ask("DescribeStacks", StackName=name)["Stacks"][0]["StackId"]
        ask("DeleteStack", StackName=name)
        settled(identifier)
    ask("DescribeStacks", StackName="tour")
    ask("DeleteStack", StackName="nothing")
