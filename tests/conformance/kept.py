"""Secrets and parameters: each operation once, with what it is refused for first. `tests/sandbox_secrets/` asks for all the rest."""

import json

from witness import Witness


def secretsmanager(w: Witness) -> None:
    client = w.client("secretsmanager")
    made = client.create_secret(Name="app/key", SecretString="one", Tags=[{"Key": "team", "Value": "a"}])
    w.refused("ResourceExistsException", client.create_secret, Name="app/key", SecretString="two")
    w.refused("ResourceNotFoundException", client.get_secret_value, SecretId="nothing")
    second = client.put_secret_value(SecretId="app/key", SecretString="two")["VersionId"]
    w.holds("the newest is current", client.get_secret_value(SecretId=made["ARN"])["SecretString"] == "two")
    before = client.get_secret_value(SecretId="app/key", VersionStage="AWSPREVIOUS")
    w.holds("the one before is kept", before["SecretString"] == "one" and before["VersionId"] == made["VersionId"])
    client.update_secret_version_stage(
        SecretId="app/key", VersionStage="AWSCURRENT", RemoveFromVersionId=second, MoveToVersionId=made["VersionId"]
    )
    w.holds("a stage is moved", client.get_secret_value(SecretId="app/key")["SecretString"] == "one")
    parameters, name = w.client("ssm"), "/aws/reference/secretsmanager/app/key"
    told = parameters.get_parameter(Name=name, WithDecryption=True)["Parameter"]
    w.holds(f"it is a parameter, too: {told}", [told["Value"], told["ARN"], told["Version"]] == ["one", made["ARN"], 0])
    w.holds("and whence it is, is told", json.loads(told["SourceResult"])["SecretString"] == "one")
    w.refused("ValidationException", parameters.get_parameter, Name=name)
    w.refused("ParameterNotFound", parameters.get_parameter, Name=name + "x", WithDecryption=True)
    some = parameters.get_parameters(Names=[name, name + "x"], WithDecryption=True)
    w.holds(f"with others, too: {some}", [len(some[list]) for list in ("Parameters", "InvalidParameters")] == [1, 1])
    client.update_secret(SecretId="app/key", Description="A key", SecretBinary=b"\x00three")
    both = client.batch_get_secret_value(SecretIdList=["app/key", "nothing"])
    w.holds("several are read at once", [len(both[list]) for list in ("SecretValues", "Errors")] == [1, 1])
    client.list_secret_version_ids(SecretId="app/key", IncludeDeprecated=True)
    client.tag_resource(SecretId="app/key", Tags=[{"Key": "of", "Value": "tests"}])
    client.untag_resource(SecretId="app/key", TagKeys=["team"])
    told = client.describe_secret(SecretId="app/key")
    w.holds("tags are told", told["Tags"] == [{"Key": "of", "Value": "tests"}])
    w.holds("it is listed", [one["Name"] for one in client.list_secrets()["SecretList"]] == ["app/key"])
    w.holds("a password is as long as asked", len(client.get_random_password(PasswordLength=40)["RandomPassword"]) == 40)
    everyone = {"Effect": "Deny", "Principal": "*", "Action": "secretsmanager:DeleteSecret", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everyone]})
    client.put_resource_policy(SecretId="app/key", ResourcePolicy=policy)
    w.holds("a policy is kept", client.get_resource_policy(SecretId="app/key")["ResourcePolicy"] == policy)
    client.delete_resource_policy(SecretId="app/key")
    client.delete_secret(SecretId="app/key", RecoveryWindowInDays=7)
    w.refused("InvalidRequestException", client.get_secret_value, SecretId="app/key")
    client.restore_secret(SecretId="app/key")
    client.delete_secret(SecretId="app/key", ForceDeleteWithoutRecovery=True)


def ssm(w: Witness) -> None:
    client = w.client("ssm")
    client.put_parameter(Name="/app/limit", Value="1", Type="String", Tags=[{"Key": "team", "Value": "a"}])
    w.refused("ParameterAlreadyExists", client.put_parameter, Name="/app/limit", Value="2", Type="String")
    client.put_parameter(Name="/app/limit", Value="2", Overwrite=True)
    client.put_parameter(Name="/app/key", Value="hidden", Type="SecureString")
    w.refused("ParameterNotFound", client.get_parameter, Name="/app/nothing")
    w.holds("a version is read", client.get_parameter(Name="/app/limit:1")["Parameter"]["Value"] == "1")
    sealed = client.get_parameter(Name="/app/key")["Parameter"]["Value"]
    w.holds("a secure one is sealed until it is asked for", "hidden" not in sealed)
    some = client.get_parameters(Names=["/app/limit", "/app/nothing"], WithDecryption=True)
    w.holds("what is not there is named", some["InvalidParameters"] == ["/app/nothing"])
    below = client.get_parameters_by_path(Path="/app", Recursive=True, WithDecryption=True)["Parameters"]
    w.holds("what is below a path is found", {one["Value"] for one in below} == {"2", "hidden"})
    client.label_parameter_version(Name="/app/limit", ParameterVersion=1, Labels=["good"])
    w.holds("a label is read", client.get_parameter(Name="/app/limit:good")["Parameter"]["Version"] == 1)
    client.unlabel_parameter_version(Name="/app/limit", ParameterVersion=1, Labels=["good", "bad"])
    w.holds("history is kept", len(client.get_parameter_history(Name="/app/limit")["Parameters"]) == 2)
    client.describe_parameters(ParameterFilters=[{"Key": "Path", "Option": "Recursive", "Values": ["/app"]}])
    which = {"ResourceType": "Parameter", "ResourceId": "/app/limit"}
    client.add_tags_to_resource(**which, Tags=[{"Key": "of", "Value": "tests"}])
    client.remove_tags_from_resource(**which, TagKeys=["team"])
    w.holds("tags are told", client.list_tags_for_resource(**which)["TagList"] == [{"Key": "of", "Value": "tests"}])
    client.delete_parameter(Name="/app/limit")
    gone = client.delete_parameters(Names=["/app/key", "/app/limit"])
    w.holds("what was there is deleted", gone["DeletedParameters"] == ["/app/key"])
