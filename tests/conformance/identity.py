"""STS."""

from roles import iam, signed, trust
from witness import Witness

EVERYTHING = "arn:aws:iam::aws:policy/AdministratorAccess"


def sts(w: Witness) -> None:
    client, roles = w.client("sts"), iam(w)
    account = client.get_caller_identity()["Account"]
    role = f"arn:aws:iam::{account}:role/deployer"
    w.refused("AccessDenied", client.assume_role, RoleArn=role, RoleSessionName="ci")
    roles.create_role(RoleName="deployer", AssumeRolePolicyDocument=trust(AWS=account))
    roles.attach_role_policy(RoleName="deployer", PolicyArn=EVERYTHING)
    w.refused("ValidationError", client.assume_role, RoleArn=role, RoleSessionName="no spaces")
    w.refused("AccessDenied", client.assume_role, RoleArn="arn:aws:iam::999999999999:role/x", RoleSessionName="ci")
    mine = signed(client.assume_role(RoleArn=role, RoleSessionName="ci", DurationSeconds=900)["Credentials"])
    arn = w.client("sts", **mine).get_caller_identity()["Arn"]
    w.holds(f"a session is its role: {arn}", arn == f"arn:aws:sts::{account}:assumed-role/deployer/ci")
    w.client("s3", **mine).list_buckets()
    w.client("ecr", **mine).describe_repositories()
    w.refused("InvalidSignatureException", w.client("ecr", region_name="eu-west-1", **mine).describe_repositories)
    w.refused("AuthorizationHeaderMalformed", w.client("s3", region_name="eu-west-1", **mine).list_buckets)
    roles.detach_role_policy(RoleName="deployer", PolicyArn=EVERYTHING)
    roles.delete_role(RoleName="deployer")
    w.refused("AccessDeniedException", w.client("ecr", **mine).describe_repositories)
    w.refused("AccessDenied", client.assume_role, RoleArn=role, RoleSessionName="ci")
    mine["aws_session_token"] = "another"
    w.refused("InvalidClientTokenId", w.client("sts", **mine).get_caller_identity)
    w.refused("UnrecognizedClientException", w.client("ecr", **mine).describe_repositories)
    w.refused("InvalidToken", w.client("s3", **mine).list_buckets)
