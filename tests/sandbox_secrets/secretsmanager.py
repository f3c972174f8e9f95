"""Secrets Manager: every operation, its errors, and what is there after a kill."""

import datetime
import json
import re
import uuid

from asking import MARK, Asking, main
from secretsmanager_lists import listing

aws = Asking("secretsmanager")
ok, refused = aws.ok, aws.refused
DELETED = "InvalidRequestException"
MISSING = "ResourceNotFoundException"
WRONG = "InvalidParameterException"


def token():
    return str(uuid.uuid4())


def stages(name):
    return ok("DescribeSecret", SecretId=name).get("VersionIdsToStages", {})


def creating():
    first = token()
    made = ok("CreateSecret", Name="app/db", SecretString=f"{MARK} 1", ClientRequestToken=first, Description="For the app",
              Tags=[{"Key": "team", "Value": "blue"}, {"Key": "stage", "Value": "prod"}])
    assert re.fullmatch(r"arn:aws:secretsmanager:[a-z0-9-]+:\d{12}:secret:app/db-[A-Za-z0-9]{6}", made["ARN"]), made
    assert made["VersionId"] == first
    # The same call again is answered as before; another value or another token is not taken for it.
    assert ok("CreateSecret", Name="app/db", SecretString=f"{MARK} 1", ClientRequestToken=first) == made
    exists = ("ResourceExistsException", "CreateSecret", "app/db already exists")
    refused(*exists, Name="app/db", SecretString=f"{MARK} other", ClientRequestToken=first)
    refused(*exists, Name="app/db", SecretString=f"{MARK} 1")
    refused(*exists, Name="app/db")

    described = ok("DescribeSecret", SecretId="app/db")
    assert described["Description"] == "For the app" and "LastAccessedDate" not in described, described
    assert described["VersionIdsToStages"] == {first: ["AWSCURRENT"]}
    now = datetime.datetime.now(datetime.timezone.utc)
    assert abs(now - described["CreatedDate"]) < datetime.timedelta(minutes=5)
    for secret in ("app/db", made["ARN"], made["ARN"][:-7]):
        got = ok("GetSecretValue", SecretId=secret)
        assert (got["SecretString"], got["VersionStages"]) == (f"{MARK} 1", ["AWSCURRENT"]), got
    day = ok("DescribeSecret", SecretId="app/db")["LastAccessedDate"].astimezone(datetime.timezone.utc)
    assert (day.hour, day.minute, day.second) == (0, 0, 0) and day <= now, day

    binary = bytes(range(256))
    ok("CreateSecret", Name="binary", SecretBinary=binary)
    got = ok("GetSecretValue", SecretId="binary")
    assert got["SecretBinary"] == binary and "SecretString" not in got

    empty = ok("CreateSecret", Name="empty")
    assert "VersionId" not in empty and stages("empty") == {}
    refused(MISSING, "GetSecretValue", "staging label: AWSCURRENT", SecretId="empty")
    # The first version is the current one, whatever else it is.
    put = ok("PutSecretValue", SecretId="empty", SecretString=MARK, VersionStages=["mine"])
    assert put["VersionStages"] == ["AWSCURRENT", "mine"], put

    # Six characters after a hyphen look like the end of a whole ARN.
    odd = ok("CreateSecret", Name="odd-a1b2c3", SecretString=MARK)["ARN"]
    ok("GetSecretValue", SecretId=odd)
    refused(MISSING, "GetSecretValue", SecretId=odd[:-7])


def creating_wrongly():
    bad = "Invalid name. Must be a valid name"
    for name in ("a b", "ä", "a:b", "a*"):
        refused("ValidationException", "CreateSecret", bad, Name=name, SecretString=MARK)
        if ":" not in name:
            refused("ValidationException", "GetSecretValue", bad, SecretId=name)
    for given in ({}, {"Name": ""}, {"Name": "n" * 513}, {"Name": "x", "SecretString": MARK * 4097},
                  {"Name": "x", "SecretString": ""}, {"Name": "x", "Description": "d" * 2049},
                  {"Name": "x", "SecretBinary": b"x" * 65537}):
        refused("ValidationException", "CreateSecret", **given)
    refused("ValidationException", "CreateSecret", "AddReplicaRegions", Name="x", AddReplicaRegions=[{"Region": "eu-west-3"}])
    refused(WRONG, "CreateSecret", "both", Name="x", SecretString=MARK, SecretBinary=b"x")
    refused(WRONG, "CreateSecret", "32-64", Name="x", SecretString=MARK, ClientRequestToken="short")
    refused(WRONG, "CreateSecret", "aws:", Name="x", Tags=[{"Key": "aws:x", "Value": ""}])
    refused(WRONG, "CreateSecret", "50 tags", Name="x", Tags=[{"Key": str(n), "Value": ""} for n in range(51)])
    refused("EncryptionFailure", "CreateSecret", "no KMS", Name="x", SecretString=MARK, KmsKeyId="alias/mine")
    aws.instead = {"ClientRequestToken": None}
    refused(DELETED, "CreateSecret", "ClientRequestToken", Name="x", SecretString=MARK)
    refused(DELETED, "PutSecretValue", "ClientRequestToken", SecretId="app/db", SecretString=MARK)
    refused(DELETED, "UpdateSecret", "ClientRequestToken", SecretId="app/db", SecretString=MARK)
    aws.instead = {}
    refused(MISSING, "DescribeSecret", SecretId="x")
    ok("CreateSecret", Name="n" * 512, SecretString="x" * 65536, KmsKeyId="alias/aws/secretsmanager")
    ok("DeleteSecret", SecretId="n" * 512, ForceDeleteWithoutRecovery=True)


def versions():
    one = ok("CreateSecret", Name="versions", SecretString=f"{MARK} 1")["VersionId"]
    two = token()
    put = ok("PutSecretValue", SecretId="versions", SecretString=f"{MARK} 2", ClientRequestToken=two)
    assert put["VersionStages"] == ["AWSCURRENT"] and put["VersionId"] == two
    assert stages("versions") == {one: ["AWSPREVIOUS"], two: ["AWSCURRENT"]}
    # The same token and value: the same answer and nothing new. Another value: refused.
    assert ok("PutSecretValue", SecretId="versions", SecretString=f"{MARK} 2", ClientRequestToken=two) == put
    refused("ResourceExistsException", "PutSecretValue", "already in use", SecretId="versions", SecretString=f"{MARK} 3",
            ClientRequestToken=two)
    refused("ResourceExistsException", "PutSecretValue", SecretId="versions", SecretBinary=f"{MARK} 2".encode(),
            ClientRequestToken=two)
    refused("ResourceExistsException", "UpdateSecret", SecretId="versions", SecretString=f"{MARK} 2", ClientRequestToken=two)

    pending = ok("PutSecretValue", SecretId="versions", SecretString=f"{MARK} 3", VersionStages=["AWSPENDING", "mine"])
    assert pending["VersionStages"] == ["AWSPENDING", "mine"]
    three = pending["VersionId"]
    read = lambda **by: ok("GetSecretValue", SecretId="versions", **by)["SecretString"][-1]
    assert read() == "2" and read(VersionStage="AWSPREVIOUS") == "1" and read(VersionStage="mine") == "3"
    assert read(VersionId=one) == "1" and read(VersionId=three, VersionStage="mine") == "3"
    refused(DELETED, "GetSecretValue", "not associated", SecretId="versions", VersionId=one, VersionStage="mine")
    refused(MISSING, "GetSecretValue", "staging label: none", SecretId="versions", VersionStage="none")
    refused(MISSING, "GetSecretValue", "VersionId", SecretId="versions", VersionId=token())
    refused("ValidationException", "GetSecretValue", SecretId="versions", VersionId="short")

    move = lambda **how: ok("UpdateSecretVersionStage", SecretId="versions", **how)
    fails = lambda words, **how: refused(WRONG, "UpdateSecretVersionStage", words, SecretId="versions", **how)
    fails(two, VersionStage="AWSCURRENT", MoveToVersionId=three)
    fails("not attached", VersionStage="AWSCURRENT", MoveToVersionId=three, RemoveFromVersionId=one)
    fails("can't be completely", VersionStage="AWSCURRENT", RemoveFromVersionId=two)
    fails("Neither", VersionStage="new")
    refused(MISSING, "UpdateSecretVersionStage", SecretId="versions", VersionStage="new", MoveToVersionId=token())
    move(VersionStage="AWSCURRENT", MoveToVersionId=three, RemoveFromVersionId=two)
    assert stages("versions") == {two: ["AWSPREVIOUS"], three: ["AWSCURRENT", "AWSPENDING", "mine"]}, stages("versions")
    move(VersionStage="AWSCURRENT", MoveToVersionId=three)  # It is there already.
    move(VersionStage="mine", RemoveFromVersionId=three)
    move(VersionStage="yours", MoveToVersionId=one)
    four = ok("UpdateSecret", SecretId="versions", SecretString=f"{MARK} 4", Description="Changed")["VersionId"]
    # AWSPENDING leaves with AWSCURRENT.
    expected = {one: ["yours"], three: ["AWSPREVIOUS"], four: ["AWSCURRENT"]}
    assert stages("versions") == expected, stages("versions")
    assert "VersionId" not in ok("UpdateSecret", SecretId="versions", Description="Changed again")
    assert ok("DescribeSecret", SecretId="versions")["Description"] == "Changed again"
    refused("EncryptionFailure", "UpdateSecret", SecretId="versions", KmsKeyId="alias/mine")
    refused(WRONG, "UpdateSecret", SecretId="versions", SecretString=MARK, SecretBinary=b"x")

    listed = ok("ListSecretVersionIds", SecretId="versions")
    assert [v["VersionId"] for v in listed["Versions"]] == [one, three, four], listed
    assert all(v["KmsKeyIds"] == ["DefaultEncryptionKey"] for v in listed["Versions"])
    all_of_them = aws.pages("ListSecretVersionIds", "Versions", 1, SecretId="versions", IncludeDeprecated=True)
    assert [v["VersionId"] for v in all_of_them] == [one, two, three, four]
    assert "VersionStages" not in all_of_them[1]
    refused("InvalidNextTokenException", "ListSecretVersionIds", SecretId="versions", NextToken="?")
    refused("ValidationException", "ListSecretVersionIds", SecretId="versions", MaxResults=101)

    refused(DELETED, "PutSecretValue", "either", SecretId="versions")
    refused(WRONG, "PutSecretValue", "both", SecretId="versions", SecretString=MARK, SecretBinary=b"x")
    refused("ValidationException", "PutSecretValue", SecretId="versions", SecretString=MARK, VersionStages=[])
    refused("ValidationException", "PutSecretValue", "RotationToken", SecretId="versions", SecretString=MARK,
            RotationToken=token())
    # A value where a list is to be, and the other way round.
    for aws.instead in ({"SecretString": [MARK]}, {"VersionStages": MARK}):
        refused("SerializationException", "PutSecretValue", SecretId="versions", SecretString=MARK)
    aws.instead = {}
    labels = [f"l{n}" for n in range(20)]
    refused("LimitExceededException", "PutSecretValue", SecretId="versions", SecretString=MARK, VersionStages=labels)
    refused(MISSING, "PutSecretValue", SecretId="nothing", SecretString=MARK)
    assert stages("versions") == expected, "what was refused changed nothing"

    ok("CreateSecret", Name="many", SecretString=MARK)
    for number in range(99):
        ok("PutSecretValue", SecretId="many", SecretString=f"{MARK} {number}")
    refused("LimitExceededException", "PutSecretValue", "100 versions", SecretId="many", SecretString=MARK)
    ok("DeleteSecret", SecretId="many", ForceDeleteWithoutRecovery=True)
    return expected


def deleting():
    arn = ok("CreateSecret", Name="going", SecretString=MARK, Tags=[{"Key": "k", "Value": "v"}])["ARN"]
    deletes = lambda code, words, **how: refused(code, "DeleteSecret", words, SecretId="going", **how)
    deletes(WRONG, "7 and 30", RecoveryWindowInDays=6)
    deletes(WRONG, "7 and 30", RecoveryWindowInDays=31)
    deletes(WRONG, "conjunction", RecoveryWindowInDays=7, ForceDeleteWithoutRecovery=True)
    refused(MISSING, "DeleteSecret", SecretId="nothing")
    assert ok("DeleteSecret", SecretId="nothing", ForceDeleteWithoutRecovery=True)["Name"] == "nothing"
    goes = ok("DeleteSecret", SecretId="going", RecoveryWindowInDays=7)["DeletionDate"]
    left = goes - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(days=6, hours=23) < left <= datetime.timedelta(days=7), left
    for operation, given in {
        "GetSecretValue": {}, "PutSecretValue": {"SecretString": MARK}, "UpdateSecret": {"SecretString": MARK},
        "TagResource": {"Tags": []}, "UntagResource": {"TagKeys": []}, "GetResourcePolicy": {}, "DeleteResourcePolicy": {},
        "PutResourcePolicy": {"ResourcePolicy": POLICY},
        "UpdateSecretVersionStage": {"VersionStage": "x", "MoveToVersionId": token()},
    }.items():
        refused(DELETED, operation, "marked for deletion", SecretId="going", **given)
    deletes(DELETED, "already scheduled")
    refused(DELETED, "CreateSecret", "scheduled for deletion", Name="going", SecretString=MARK)
    assert ok("DescribeSecret", SecretId=arn)["DeletedDate"] == goes
    assert ok("ListSecretVersionIds", SecretId="going")["Versions"]
    going = {"Filters": [{"Key": "name", "Values": ["going"]}]}
    assert ok("ListSecrets", **going)["SecretList"] == []
    assert ok("ListSecrets", IncludePlannedDeletion=True, **going)["SecretList"][0]["DeletedDate"] == goes
    assert ok("BatchGetSecretValue", SecretIdList=["going"])["Errors"][0]["ErrorCode"] == DELETED
    assert ok("RestoreSecret", SecretId=arn) == {"ARN": arn, "Name": "going"}
    assert ok("GetSecretValue", SecretId="going")["SecretString"] == MARK
    refused(MISSING, "RestoreSecret", SecretId="nothing")

    ok("DeleteSecret", SecretId="going")
    ok("DeleteSecret", SecretId="going", ForceDeleteWithoutRecovery=True)
    refused(MISSING, "GetSecretValue", SecretId="going")
    again = ok("CreateSecret", Name="going", SecretString=MARK)["ARN"]
    assert again != arn and again[:-6] == arn[:-6]
    refused(MISSING, "GetSecretValue", SecretId=arn)
    ok("DeleteSecret", SecretId="going", RecoveryWindowInDays=30)
    return again


POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "secretsmanager:GetSecretValue",
    "Resource": "*"}]})


def tags_and_policies():
    tags = lambda: ok("DescribeSecret", SecretId="tagged").get("Tags")
    ok("CreateSecret", Name="tagged", SecretString=MARK)
    assert tags() is None
    ok("TagResource", SecretId="tagged", Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    ok("TagResource", SecretId="tagged", Tags=[{"Key": "a", "Value": "3"}])
    assert tags() == [{"Key": "a", "Value": "3"}, {"Key": "b", "Value": "2"}]
    ok("UntagResource", SecretId="tagged", TagKeys=["b", "none"])
    assert tags() == [{"Key": "a", "Value": "3"}]
    ok("UntagResource", SecretId="tagged", TagKeys=["a"])
    assert tags() == []
    refused(WRONG, "TagResource", SecretId="tagged", Tags=[{"Key": "", "Value": ""}])
    refused(WRONG, "TagResource", "50 tags", SecretId="tagged", Tags=[{"Key": str(n), "Value": ""} for n in range(51)])
    refused(MISSING, "TagResource", SecretId="nothing", Tags=[])
    refused(MISSING, "UntagResource", SecretId="nothing", TagKeys=[])

    assert "ResourcePolicy" not in ok("GetResourcePolicy", SecretId="tagged")
    ok("PutResourcePolicy", SecretId="tagged", ResourcePolicy=POLICY, BlockPublicPolicy=True)
    assert ok("GetResourcePolicy", SecretId="tagged")["ResourcePolicy"] == POLICY
    ok("DeleteResourcePolicy", SecretId="tagged")
    assert "ResourcePolicy" not in ok("GetResourcePolicy", SecretId="tagged")
    for policy in ("{", "[]", "{}", '{"Statement": [{"Effect": "Allow"}]}'):
        refused("MalformedPolicyDocumentException", "PutResourcePolicy", SecretId="tagged", ResourcePolicy=policy)
    public = POLICY.replace('{"AWS": "arn:aws:iam::123456789012:root"}', '"*"')
    refused("PublicPolicyException", "PutResourcePolicy", SecretId="tagged", ResourcePolicy=public, BlockPublicPolicy=True)
    ok("PutResourcePolicy", SecretId="tagged", ResourcePolicy=public)
    refused("ValidationException", "PutResourcePolicy", SecretId="tagged", ResourcePolicy=" " * 20481)
    for operation in ("GetResourcePolicy", "DeleteResourcePolicy"):
        refused(MISSING, operation, SecretId="nothing")


def passwords():
    make = lambda **how: ok("GetRandomPassword", **how)["RandomPassword"]
    seen = {make() for _ in range(20)}
    assert len(seen) == 20 and all(len(password) == 32 for password in seen)
    for password in (make(PasswordLength=4) for _ in range(50)):
        kinds = [str.islower, str.isupper, str.isdigit, lambda c: not c.isalnum()]
        assert all(any(kind(c) for c in password) for kind in kinds), password
    letters = {"ExcludeNumbers": True, "ExcludePunctuation": True, "ExcludeUppercase": True}
    assert set(make(PasswordLength=4096, **letters)) == set("abcdefghijklmnopqrstuvwxyz")
    assert "a" not in make(PasswordLength=4096, ExcludeCharacters="abc")
    assert " " in make(PasswordLength=4096, IncludeSpace=True) and " " not in make(PasswordLength=4096)
    make(PasswordLength=1, RequireEachIncludedType=False)
    refused(WRONG, "GetRandomPassword", "too short", PasswordLength=3)
    refused(WRONG, "GetRandomPassword", "leave none", ExcludeCharacters="0123456789")
    refused(WRONG, "GetRandomPassword", ExcludeLowercase=True, **letters)
    for length in (0, 4097):
        refused("ValidationException", "GetRandomPassword", PasswordLength=length)


def before():
    creating()
    creating_wrongly()
    expected = versions()
    listing(aws)
    arn = deleting()
    tags_and_policies()
    passwords()
    aws.check_operations()
    refused("UnknownOperationException", "RotateSecret", SecretId="app/db")
    return {"versions": expected, "arn": arn, "listed": ok("ListSecrets", IncludePlannedDeletion=True)}


def after(noted):
    assert json.loads(json.dumps(ok("ListSecrets", IncludePlannedDeletion=True), default=str)) == noted["listed"]
    assert stages("versions") == noted["versions"]
    values = {stage: ok("GetSecretValue", SecretId="versions", VersionStage=stage)["SecretString"][-1]
              for stage in ("yours", "AWSPREVIOUS", "AWSCURRENT")}
    assert values == {"yours": "1", "AWSPREVIOUS": "3", "AWSCURRENT": "4"}, values
    assert ok("GetSecretValue", SecretId="binary")["SecretBinary"] == bytes(range(256))
    refused(DELETED, "GetSecretValue", SecretId="going")
    assert ok("RestoreSecret", SecretId="going")["ARN"] == noted["arn"]
    assert ok("GetSecretValue", SecretId=noted["arn"])["SecretString"] == MARK
    assert ok("GetResourcePolicy", SecretId="tagged")["ResourcePolicy"]
    refused(MISSING, "DescribeSecret", SecretId="many")


main({"before": before, "after": after})
