"""STS."""

import json

from witness import Witness


def sts(w: Witness) -> None:
    client = w.client("sts")
    account = client.get_caller_identity()["Account"]
    role = f"arn:aws:iam::{account}:role/deployer"
    w.refused("AccessDenied", client.assume_role, RoleArn=role, RoleSessionName="ci")
    trust = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
    iam = w.client("iam")
    iam.create_role(RoleName="deployer", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust}))
    iam.attach_role_policy(RoleName="deployer", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    w.refused("ValidationError", client.assume_role, RoleArn=role, RoleSessionName="no spaces")
    w.refused("AccessDenied", client.assume_role, RoleArn="arn:aws:iam::999999999999:role/x", RoleSessionName="ci")
    keys = client.assume_role(RoleArn=role, RoleSessionName="ci", DurationSeconds=900)["Credentials"]
    mine = {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }
    arn = w.client("sts", **mine).get_caller_identity()["Arn"]
    w.holds(f"a session is its role: {arn}", arn == f"arn:aws:sts::{account}:assumed-role/deployer/ci")
    w.client("s3", **mine).list_buckets()
    w.client("ecr", **mine).describe_repositories()
    w.refused("InvalidSignatureException", w.client("ecr", region_name="eu-west-1", **mine).describe_repositories)
    w.refused("AuthorizationHeaderMalformed", w.client("s3", region_name="eu-west-1", **mine).list_buckets)
    mine["aws_session_token"] = "another"
    w.refused("InvalidClientTokenId", w.client("sts", **mine).get_caller_identity)
    w.refused("UnrecognizedClientException", w.client("ecr", **mine).describe_repositories)
    w.refused("InvalidToken", w.client("s3", **mine).list_buckets)
