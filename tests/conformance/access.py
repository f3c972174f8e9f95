"""That a session of a role may do exactly what its role allows, and a stack what its maker may."""

import time
from typing import Any

import guarded
import owned
import roles
import stacked
from botocore.handlers import json_decode_policies
from roles import allow, document, read, signed, trust
from witness import Witness


def run(w: Witness) -> None:
    """All of it."""
    client = roles.iam(w)
    account = w.client("sts").get_caller_identity()["Account"]
    roles.roles(w, client, account)
    roles.policies(w, client, account)
    roles.attached(w, client, account)
    roles.providers(w, client, account)
    roles.linked(w, client, account)
    roles.simulated(w, client, account)
    sessions(w, client, account)
    guarded.objects(w, client, account)
    guarded.registry(w, client, account)
    owned.run(w, client, account)
    given(w, client, account)
    stacks(w, client, account)
    stacked.run(w, client, account, settled)


def sessions(w: Witness, client: Any, account: str) -> None:
    """Who has a role may do what it allows, by every protocol, and nothing else."""
    s3, sqs = w.client("s3"), w.client("sqs")
    for bucket in ("mine", "theirs"):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
        s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    jobs = sqs.create_queue(QueueName="allowed-jobs")["QueueUrl"]
    text = document(
        allow("s3:GetObject", "arn:aws:s3:::mine/*"),
        allow("s3:DeleteObject", "arn:aws:s3:::mine/gone/*"),
        allow("s3:ListBucket", "arn:aws:s3:::mine", Condition={"StringLike": {"s3:prefix": "a*"}}),
        allow("sqs:SendMessage", f"arn:aws:sqs:*:{account}:allowed-*"),
        allow(["cloudformation:ListStacks", "cloudwatch:ListMetrics", "ecr:GetAuthorizationToken"]),
        allow("ssm:GetParameter", f"arn:aws:ssm:*:{account}:parameter/app/*"),
        allow("iam:GetRole", "arn:aws:iam::*:role/${aws:PrincipalTag/role}"),
    )
    client.create_role(
        RoleName="worker",
        AssumeRolePolicyDocument=trust(AWS=f"arn:aws:iam::{account}:root"),
        Tags=[{"Key": "role", "Value": "worker"}],
    )
    client.put_role_policy(RoleName="worker", PolicyName="own", PolicyDocument=text)
    role = f"arn:aws:iam::{account}:role/worker"
    sts = w.client("sts")

    def session(**more: Any) -> dict[str, str]:
        return signed(sts.assume_role(RoleArn=role, RoleSessionName="ci", **more)["Credentials"])

    mine = session()
    s3, sqs, ssm = w.client("s3", **mine), w.client("sqs", **mine), w.client("ssm", **mine)
    s3.get_object(Bucket="mine", Key="a")
    s3.head_object(Bucket="mine", Key="a")
    s3.list_objects_v2(Bucket="mine", Prefix="a")
    w.refused("AccessDenied", s3.list_objects_v2, Bucket="mine")
    w.refused("AccessDenied", s3.get_object, Bucket="mine", Key="not-there")
    w.refused("AccessDenied", s3.get_object, Bucket="theirs", Key="a")
    w.refused("AccessDenied", s3.put_object, Bucket="mine", Key="b", Body=b"x")
    told = s3.delete_objects(Bucket="mine", Delete={"Objects": [{"Key": "a"}, {"Key": "gone/a"}]})
    w.holds(f"what may be removed is: {told}", [one["Key"] for one in told["Deleted"]] == ["gone/a"])
    w.holds("the rest is not", [(one["Key"], one["Code"]) for one in told["Errors"]] == [("a", "AccessDenied")])
    w.refused("AccessDenied", s3.list_buckets)
    sqs.send_message(QueueUrl=jobs, MessageBody="x")
    sqs.send_message_batch(QueueUrl=jobs, Entries=[{"Id": "1", "MessageBody": "x"}])
    w.refused("AccessDenied", sqs.receive_message, QueueUrl=jobs)
    w.refused("ParameterNotFound", ssm.get_parameter, Name="/app/a")
    w.refused("AccessDeniedException", ssm.get_parameter, Name="/other/a")
    w.client("cloudformation", **mine).list_stacks()
    w.refused("AccessDenied", w.client("cloudformation", **mine).describe_stacks, StackName="x")
    w.client("cloudwatch", **mine).list_metrics()
    w.refused("AccessDenied", w.client("cloudwatch", **mine).describe_alarms)
    w.refused("AccessDenied", w.client("rds", **mine).describe_db_instances)
    w.client("ecr", **mine).get_authorization_token()
    w.refused("AccessDeniedException", w.client("ecr", **mine).describe_repositories)
    for service, call, arguments in (
        ("apprunner", "list_services", {}),
        ("codebuild", "list_projects", {}),
        ("dynamodb", "list_tables", {}),
        ("logs", "describe_log_groups", {}),
        ("secretsmanager", "list_secrets", {}),
        ("bedrock-runtime", "converse", {"modelId": "a.b-v1:0", "messages": [{"role": "user", "content": [{"text": "a"}]}]}),
    ):
        w.refused("AccessDeniedException", getattr(w.client(service, **mine), call), **arguments)
    front = w.client("cloudfront", **mine)
    for listed in (front.list_key_value_stores, front.list_functions, front.list_distributions):
        w.refused("AccessDenied", listed)
    w.refused("AccessDenied", front.describe_function, Name="router")
    w.refused("AccessDenied", front.get_distribution, Id="ENOTHING")
    own = w.client("iam", **mine)
    own.meta.events.unregister("after-call.iam", json_decode_policies)
    own.get_role(RoleName="worker")
    w.refused("AccessDenied", own.get_role, RoleName="AWSServiceRoleForAppRunner")
    w.refused("AccessDenied", own.list_roles)
    w.client("sts", **mine).get_caller_identity()
    w.refused("AccessDenied", w.client("sts", **mine).assume_role, RoleArn=role, RoleSessionName="ci")

    less = session(Policy=document(allow("s3:GetObject")))
    w.client("s3", **less).get_object(Bucket="mine", Key="a")
    w.refused("AccessDenied", w.client("s3", **less).get_object, Bucket="theirs", Key="a")
    w.refused("AccessDenied", w.client("sqs", **less).send_message, QueueUrl=jobs, MessageBody="x")
    w.refused("MalformedPolicyDocument", sts.assume_role, RoleArn=role, RoleSessionName="ci", Policy="{}")
    w.refused("ValidationError", sts.assume_role, RoleArn=role, RoleSessionName="ci", DurationSeconds=7200)
    client.update_assume_role_policy(RoleName="worker", PolicyDocument=trust(Service="codebuild.amazonaws.com"))
    w.refused("AccessDenied", sts.assume_role, RoleArn=role, RoleSessionName="ci")
    client.delete_role_policy(RoleName="worker", PolicyName="own")
    w.refused("AccessDenied", s3.get_object, Bucket="mine", Key="a")
    client.delete_role(RoleName="worker")
    w.refused("AccessDenied", s3.get_object, Bucket="mine", Key="a")
    s3 = w.client("s3")
    for bucket in ("mine", "theirs"):
        s3.delete_object(Bucket=bucket, Key="a")
        s3.delete_bucket(Bucket=bucket)
    w.client("sqs").delete_queue(QueueUrl=jobs)


def given(w: Witness, client: Any, account: str) -> None:
    """Who gives a role to a service needs to be allowed to, and the role has to let the service take it."""
    client.create_role(RoleName="giver", AssumeRolePolicyDocument=trust(AWS=account))
    arn = f"arn:aws:iam::{account}:role/giver"
    source = {"ImageIdentifier": "x@y", "ImageRepositoryType": "ECR"}
    pull = {"ImageRepository": source, "AuthenticationConfiguration": {"AccessRoleArn": arn}}
    w.refused("InvalidRequestException", w.client("apprunner").create_service, ServiceName="given", SourceConfiguration=pull)
    project = {
        "name": "given",
        "source": {"type": "S3", "location": "bundles/none.tar.gz"},
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": {"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL"},
        "serviceRole": arn,
    }
    w.refused("InvalidInputException", w.client("codebuild").create_project, **project)
    both = trust(AWS=account, Service="codebuild.amazonaws.com")
    client.update_assume_role_policy(RoleName="giver", PolicyDocument=both)
    keys = w.client("sts").assume_role(RoleArn=arn, RoleSessionName="ci")["Credentials"]
    builds = w.client("codebuild", **signed(keys))
    may = allow("codebuild:*")
    client.put_role_policy(RoleName="giver", PolicyName="own", PolicyDocument=document(may))
    w.refused("AccessDeniedException", builds.create_project, **project)
    to = {"StringEquals": {"iam:PassedToService": "codebuild.amazonaws.com"}}
    text = document(may, allow("iam:PassRole", arn, Condition=to))
    client.put_role_policy(RoleName="giver", PolicyName="own", PolicyDocument=text)
    builds.create_project(**project)
    builds.delete_project(name="given")
    client.delete_role_policy(RoleName="giver", PolicyName="own")
    client.delete_role(RoleName="giver")


TEMPLATE = """
Parameters: { Action: { Type: String, Default: 's3:GetObject' } }
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: '2012-10-17'
        Statement: [{ Effect: Allow, Principal: { Service: tasks.apprunner.amazonaws.com }, Action: 'sts:AssumeRole' }]
      ManagedPolicyArns: ['arn:aws:iam::aws:policy/CloudWatchLogsFullAccess']
      Policies:
        - PolicyName: inner
          PolicyDocument: { Version: '2012-10-17', Statement: [{ Effect: Allow, Action: !Ref Action, Resource: '*' }] }
      Tags: [{ Key: made-by, Value: stack }]
  Inline:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: outer
      Roles: [!Ref Role]
      PolicyDocument: { Version: '2012-10-17', Statement: [{ Effect: Allow, Action: !Ref Action, Resource: '*' }] }
  Managed:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      Path: /apps/
      Roles: [!Ref Role]
      PolicyDocument: { Version: '2012-10-17', Statement: [{ Effect: Allow, Action: !Ref Action, Resource: '*' }] }
  Provider:
    Type: AWS::IAM::OIDCProvider
    Properties: { Url: 'https://oidc.example.com', ClientIdList: [sts.amazonaws.com], ThumbprintList: [%s] }
Outputs:
  Role: { Value: !Ref Role }
  Arn: { Value: !GetAtt Role.Arn }
  Managed: { Value: !Ref Managed }
  Provider: { Value: !GetAtt Provider.Arn }
""" % ("a" * 40)


def settled(stacks: Any, name: str, status: str) -> dict[str, Any] | None:
    """The stack once nothing is under way, if it came to this status."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        stack = stacks.describe_stacks(StackName=name)["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack if stack["StackStatus"] == status else None
        time.sleep(0.1)
    return None


def stacks(w: Witness, client: Any, account: str) -> None:
    """Roles and policies that stacks make, and stacks whose maker may not do all that they hold."""
    made = w.client("cloudformation")
    w.refused("InsufficientCapabilitiesException", made.create_stack, StackName="roles", TemplateBody=TEMPLATE)
    asked = {"StackName": "roles", "TemplateBody": TEMPLATE, "Capabilities": ["CAPABILITY_IAM"]}
    made.create_stack(**asked)
    stack = settled(made, "roles", "CREATE_COMPLETE")
    if not stack:
        w.problems.append(f"the stack is not made: {made.describe_stack_events(StackName='roles')['StackEvents']}")
        return
    out = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    role = out["Role"]
    w.holds(f"an ARN is the role's: {out}", client.get_role(RoleName=role)["Role"]["Arn"] == out["Arn"])
    w.holds(f"a name is the stack's: {role}", role.startswith("roles-Role-"))
    names = client.list_role_policies(RoleName=role)["PolicyNames"]
    w.holds(f"inline policies are there: {names}", names == ["inner", "outer"])
    arns = {policy["PolicyArn"] for policy in client.list_attached_role_policies(RoleName=role)["AttachedPolicies"]}
    w.holds(f"policies are attached: {arns}", arns == {"arn:aws:iam::aws:policy/CloudWatchLogsFullAccess", out["Managed"]})
    made.detect_stack_drift(StackName="roles")
    drift = made.describe_stacks(StackName="roles")["Stacks"][0]["DriftInformation"]["StackDriftStatus"]
    w.holds(f"what a stack attaches is no drift: {drift}", drift == "IN_SYNC")
    made.update_stack(**asked, Parameters=[{"ParameterKey": "Action", "ParameterValue": "s3:PutObject"}])
    w.holds("the stack is changed", settled(made, "roles", "UPDATE_COMPLETE") is not None)
    for name in names:
        shown = read(client.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
        w.holds(f"a policy is changed: {shown}", shown["Statement"][0]["Action"] == "s3:PutObject")
    version = client.get_policy(PolicyArn=out["Managed"])["Policy"]["DefaultVersionId"]
    w.holds(f"another version is in force: {version}", version == "v2")

    # Who makes a stack needs to be allowed what it holds.
    client.create_role(RoleName="builder", AssumeRolePolicyDocument=trust(AWS=account))
    text = document(allow(["cloudformation:*", "sqs:*"]))
    client.put_role_policy(RoleName="builder", PolicyName="own", PolicyDocument=text)
    keys = w.client("sts").assume_role(RoleArn=f"arn:aws:iam::{account}:role/builder", RoleSessionName="ci")["Credentials"]
    built = w.client("cloudformation", **signed(keys))
    queue = "Resources: { Q: { Type: AWS::SQS::Queue } }"
    built.create_stack(StackName="may", TemplateBody=queue)
    w.holds("a stack of what is allowed is made", settled(built, "may", "CREATE_COMPLETE") is not None)
    group = "Resources: { Q: { Type: AWS::SQS::Queue }, G: { Type: AWS::Logs::LogGroup, DependsOn: Q } }"
    built.create_stack(StackName="may-not", TemplateBody=group)
    w.holds("a stack of more is rolled back", settled(built, "may-not", "ROLLBACK_COMPLETE") is not None)
    events = made.describe_stack_events(StackName="may-not")["StackEvents"]
    why = [event["ResourceStatusReason"] for event in events if event["ResourceStatus"] == "CREATE_FAILED"]
    said = "assumed-role/builder/ci is not authorized to perform: logs:"
    w.holds(f"why is told: {why}", len(why) == 1 and said in why[0])
    wrong = f"arn:aws:iam::{account}:role/builder"
    w.refused("ValidationError", made.create_stack, StackName="wrong", TemplateBody=queue, RoleARN=wrong)
    w.refused("AccessDenied", built.create_stack, StackName="passed", TemplateBody=queue, RoleARN=wrong)
    client.update_assume_role_policy(RoleName="builder", PolicyDocument=trust(Service="cloudformation.amazonaws.com"))
    made.create_stack(StackName="by-role", TemplateBody=group, RoleARN=wrong)
    w.holds("a stack may what its role may", settled(made, "by-role", "ROLLBACK_COMPLETE") is not None)
    for name in ("roles", "may", "may-not", "by-role"):
        stack = made.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
        made.delete_stack(StackName=name)
        w.holds(f"{name} is removed", settled(made, stack, "DELETE_COMPLETE") is not None)
    left = client.list_policies(Scope="Local")["Policies"] + client.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    w.holds(f"nothing is left of a stack: {left}", left == [])
    w.refused("NoSuchEntity", client.get_role, RoleName=role)
    client.delete_role_policy(RoleName="builder", PolicyName="own")
    client.delete_role(RoleName="builder")
