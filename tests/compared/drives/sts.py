"""STS."""

import json

from side import Side


def drive(on: Side) -> None:
    sts = on.client("sts")
    sts("GetCallerIdentity")
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{on.account}:root"}, "Action": "sts:AssumeRole"}
    # Whoever looks at roles has this one then.
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    on.client("iam").ask("CreateRole", RoleName="deployer", AssumeRolePolicyDocument=document)
    role = f"arn:aws:iam::{on.account}:role/deployer"
    keys = sts("AssumeRole", RoleArn=role, RoleSessionName="ci", DurationSeconds=900)["Credentials"]
    session = {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }
    on.client("sts", **session)("GetCallerIdentity")
    sts("AssumeRole", RoleArn=role, RoleSessionName="no spaces")
    sts("AssumeRole", RoleArn=role, RoleSessionName="ci", DurationSeconds=899)
    sts("AssumeRole", RoleArn="arn:aws:iam::x", RoleSessionName="ci")
    sts("AssumeRole", RoleSessionName="ci")
    sts("AssumeRole", RoleArn=role, RoleSessionName="ci", Policy="x" * 2049)
