"""CloudFormation: a stack's life from its first change set to its removal."""

import json
import uuid
from typing import Any

from running import until
from witness import Witness


def template(visible: int = 30, **more: dict[str, Any]) -> str:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "jobs", "VisibilityTimeout": visible}}
    output = {"Value": {"Fn::GetAtt": ["Jobs", "Arn"]}, "Export": {"Name": "jobs"}}
    # A remark makes it YAML: botocore gives back JSON as what it says.
    return "# a stack\n" + json.dumps({"Resources": {"Jobs": queue} | more, "Outputs": {"Jobs": output}})


BORROWS = json.dumps({"Resources": {"Log": {
    "Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Fn::Select": [5, {"Fn::Split": [":", {"Fn::ImportValue": "jobs"}]}]}},
}}})
# A second queue of a name that is there with other attributes is refused, and so is the stack.
FAILS = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "taken", "VisibilityTimeout": 1}}
POLICY = json.dumps({"Statement": [{"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}]})


def cloudformation(w: Witness) -> None:
    client = w.client("cloudformation")

    def settled(name: str, status: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            stack = client.describe_stacks(StackName=name)["Stacks"][0]
            return None if stack["StackStatus"].endswith("_IN_PROGRESS") else stack

        stack = until(f"{name} settles", look)
        w.holds(f"{name} is {status}, not {stack['StackStatus']}", stack["StackStatus"] == status)
        return stack

    w.refused("ValidationError", client.validate_template, TemplateBody="Resources: {}")
    client.validate_template(TemplateBody=template())
    client.get_template_summary(TemplateBody=template())
    w.refused("ValidationError", client.describe_stacks, StackName="nothing")

    change = {"StackName": "tour", "ChangeSetName": "first"}
    client.create_change_set(**change, ChangeSetType="CREATE", TemplateBody=template(), Tags=[{"Key": "team", "Value": "a"}])
    until("a change set is told", lambda: client.describe_change_set(**change)["Status"] == "CREATE_COMPLETE")
    changes = client.describe_change_set(**change)["Changes"]
    w.holds("what it would add is told", [one["ResourceChange"]["Action"] for one in changes] == ["Add"])
    client.execute_change_set(**change)
    stack = settled("tour", "CREATE_COMPLETE")
    w.refused("AlreadyExistsException", client.create_stack, StackName="tour", TemplateBody=template())
    w.refused("ValidationError", client.update_stack, StackName="tour", TemplateBody=template())
    client.create_change_set(StackName="tour", ChangeSetName="second", TemplateBody=template(60))
    listed = client.list_change_sets(StackName="tour")["Summaries"]
    w.holds("change sets are listed", "second" in [one["ChangeSetName"] for one in listed])
    client.delete_change_set(StackName="tour", ChangeSetName="second")
    w.refused("ChangeSetNotFound", client.describe_change_set, StackName="tour", ChangeSetName="second")

    client.create_stack(StackName="borrower", TemplateBody=BORROWS)
    settled("borrower", "CREATE_COMPLETE")
    w.holds("an export is listed", [one["Name"] for one in client.list_exports()["Exports"]] == ["jobs"])
    w.holds("so is who imports it", client.list_imports(ExportName="jobs")["Imports"] == ["borrower"])

    client.set_stack_policy(StackName="tour", StackPolicyBody=POLICY)
    w.holds("a policy is kept", client.get_stack_policy(StackName="tour")["StackPolicyBody"] == POLICY)
    client.update_termination_protection(StackName="tour", EnableTerminationProtection=True)
    w.refused("ValidationError", client.delete_stack, StackName="tour")
    client.update_termination_protection(StackName="tour", EnableTerminationProtection=False)

    client.update_stack(StackName="tour", TemplateBody=template(60))
    settled("tour", "UPDATE_COMPLETE")
    for call, code in ((client.cancel_update_stack, "ValidationError"), (client.continue_update_rollback, "ValidationError")):
        w.refused(code, call, StackName="tour")
    client.get_template(StackName="tour")
    client.describe_stack_events(StackName="tour")
    client.describe_stack_resource(StackName="tour", LogicalResourceId="Jobs")
    client.describe_stack_resources(StackName="tour")
    client.list_stack_resources(StackName="tour")

    sqs = w.client("sqs")
    url = sqs.get_queue_url(QueueName="jobs")["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "5"})
    look = client.detect_stack_drift(StackName="tour")["StackDriftDetectionId"]
    w.holds(f"its id is a UUID: {look}", str(uuid.UUID(look)) == look)
    told = lambda: client.describe_stack_drift_detection_status(StackDriftDetectionId=look)  # noqa: E731
    until("drift is looked for", lambda: told()["DetectionStatus"] != "DETECTION_IN_PROGRESS")
    w.holds("drift is found", told()["StackDriftStatus"] == "DRIFTED")
    drifts = client.describe_stack_resource_drifts(StackName="tour")["StackResourceDrifts"]
    w.holds("and told", [one["StackResourceDriftStatus"] for one in drifts] == ["MODIFIED"])

    taken = sqs.create_queue(QueueName="taken", Attributes={"VisibilityTimeout": "9"})["QueueUrl"]
    failing = json.dumps({"Resources": {"Taken": FAILS}})
    client.create_stack(StackName="failing", TemplateBody=failing, DisableRollback=True)
    settled("failing", "CREATE_FAILED")
    client.rollback_stack(StackName="failing")
    settled("failing", "ROLLBACK_COMPLETE")
    sqs.delete_queue(QueueUrl=taken)

    # Who gives an export stays as it is for as long as that is imported, and an event says why.
    client.delete_stack(StackName="tour")
    settled("tour", "UPDATE_COMPLETE")
    why = client.describe_stack_events(StackName="tour")["StackEvents"][0].get("ResourceStatusReason", "")
    w.holds(f"who imports an export is told: {why}", "borrower" in why)
    for name in ("borrower", "tour", "failing"):
        identifier = client.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
        client.delete_stack(StackName=name)
        settled(identifier, "DELETE_COMPLETE")
    gone = client.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]
    w.holds("what is gone is listed", stack["StackId"] in [one["StackId"] for one in gone])
