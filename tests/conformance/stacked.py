"""That what is read for somebody is read as that one may: by stacks, templates and calls for several secrets."""

from typing import Any

from roles import allow, document, signed, trust
from witness import Witness


def run(w: Witness, client: Any, account: str, settled: Any) -> None:
    """All of it, by sessions of one role."""
    client.create_role(RoleName="maker", AssumeRolePolicyDocument=trust(AWS=account))
    keys = w.client("sts").assume_role(RoleArn=f"arn:aws:iam::{account}:role/maker", RoleSessionName="ci")
    keys = signed(keys["Credentials"])

    def may(*statements: dict[str, Any]) -> None:
        client.put_role_policy(RoleName="maker", PolicyName="own", PolicyDocument=document(*statements))

    secrets, ssm = w.client("secretsmanager"), w.client("ssm")
    secrets.create_secret(Name="top", SecretString="hush")
    secrets.create_secret(Name="open", SecretString="said")
    ssm.put_parameter(Name="/top", Value="seen", Type="String")
    stacks(w, keys, may, settled)
    asked = {"Name": "/aws/reference/secretsmanager/top", "WithDecryption": True}
    may(allow("ssm:*"))
    w.refused("AccessDeniedException", w.client("ssm", **keys).get_parameter, **asked)
    may(allow(["ssm:*", "secretsmanager:GetSecretValue"]))
    w.client("ssm", **keys).get_parameter(**asked)
    several(w, w.client("secretsmanager", **keys), may)
    for name in ("top", "open"):
        secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    ssm.delete_parameter(Name="/top")
    client.delete_role_policy(RoleName="maker", PolicyName="own")
    client.delete_role(RoleName="maker")


def stacks(w: Witness, keys: dict[str, str], may: Any, settled: Any) -> None:
    """A stack's references and its template."""
    own, made, s3 = w.client("cloudformation"), w.client("cloudformation", **keys), w.client("s3")
    first = allow(["cloudformation:*", "sqs:*"])
    for service, action, name in (
        ("secretsmanager", "secretsmanager:GetSecretValue", "top"),
        ("ssm", "ssm:GetParameter", "/top"),
    ):
        template = "Resources: { Q: { Type: AWS::SQS::Queue, Properties: { QueueName: 'q-{{resolve:%s:%s}}' } } }"
        asked = {"StackName": service, "TemplateBody": template % (service, name)}
        may(first)
        id = made.create_stack(**asked)["StackId"]
        w.holds(f"{service} is not read for who may not", settled(own, service, "ROLLBACK_COMPLETE") is not None)
        events = own.describe_stack_events(StackName=id)["StackEvents"]
        why = [event["ResourceStatusReason"] for event in events if event["ResourceStatus"] == "CREATE_FAILED"]
        said = f"assumed-role/maker/ci is not authorized to perform: {action}"
        w.holds(f"and why is told: {why}", len(why) == 1 and said in why[0])
        made.delete_stack(StackName=service)
        w.holds("it is removed", settled(own, id, "DELETE_COMPLETE") is not None)
        may(first, allow(action))
        id = made.create_stack(**asked)["StackId"]
        w.holds(f"{service} is read for who may", settled(own, service, "CREATE_COMPLETE") is not None)
        made.delete_stack(StackName=service)
        w.holds("that is removed", settled(own, id, "DELETE_COMPLETE") is not None)
    s3.create_bucket(Bucket="templates", CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    s3.put_object(Bucket="templates", Key="t.yaml", Body=b"Resources: { Q: { Type: AWS::SQS::Queue } }")
    address = "https://templates.s3.amazonaws.com/t.yaml"
    may(first)
    w.refused("ValidationError", made.validate_template, TemplateURL=address)
    w.refused("ValidationError", made.create_stack, StackName="by-address", TemplateURL=address)
    may(first, allow("s3:GetObject", "arn:aws:s3:::templates/*"))
    made.validate_template(TemplateURL=address)
    s3.delete_object(Bucket="templates", Key="t.yaml")
    s3.delete_bucket(Bucket="templates")


def several(w: Witness, secrets: Any, may: Any) -> None:
    """Of several secrets, those are told that may be read."""
    whole = allow("secretsmanager:BatchGetSecretValue")
    open = allow("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:*:*:secret:open-*")
    filters = [{"Key": "name", "Values": ["top", "open"]}]
    may(whole, open)
    w.refused("AccessDeniedException", secrets.batch_get_secret_value, Filters=filters)
    may(whole, open, allow("secretsmanager:ListSecrets"))
    for asked in ({"Filters": filters}, {"SecretIdList": ["top", "open"]}):
        told = secrets.batch_get_secret_value(**asked)
        w.holds(f"one is read: {told}", [one["SecretString"] for one in told["SecretValues"]] == ["said"])
        errors = [(one["SecretId"], one["ErrorCode"]) for one in told["Errors"]]
        w.holds(f"the other is denied: {errors}", errors == [("top", "AccessDeniedException")])
