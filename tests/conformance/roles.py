"""IAM: every operation, with its main refusals."""

import json
from typing import Any
from urllib.parse import unquote

from botocore.handlers import json_decode_policies
from witness import Witness

READ_OBJECTS = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
PULL = "arn:aws:iam::aws:policy/service-role/AWSAppRunnerServicePolicyForECRAccess"


def document(*statements: dict[str, Any]) -> str:
    """A policy of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions: Any, resources: Any = "*", **more: Any) -> dict[str, Any]:
    """A statement that allows."""
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def trust(**principal: Any) -> str:
    """A trust policy."""
    return document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})


def read(shown: str) -> Any:
    """A document as IAM shows it."""
    return json.loads(unquote(shown))


def signed(keys: dict[str, Any]) -> dict[str, str]:
    """What a client signs with the credentials of a session."""
    return {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }


def iam(w: Witness) -> Any:
    """A client that leaves documents as they are sent, which is what their shape is."""
    client = w.client("iam")
    client.meta.events.unregister("after-call.iam", json_decode_policies)
    return client


def roles(w: Witness, client: Any, account: str) -> None:
    """Roles and their inline policies."""
    trusted = trust(AWS=f"arn:aws:iam::{account}:root")
    tags = [{"Key": "team", "Value": "a"}]
    made = client.create_role(
        RoleName="Reader",
        Path="/apps/",
        AssumeRolePolicyDocument=trusted,
        Description="reads",
        MaxSessionDuration=7200,
        PermissionsBoundary=READ_OBJECTS,
        Tags=tags,
    )["Role"]
    w.holds(f"an ARN has its path: {made}", made["Arn"] == f"arn:aws:iam::{account}:role/apps/Reader")
    w.holds(f"an id has its prefix: {made}", made["RoleId"].startswith("AROA") and len(made["RoleId"]) == 21)
    got = client.get_role(RoleName="Reader")["Role"]
    w.holds(f"a role is as it was made: {got}", got == made and read(got["AssumeRolePolicyDocument"]) == json.loads(trusted))
    w.refused("EntityAlreadyExists", client.create_role, RoleName="reader", AssumeRolePolicyDocument=trusted)
    w.refused("NoSuchEntity", client.get_role, RoleName="nobody")
    w.refused("ValidationError", client.create_role, RoleName="a b", AssumeRolePolicyDocument=trusted)
    w.refused("ValidationError", client.create_role, RoleName="r", Path="apps", AssumeRolePolicyDocument=trusted)
    w.refused("ValidationError", client.create_role, RoleName="r", AssumeRolePolicyDocument=trusted, MaxSessionDuration=50_000)
    for wrong in (
        "words",
        document(),
        document(allow("sts:AssumeRole")),
        trust(AWS="nobody"),
        trust(AWS=f"arn:aws:iam::{account}:role/nobody"),
        document({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}),
    ):
        w.refused("MalformedPolicyDocument", client.create_role, RoleName="r", AssumeRolePolicyDocument=wrong)
    long = trust(AWS=[f"arn:aws:iam::{n:012}:root" for n in range(100)])
    w.refused("LimitExceeded", client.create_role, RoleName="r", AssumeRolePolicyDocument=long)
    twice = [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]
    w.refused("InvalidInput", client.create_role, RoleName="r", AssumeRolePolicyDocument=trusted, Tags=twice)

    for name in ("a", "b", "c"):
        client.create_role(RoleName=name, AssumeRolePolicyDocument=trusted)
    listed, marker = [], {}
    while True:
        page = client.list_roles(MaxItems=2, **marker)
        listed += [role["RoleName"] for role in page["Roles"]]
        if not page["IsTruncated"]:
            break
        marker = {"Marker": page["Marker"]}
    w.holds(f"pages show each role once: {listed}", listed == ["a", "b", "c", "Reader"])
    paths = client.list_roles(PathPrefix="/apps/")["Roles"]
    w.holds(f"a path is looked for: {paths}", [role["RoleName"] for role in paths] == ["Reader"])
    w.refused("ValidationError", client.list_roles, MaxItems=1001)
    for name in ("a", "b", "c"):
        client.delete_role(RoleName=name)

    client.update_role(RoleName="Reader", Description="reads more", MaxSessionDuration=3600)
    client.update_assume_role_policy(RoleName="Reader", PolicyDocument=trust(Service="codebuild.amazonaws.com"))
    w.refused("MalformedPolicyDocument", client.update_assume_role_policy, RoleName="Reader", PolicyDocument="{}")
    client.tag_role(RoleName="Reader", Tags=[{"Key": "cost", "Value": "b"}])
    client.untag_role(RoleName="Reader", TagKeys=["team"])
    w.holds("tags are put and taken", client.list_role_tags(RoleName="Reader")["Tags"] == [{"Key": "cost", "Value": "b"}])
    client.delete_role_permissions_boundary(RoleName="Reader")
    w.refused("NoSuchEntity", client.delete_role_permissions_boundary, RoleName="Reader")
    client.put_role_permissions_boundary(RoleName="Reader", PermissionsBoundary=PULL)
    nothing = "arn:aws:iam::aws:policy/Nothing"
    w.refused("NoSuchEntity", client.put_role_permissions_boundary, RoleName="Reader", PermissionsBoundary=nothing)
    got = client.get_role(RoleName="Reader")["Role"]
    w.holds(f"a boundary is shown: {got}", got["PermissionsBoundary"]["PermissionsBoundaryArn"] == PULL)
    w.holds(f"a role is as it was changed: {got}", (got["Description"], got["MaxSessionDuration"]) == ("reads more", 3600))

    own = document(allow(["s3:GetObject"], "arn:aws:s3:::a b/*"))
    client.put_role_policy(RoleName="Reader", PolicyName="own", PolicyDocument=own)
    shown = client.get_role_policy(RoleName="Reader", PolicyName="own")["PolicyDocument"]
    w.holds(f"a document is shown encoded: {shown}", " " not in shown and read(shown) == json.loads(own))
    w.holds("names are listed", client.list_role_policies(RoleName="Reader")["PolicyNames"] == ["own"])
    for wrong in (
        document({**allow("s3:GetObject"), "Principal": "*"}),
        document({"Effect": "Allow", "Action": "s3:GetObject"}),
        document(allow("GetObject")),
        document(allow("s3:GetObject", "bucket")),
        document({**allow("s3:*"), "Condition": {"Equals": {"aws:username": "a"}}}),
        document({**allow("s3:*"), "Sid": "a"}, {**allow("s3:*"), "Sid": "a"}),
    ):
        w.refused("MalformedPolicyDocument", client.put_role_policy, RoleName="Reader", PolicyName="p", PolicyDocument=wrong)
    big = document(allow([f"s3:Get{n:0100}" for n in range(100)]))
    w.refused("LimitExceeded", client.put_role_policy, RoleName="Reader", PolicyName="big", PolicyDocument=big)
    w.refused("NoSuchEntity", client.get_role_policy, RoleName="Reader", PolicyName="other")
    w.refused("NoSuchEntity", client.delete_role_policy, RoleName="Reader", PolicyName="other")
    w.refused("DeleteConflict", client.delete_role, RoleName="Reader")
    client.delete_role_policy(RoleName="Reader", PolicyName="own")
    client.delete_role(RoleName="Reader")
    w.refused("NoSuchEntity", client.delete_role, RoleName="Reader")


def policies(w: Witness, client: Any, account: str) -> None:
    """Managed policies and their versions."""
    text = document(allow("s3:GetObject"))
    tags = [{"Key": "team", "Value": "a"}]
    made = client.create_policy(PolicyName="Objects", Path="/apps/", PolicyDocument=text, Description="d", Tags=tags)["Policy"]
    arn = made["Arn"]
    w.holds(f"an ARN has its path: {arn}", arn == f"arn:aws:iam::{account}:policy/apps/Objects")
    w.refused("EntityAlreadyExists", client.create_policy, PolicyName="objects", PolicyDocument=text)
    w.refused("MalformedPolicyDocument", client.create_policy, PolicyName="p", PolicyDocument="{}")
    big = document(allow([f"s3:Get{n:0100}" for n in range(60)]))
    w.refused("LimitExceeded", client.create_policy, PolicyName="p", PolicyDocument=big)
    got = client.get_policy(PolicyArn=arn)["Policy"]
    w.holds(f"a policy is as it was made: {got}", (got["DefaultVersionId"], got["Description"], got["Tags"]) == ("v1", "d", tags))
    missing = f"arn:aws:iam::{account}:policy/nothing"
    w.refused("NoSuchEntity", client.get_policy, PolicyArn=missing)
    client.tag_policy(PolicyArn=arn, Tags=[{"Key": "cost", "Value": "b"}])
    client.untag_policy(PolicyArn=arn, TagKeys=["team"])
    w.holds("tags are put and taken", client.list_policy_tags(PolicyArn=arn)["Tags"] == [{"Key": "cost", "Value": "b"}])

    for number in range(2, 6):
        version = client.create_policy_version(PolicyArn=arn, PolicyDocument=text, SetAsDefault=number == 3)
        w.holds(f"versions are counted: {version}", version["PolicyVersion"]["VersionId"] == f"v{number}")
    w.refused("LimitExceeded", client.create_policy_version, PolicyArn=arn, PolicyDocument=text)
    w.refused("DeleteConflict", client.delete_policy_version, PolicyArn=arn, VersionId="v3")
    w.refused("NoSuchEntity", client.delete_policy_version, PolicyArn=arn, VersionId="v9")
    w.refused("NoSuchEntity", client.set_default_policy_version, PolicyArn=arn, VersionId="v9")
    client.delete_policy_version(PolicyArn=arn, VersionId="v1")
    number = client.create_policy_version(PolicyArn=arn, PolicyDocument=text)["PolicyVersion"]["VersionId"]
    w.holds(f"no number is used again: {number}", number == "v6")
    client.set_default_policy_version(PolicyArn=arn, VersionId="v2")
    versions = client.list_policy_versions(PolicyArn=arn)["Versions"]
    shown = [(version["VersionId"], version["IsDefaultVersion"]) for version in versions]
    w.holds(f"the newest is first: {shown}", shown == [("v6", False), ("v5", False), ("v4", False), ("v3", False), ("v2", True)])
    version = client.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]
    w.holds("a version has its document", read(version["Document"]) == json.loads(text))
    w.refused("NoSuchEntity", client.get_policy_version, PolicyArn=arn, VersionId="v1")
    aws = client.get_policy(PolicyArn=PULL)["Policy"]
    version = client.get_policy_version(PolicyArn=PULL, VersionId=aws["DefaultVersionId"])["PolicyVersion"]
    w.holds("AWS's own are there", "ecr:BatchGetImage" in read(version["Document"])["Statement"][0]["Action"])
    w.refused("AccessDenied", client.delete_policy, PolicyArn=PULL)

    local = client.list_policies(Scope="Local")["Policies"]
    w.holds(f"local ones are listed: {local}", [policy["Arn"] for policy in local] == [arn])
    w.holds("AWS's own are listed", PULL in {policy["Arn"] for policy in client.list_policies(Scope="AWS")["Policies"]})
    w.holds("none is attached", client.list_policies(OnlyAttached=True)["Policies"] == [])
    w.refused("DeleteConflict", client.delete_policy, PolicyArn=arn)
    for version in ("v3", "v4", "v5", "v6"):
        client.delete_policy_version(PolicyArn=arn, VersionId=version)
    client.delete_policy(PolicyArn=arn)
    w.refused("NoSuchEntity", client.delete_policy, PolicyArn=arn)


def attached(w: Witness, client: Any, account: str) -> None:
    """Managed policies of roles."""
    client.create_role(RoleName="puller", AssumeRolePolicyDocument=trust(Service="build.apprunner.amazonaws.com"))
    arn = client.create_policy(PolicyName="Bound", PolicyDocument=document(allow("s3:*")))["Policy"]["Arn"]
    client.attach_role_policy(RoleName="puller", PolicyArn=PULL)
    client.attach_role_policy(RoleName="puller", PolicyArn=PULL)
    client.put_role_permissions_boundary(RoleName="puller", PermissionsBoundary=arn)
    shown = client.list_attached_role_policies(RoleName="puller")["AttachedPolicies"]
    w.holds(f"it is attached once: {shown}", [policy["PolicyArn"] for policy in shown] == [PULL])
    for filters in ({"PolicyArn": PULL}, {"PolicyArn": arn, "PolicyUsageFilter": "PermissionsBoundary"}):
        having = client.list_entities_for_policy(**filters)["PolicyRoles"]
        w.holds(f"roles of a policy: {having}", [role["RoleName"] for role in having] == ["puller"])
    counts = client.get_policy(PolicyArn=arn)["Policy"]
    w.holds(f"uses are counted: {counts}", (counts["AttachmentCount"], counts["PermissionsBoundaryUsageCount"]) == (0, 1))
    w.refused("DeleteConflict", client.delete_policy, PolicyArn=arn)
    w.refused("DeleteConflict", client.delete_role, RoleName="puller")
    nothing = f"arn:aws:iam::{account}:policy/nothing"
    w.refused("NoSuchEntity", client.attach_role_policy, RoleName="puller", PolicyArn=nothing)
    w.refused("NoSuchEntity", client.attach_role_policy, RoleName="nobody", PolicyArn=PULL)
    w.refused("NoSuchEntity", client.detach_role_policy, RoleName="puller", PolicyArn=arn)
    service = "arn:aws:iam::aws:policy/aws-service-role/AppRunnerServiceRolePolicy"
    w.refused("PolicyNotAttachable", client.attach_role_policy, RoleName="puller", PolicyArn=service)
    client.detach_role_policy(RoleName="puller", PolicyArn=PULL)
    client.delete_role(RoleName="puller")
    client.delete_policy(PolicyArn=arn)


def providers(w: Witness, client: Any, account: str) -> None:
    """OpenID Connect providers."""
    url = "https://token.actions.githubusercontent.com"
    arn = client.create_open_id_connect_provider(Url=url, ClientIDList=["sts.amazonaws.com"], ThumbprintList=["a" * 40])[
        "OpenIDConnectProviderArn"
    ]
    w.holds(f"an ARN has its host: {arn}", arn == f"arn:aws:iam::{account}:oidc-provider/token.actions.githubusercontent.com")
    w.refused("EntityAlreadyExists", client.create_open_id_connect_provider, Url=url)
    w.refused("ValidationError", client.create_open_id_connect_provider, Url="http://example.com")
    client.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="other")
    client.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="sts.amazonaws.com")
    client.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=["b" * 40])
    client.tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=[{"Key": "a", "Value": "b"}, {"Key": "c", "Value": ""}])
    client.untag_open_id_connect_provider(OpenIDConnectProviderArn=arn, TagKeys=["c"])
    tags = client.list_open_id_connect_provider_tags(OpenIDConnectProviderArn=arn)["Tags"]
    got = client.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    w.holds(f"a provider is as it was changed: {got}", (got["ClientIDList"], got["ThumbprintList"]) == (["other"], ["b" * 40]))
    w.holds(f"tags are put and taken: {tags}", tags == got["Tags"] == [{"Key": "a", "Value": "b"}])
    listed = client.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    w.holds(f"it is listed: {listed}", listed == [{"Arn": arn}])
    client.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    w.refused("NoSuchEntity", client.get_open_id_connect_provider, OpenIDConnectProviderArn=arn)


def linked(w: Witness, client: Any, account: str) -> None:
    """Service-linked roles."""
    role = client.create_service_linked_role(AWSServiceName="apprunner.amazonaws.com")["Role"]
    arn = f"arn:aws:iam::{account}:role/aws-service-role/apprunner.amazonaws.com/AWSServiceRoleForAppRunner"
    w.holds(f"it is the service's: {role}", role["Arn"] == arn)
    w.refused("InvalidInput", client.create_service_linked_role, AWSServiceName="apprunner.amazonaws.com")
    w.refused("InvalidInput", client.create_service_linked_role, AWSServiceName="nothing.amazonaws.com")
    w.refused("UnmodifiableEntity", client.delete_role, RoleName="AWSServiceRoleForAppRunner")


def simulated(w: Witness, client: Any, account: str) -> None:
    """What policies would say."""
    text = document(
        allow("s3:*", "arn:aws:s3:::a/*"),
        {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"},
        allow("sqs:*", Condition={"StringEquals": {"aws:username": "me"}}),
    )
    arn = client.create_role(RoleName="simulated", AssumeRolePolicyDocument=trust(AWS=account))["Role"]["Arn"]
    client.put_role_policy(RoleName="simulated", PolicyName="own", PolicyDocument=text)
    asked = {
        "ActionNames": ["s3:GetObject", "s3:DeleteObject", "sqs:SendMessage"],
        "ResourceArns": ["arn:aws:s3:::a/b", "arn:aws:s3:::c/d"],
    }
    expected = ["allowed", "implicitDeny", "explicitDeny", "explicitDeny", "implicitDeny", "implicitDeny"]
    for answer in (
        client.simulate_principal_policy(PolicySourceArn=arn, **asked),
        client.simulate_custom_policy(PolicyInputList=[text], **asked),
    ):
        said = [result["EvalDecision"] for result in answer["EvaluationResults"]]
        w.holds(f"what is simulated: {said}", said == expected)
    missing = answer["EvaluationResults"][0]["MissingContextValues"]
    w.holds(f"what is not known is told: {missing}", missing == ["aws:username"])
    entry = {"ContextKeyName": "aws:username", "ContextKeyType": "string", "ContextKeyValues": ["me"]}
    answer = client.simulate_custom_policy(PolicyInputList=[text], ActionNames=["sqs:SendMessage"], ContextEntries=[entry])
    w.holds("a context is heeded", answer["EvaluationResults"][0]["EvalDecision"] == "allowed")
    bound = client.simulate_principal_policy(
        PolicySourceArn=arn, PermissionsBoundaryPolicyInputList=[document(allow("sqs:*"))], **asked
    )["EvaluationResults"][0]
    by = bound["PermissionsBoundaryDecisionDetail"]["AllowedByPermissionsBoundary"]
    w.holds(f"a boundary is heeded: {bound}", (bound["EvalDecision"], by) == ("implicitDeny", False))
    w.refused("NoSuchEntity", client.simulate_principal_policy, PolicySourceArn=arn + "x", ActionNames=["s3:GetObject"])
    w.refused("InvalidInput", client.simulate_custom_policy, PolicyInputList=["{}"], ActionNames=["s3:GetObject"])
    client.delete_role_policy(RoleName="simulated", PolicyName="own")
    client.delete_role(RoleName="simulated")
