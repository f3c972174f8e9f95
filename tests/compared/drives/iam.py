"""IAM."""

import json

from botocore.handlers import json_decode_policies
from side import Side

PULL = "arn:aws:iam::aws:policy/service-role/AWSAppRunnerServicePolicyForECRAccess"
READ = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
TAGS = [{"Key": "team", "Value": "a"}]


def document(*statements: dict[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


OBJECTS = document({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"})


def trust(**who: str) -> str:
    return document({"Effect": "Allow", "Principal": who, "Action": "sts:AssumeRole"})


def drive(on: Side) -> None:
    ask = on.client("iam")
    # Documents are compared as they are sent.
    ask.client.meta.events.unregister("after-call.iam", json_decode_policies)
    roles(on, ask)
    policies(on, ask)
    providers(on, ask)


def roles(on: Side, ask) -> None:  # noqa: ANN001
    mine = {"RoleName": "Reader"}
    trusted = trust(AWS=f"arn:aws:iam::{on.account}:root")
    ask("CreateRole", **mine, Path="/apps/", AssumeRolePolicyDocument=trusted, Description="reads", MaxSessionDuration=7200, Tags=TAGS)
    ask("CreateRole", **mine, AssumeRolePolicyDocument=trusted)
    ask("CreateRole", RoleName="a b", AssumeRolePolicyDocument=trusted)
    ask("CreateRole", RoleName="long", AssumeRolePolicyDocument=trusted, MaxSessionDuration=50_000)
    ask("CreateRole", RoleName="odd", AssumeRolePolicyDocument="words")
    for name in ("a b", "long", "odd"):
        ask.ask("DeleteRole", RoleName=name)
    ask("GetRole", **mine)
    ask("GetRole", RoleName="nobody")
    ask("ListRoles", PathPrefix="/apps/")
    ask("UpdateRole", **mine, Description="reads more", MaxSessionDuration=3600)
    ask("UpdateRole", RoleName="nobody")
    ask("UpdateAssumeRolePolicy", **mine, PolicyDocument=trust(Service="codebuild.amazonaws.com"))
    ask("UpdateAssumeRolePolicy", RoleName="nobody", PolicyDocument=trusted)
    ask("GetRole", **mine)
    ask("TagRole", **mine, Tags=[{"Key": "cost", "Value": "b"}])
    ask("UntagRole", **mine, TagKeys=["team"])
    ask("ListRoleTags", **mine)
    ask("ListRoleTags", RoleName="nobody")
    ask("PutRolePermissionsBoundary", **mine, PermissionsBoundary=READ)
    ask("GetRole", **mine)
    ask("DeleteRolePermissionsBoundary", **mine)
    ask("PutRolePolicy", **mine, PolicyName="own", PolicyDocument=OBJECTS)
    ask("PutRolePolicy", **mine, PolicyName="odd", PolicyDocument="{}")
    ask.ask("DeleteRolePolicy", **mine, PolicyName="odd")
    ask("GetRolePolicy", **mine, PolicyName="own")
    ask("GetRolePolicy", **mine, PolicyName="other")
    ask("ListRolePolicies", **mine)
    ask("ListRolePolicies", RoleName="nobody")
    ask("AttachRolePolicy", **mine, PolicyArn=PULL)
    ask("AttachRolePolicy", **mine, PolicyArn="arn:aws:iam::aws:policy/Nothing")
    ask("ListAttachedRolePolicies", **mine)
    ask("ListEntitiesForPolicy", PolicyArn=PULL)
    ask("SimulatePrincipalPolicy", PolicySourceArn=f"arn:aws:iam::{on.account}:role/apps/Reader", ActionNames=["s3:GetObject", "s3:PutObject"])
    ask("SimulateCustomPolicy", PolicyInputList=[OBJECTS], ActionNames=["s3:GetObject"])
    ask("DeleteRole", **mine)
    ask("DetachRolePolicy", **mine, PolicyArn=PULL)
    ask("DetachRolePolicy", **mine, PolicyArn=PULL)
    ask("DeleteRolePolicy", **mine, PolicyName="own")
    ask("DeleteRolePolicy", **mine, PolicyName="own")
    ask("DeleteRole", **mine)
    ask("DeleteRole", **mine)
    ask("CreateServiceLinkedRole", AWSServiceName="apprunner.amazonaws.com")


def policies(on: Side, ask) -> None:  # noqa: ANN001
    made = ask("CreatePolicy", PolicyName="Objects", Path="/apps/", PolicyDocument=OBJECTS, Description="d", Tags=TAGS)
    arn = {"PolicyArn": f"arn:aws:iam::{on.account}:policy/apps/Objects"}
    assert made["Policy"]["Arn"] == arn["PolicyArn"]
    ask("CreatePolicy", PolicyName="Objects", Path="/apps/", PolicyDocument=OBJECTS)
    ask("CreatePolicy", PolicyName="odd", PolicyDocument="{}")
    ask.ask("DeletePolicy", PolicyArn=f"arn:aws:iam::{on.account}:policy/odd")
    none = {"PolicyArn": f"arn:aws:iam::{on.account}:policy/nothing"}
    ask("GetPolicy", **arn)
    ask("GetPolicy", **none)
    ask("GetPolicy", PolicyArn=PULL)
    ask("TagPolicy", **arn, Tags=[{"Key": "cost", "Value": "b"}])
    ask("UntagPolicy", **arn, TagKeys=["team"])
    ask("ListPolicyTags", **arn)
    ask("CreatePolicyVersion", **arn, PolicyDocument=OBJECTS, SetAsDefault=True)
    ask("CreatePolicyVersion", **arn, PolicyDocument=OBJECTS)
    ask("CreatePolicyVersion", **none, PolicyDocument=OBJECTS)
    ask("ListPolicyVersions", **arn)
    ask("GetPolicyVersion", **arn, VersionId="v2")
    ask("GetPolicyVersion", **arn, VersionId="v9")
    ask("DeletePolicyVersion", **arn, VersionId="v2")
    ask("SetDefaultPolicyVersion", **arn, VersionId="v3")
    ask("SetDefaultPolicyVersion", **arn, VersionId="v9")
    ask("DeletePolicyVersion", **arn, VersionId="v1")
    ask("DeletePolicyVersion", **arn, VersionId="v2")
    ask("ListPolicies", Scope="Local")
    ask("ListPolicies", Scope="Local", OnlyAttached=True)
    ask("DeletePolicy", **arn)
    ask("DeletePolicy", **arn)


def providers(on: Side, ask) -> None:  # noqa: ANN001
    url, prints = "https://token.example.com", ["a" * 40]
    ask("CreateOpenIDConnectProvider", Url=url, ClientIDList=["sts.amazonaws.com"], ThumbprintList=prints, Tags=TAGS)
    ask("CreateOpenIDConnectProvider", Url=url, ThumbprintList=prints)
    ask("CreateOpenIDConnectProvider", Url="token.example.com", ThumbprintList=prints)
    arn = {"OpenIDConnectProviderArn": f"arn:aws:iam::{on.account}:oidc-provider/token.example.com"}
    none = {"OpenIDConnectProviderArn": f"arn:aws:iam::{on.account}:oidc-provider/nothing.example.com"}
    ask("AddClientIDToOpenIDConnectProvider", **arn, ClientID="other")
    ask("RemoveClientIDFromOpenIDConnectProvider", **arn, ClientID="other")
    ask("UpdateOpenIDConnectProviderThumbprint", **arn, ThumbprintList=["b" * 40])
    ask("TagOpenIDConnectProvider", **arn, Tags=[{"Key": "cost", "Value": "b"}])
    ask("UntagOpenIDConnectProvider", **arn, TagKeys=["team"])
    ask("ListOpenIDConnectProviderTags", **arn)
    ask("GetOpenIDConnectProvider", **arn)
    ask("GetOpenIDConnectProvider", **none)
    ask("ListOpenIDConnectProviders")
    ask("DeleteOpenIDConnectProvider", **arn)
    ask("DeleteOpenIDConnectProvider", **arn)
