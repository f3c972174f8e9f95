"""STS."""

from witness import Witness


def sts(w: Witness) -> None:
    client = w.client("sts")
    account = client.get_caller_identity()["Account"]
    role = f"arn:aws:iam::{account}:role/deployer"
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
    mine["aws_session_token"] = "another"
    w.refused("InvalidClientTokenId", w.client("sts", **mine).get_caller_identity)
    w.refused("UnrecognizedClientException", w.client("ecr", **mine).describe_repositories)
    w.refused("InvalidToken", w.client("s3", **mine).list_buckets)
