"""SSM Parameter Store: every operation, its errors, and what is there after a kill."""

import base64
import datetime
import itertools
import json
import sys
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import BotoCoreError

from asking import MARK, Asking, main, note
from ssm_search import searching

aws = Asking("ssm")
ok, refused = aws.ok, aws.refused
INVALID = "ValidationException"
MISSING = "ParameterNotFound"


def put(name, value, kind="String", **more):
    return ok("PutParameter", Name=name, Value=value, Type=kind, **more)


def get(name, **more):
    return ok("GetParameter", Name=name, **more)["Parameter"]


def putting():
    assert put("plain", "one", Description="The first") == {"Version": 1, "Tier": "Standard"}
    got = get("plain")
    now = datetime.datetime.now(datetime.timezone.utc)
    assert abs(now - got.pop("LastModifiedDate")) < datetime.timedelta(minutes=5)
    arn = got.pop("ARN")
    assert arn.startswith("arn:aws:ssm:") and arn.endswith(":parameter/plain"), arn
    assert got == {"Name": "plain", "Type": "String", "Value": "one", "Version": 1, "DataType": "text"}, got
    refused("ParameterAlreadyExists", "PutParameter", "overwrite option", Name="plain", Value="two", Type="String")
    assert ok("PutParameter", Name="plain", Value="two", Overwrite=True)["Version"] == 2
    assert put(" /padded/name ", "x")["Version"] == 1 and get(" /padded/name ")["Name"] == "/padded/name"
    assert get("/padded/name")["ARN"].endswith(":parameter/padded/name")
    assert get(get("/padded/name")["ARN"])["Name"] == "/padded/name" and get(arn)["Name"] == "plain"
    assert put("/made/by/overwriting", "x", Overwrite=True)["Version"] == 1
    assert put("list", "a,b,c", "StringList") and get("list")["Value"] == "a,b,c"

    # What an overwrite does not say stays.
    put("kept", "12", AllowedPattern=r"\d+", Description="A number", Tags=[{"Key": "k", "Value": "v"}])
    ok("PutParameter", Name="kept", Value="34", Overwrite=True)
    mismatch = ("ParameterPatternMismatchException", "PutParameter")
    refused(*mismatch, Name="kept", Value=f"{MARK}", Overwrite=True)
    refused(*mismatch, Name="kept", Value="5 and more", Overwrite=True)
    kept = ok("DescribeParameters", ParameterFilters=[{"Key": "Name", "Values": ["kept"]}])["Parameters"][0]
    assert (kept["AllowedPattern"], kept["Description"], kept["Version"]) == (r"\d+", "A number", 2), kept
    assert kept["LastModifiedUser"].startswith("arn:aws:iam::") and kept["ARN"].endswith(":parameter/kept")

    # Tiers.
    assert put("long", "x" * 4096)["Tier"] == "Standard"
    refused(INVALID, "PutParameter", "4096", Name="long", Value="x" * 4097, Overwrite=True)
    refused(INVALID, "PutParameter", "4096", Name="long2", Value="ä" * 2049, Type="String", Tier="Standard")
    assert put("long", "x" * 4097, Overwrite=True, Tier="Intelligent-Tiering")["Tier"] == "Advanced"
    assert put("long", "x" * 8192, Overwrite=True)["Tier"] == "Advanced"
    refused(INVALID, "PutParameter", "8192", Name="long", Value="x" * 8193, Overwrite=True)
    refused(INVALID, "PutParameter", "downgrade", Name="long", Value="x", Overwrite=True, Tier="Standard")
    assert put("clever", "x", Tier="Intelligent-Tiering")["Tier"] == "Standard"


def putting_wrongly():
    new = {"Value": MARK, "Type": "String"}
    for name in ("a/b", "/a//b", "/a/", "a b", "ä", "a:1", "ssm.x", "/SSM/x", "awsome", "n" * 1000, ""):
        refused(INVALID, "PutParameter", Name=name, **new)
    refused("AccessDeniedException", "PutParameter", "/aws/x", Name="/aws/x", **new)
    refused("HierarchyLevelLimitExceededException", "PutParameter", "15", Name="/l" * 16, **new)
    put("/l" * 15, "x")
    refused(INVALID, "PutParameter", "type is required", Name="new", Value=MARK)
    refused(INVALID, "PutParameter", "enum", Name="new", Value=MARK, Type="Text")
    refused(INVALID, "PutParameter", "enum", Tier="Best", Name="new", **new)
    refused(INVALID, "PutParameter", Name="new", Value="", Type="String")
    refused(INVALID, "PutParameter", "nest", Name="new", Value="{{ssm:other}}", Type="String")
    refused(INVALID, "PutParameter", "lowercase", Name="new", DataType="Text", **new)
    refused(INVALID, "PutParameter", "not in the sandbox", Name="new", DataType="aws:ec2:image", **new)
    refused(INVALID, "PutParameter", Name="new", Description="d" * 1025, **new)
    refused(INVALID, "PutParameter", "can't be used together", Name="new", Overwrite=True, Tags=[{"Key": "a", "Value": ""}],
            **new)
    refused(INVALID, "PutParameter", "50 tags", Name="new", Tags=[{"Key": str(n), "Value": ""} for n in range(51)], **new)
    refused(INVALID, "PutParameter", "reserved", Name="new", Tags=[{"Key": "aws:a", "Value": ""}], **new)
    policies = json.dumps([{"Type": "Expiration", "Version": "1.0", "Attributes": {"Timestamp": "2030-01-01T00:00:00Z"}}])
    refused("InvalidPolicyTypeException", "PutParameter", "not in the sandbox", Name="new", Policies=policies, **new)
    for pattern in ("(", "a)|(?:k.*", "(?=k)k.*"):
        refused("InvalidAllowedPatternException", "PutParameter", Name="new", AllowedPattern=pattern, **new)
    refused("HierarchyTypeMismatchException", "PutParameter", Name="plain", Value=MARK, Type="SecureString", Overwrite=True)
    refused("InvalidKeyId", "PutParameter", "no KMS", Name="new", Value=MARK, Type="SecureString", KeyId="alias/mine")
    refused(INVALID, "PutParameter", "KeyId", Name="new", KeyId="alias/aws/ssm", **new)
    for aws.instead in ({"Value": [MARK]}, {"Name": [MARK]}, {"Tags": MARK}, {"Overwrite": MARK}):
        refused("SerializationException", "PutParameter", Name="new", **new)
    aws.instead = {}
    refused(MISSING, "GetParameter", "new", Name="new")


def secure():
    put("/app/password", f"{MARK} 1", "SecureString", KeyId="alias/aws/ssm")
    put("/app/password", f"{MARK} 2", "SecureString", Overwrite=True)
    sealed = get("/app/password")
    opened = get("/app/password", WithDecryption=True)
    assert opened["Value"] == f"{MARK} 2" and opened["Type"] == "SecureString"

    def is_sealed(value):
        raw = base64.b64decode(value, validate=True)
        assert MARK not in value and MARK.encode() not in raw and len(raw) > 100, value
        return True

    assert is_sealed(sealed["Value"]) and get("/app/password")["Value"] == sealed["Value"]
    several = ok("GetParameters", Names=["/app/password", "plain"])["Parameters"]
    assert several[0]["Value"] == sealed["Value"] and several[1]["Value"] == "two"
    below = ok("GetParametersByPath", Path="/app")["Parameters"]
    assert below[0]["Value"] == sealed["Value"]
    assert ok("GetParametersByPath", Path="/app", WithDecryption=True)["Parameters"][0]["Value"] == f"{MARK} 2"
    history = ok("GetParameterHistory", Name="/app/password")["Parameters"]
    assert all(is_sealed(p["Value"]) and p["KeyId"] == "alias/aws/ssm" for p in history) and len(history) == 2
    assert history[0]["Value"] != history[1]["Value"] == sealed["Value"]
    history = ok("GetParameterHistory", Name="/app/password", WithDecryption=True)["Parameters"]
    assert [p["Value"] for p in history] == [f"{MARK} 1", f"{MARK} 2"]
    # Others are told as they are in any case.
    assert get("plain", WithDecryption=True)["Value"] == "two"
    return sealed["Value"]


def getting():
    put("versions", "v1")
    for number in (2, 3):
        put("versions", f"v{number}", Overwrite=True)
    labelled = ok("LabelParameterVersion", Name="versions", ParameterVersion=1, Labels=["prod", "9x", "aws-x", "SSM", "a/b"])
    assert labelled == {"InvalidLabels": ["9x", "aws-x", "SSM", "a/b"], "ParameterVersion": 1}, labelled
    assert get("versions")["Value"] == "v3" and "Selector" not in get("versions")
    for selector, value in ((":2", "v2"), (":prod", "v1")):
        got = get("versions" + selector)
        assert (got["Name"], got["Value"], got["Selector"]) == ("versions", value, selector), got
    assert get(get("versions")["ARN"] + ":2")["Value"] == "v2"
    for selector in (":4", ":0", ":none"):
        refused("ParameterVersionNotFound", "GetParameter", Name="versions" + selector)
    refused(MISSING, "GetParameter", Name="nothing:1")
    refused(MISSING, "GetParameter", Name="/aws/service/ami")
    refused(MISSING, "GetParameter", Name="arn:aws:ssm:eu-west-9:123456789012:parameter/plain")
    refused(INVALID, "GetParameter", Name="{test}")
    refused(INVALID, "GetParameter", "'Name'")

    several = ok("GetParameters", Names=["versions:2", "plain", "nothing", "versions:none", "a b", "plain"])
    assert [(p["Name"], p["Value"]) for p in several["Parameters"]] == [("plain", "two"), ("versions", "v2")], several
    assert several["InvalidParameters"] == ["nothing", "versions:none", "a b"], several
    refused(INVALID, "GetParameters", Names=["plain"] * 11)
    refused(INVALID, "GetParameters", Names=[])

    # A label moves, and ten are all that a version has.
    ok("LabelParameterVersion", Name="versions", Labels=["prod", "new"])
    assert get("versions:prod")["Value"] == "v3"
    ok("LabelParameterVersion", Name="versions", Labels=["prod"])
    history = ok("GetParameterHistory", Name="versions")["Parameters"]
    refused("ParameterVersionLabelLimitExceeded", "LabelParameterVersion", Name="versions", Labels=[f"l{n}" for n in range(9)])
    refused(INVALID, "LabelParameterVersion", Name="versions", Labels=[f"l{n}" for n in range(11)])
    refused(INVALID, "LabelParameterVersion", Name="versions", Labels=["l" * 101])
    refused("ParameterVersionNotFound", "LabelParameterVersion", Name="versions", ParameterVersion=4, Labels=["x"])
    refused(MISSING, "LabelParameterVersion", Name="nothing", Labels=["x"])
    unlabelled = ok("UnlabelParameterVersion", Name="versions", ParameterVersion=3, Labels=["new", "none"])
    assert unlabelled == {"RemovedLabels": ["new"], "InvalidLabels": ["none"]}, unlabelled
    refused("ParameterVersionNotFound", "GetParameter", Name="versions:new")
    refused("ParameterVersionNotFound", "UnlabelParameterVersion", Name="versions", ParameterVersion=4, Labels=["x"])
    refused(MISSING, "UnlabelParameterVersion", Name="nothing", ParameterVersion=1, Labels=["x"])
    refused(INVALID, "UnlabelParameterVersion", Name="versions", Labels=["x"])

    paged = aws.pages("GetParameterHistory", "Parameters", 1, Name="versions")
    assert [p["Version"] for p in paged] == [1, 2, 3]
    assert aws.raw["Parameters"][0]["Labels"] == ["prod"]
    refused(MISSING, "GetParameterHistory", Name="nothing")
    refused("InvalidNextToken", "GetParameterHistory", Name="versions", NextToken="?")
    refused(INVALID, "GetParameterHistory", Name="versions", MaxResults=51)
    return len(history)


def many_versions():
    put("many", "1")
    ok("LabelParameterVersion", Name="many", Labels=["first"])
    for number in range(2, 101):
        put("many", str(number), Overwrite=True)
    refused("ParameterMaxVersionLimitExceeded", "PutParameter", "oldest version", Name="many", Value="101", Overwrite=True)
    ok("UnlabelParameterVersion", Name="many", ParameterVersion=1, Labels=["first"])
    assert put("many", "101", Overwrite=True)["Version"] == 101
    assert len(aws.pages("GetParameterHistory", "Parameters", 50, Name="many")) == 100
    refused("ParameterVersionNotFound", "GetParameter", Name="many:1")
    assert get("many:2")["Value"] == "2"


def tagging():
    it = {"ResourceType": "Parameter", "ResourceId": "plain"}
    tags = lambda: ok("ListTagsForResource", **it)["TagList"]
    assert tags() == []
    ok("AddTagsToResource", Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}], **it)
    ok("AddTagsToResource", Tags=[{"Key": "a", "Value": "3"}], **it)
    assert tags() == [{"Key": "a", "Value": "3"}, {"Key": "b", "Value": "2"}]
    ok("RemoveTagsFromResource", TagKeys=["b", "none"], **it)
    assert tags() == [{"Key": "a", "Value": "3"}]
    refused("TooManyTagsError", "AddTagsToResource", Tags=[{"Key": str(n), "Value": ""} for n in range(50)], **it)
    refused(INVALID, "AddTagsToResource", Tags=[{"Key": "", "Value": ""}], **it)
    for operation, more in (("AddTagsToResource", {"Tags": []}), ("RemoveTagsFromResource", {"TagKeys": []}),
                            ("ListTagsForResource", {})):
        refused("InvalidResourceId", operation, ResourceType="Parameter", ResourceId="nothing", **more)
        refused("InvalidResourceType", operation, ResourceType="Document", ResourceId="plain", **more)


def deleting():
    for name in ("/d/a", "/d/b", "/d/c"):
        put(name, "x")
    ok("DeleteParameter", Name="/d/a")
    refused(MISSING, "GetParameter", Name="/d/a")
    refused(MISSING, "DeleteParameter", Name="/d/a")
    gone = ok("DeleteParameters", Names=["/d/b", "/d/a", "/d/c", "a b"])
    assert gone == {"DeletedParameters": ["/d/b", "/d/c"], "InvalidParameters": ["/d/a", "a b"]}, gone
    refused(INVALID, "DeleteParameters", Names=[])
    refused(INVALID, "DeleteParameters", Names=["x"] * 11)
    refused("InvalidResourceId", "ListTagsForResource", ResourceType="Parameter", ResourceId="/d/a")
    # A new parameter begins anew.
    assert put("/d/a", "again")["Version"] == 1


def at_once():
    """Each of many writers at once gets a version of its own, and that version holds what it wrote."""
    with ThreadPoolExecutor(8) as pool:
        write = lambda number: aws.client.put_parameter(Name="race", Value=str(number), Type="String", Overwrite=True)
        made = {answer["Version"]: number for number, answer in enumerate(pool.map(write, range(40)))}
    assert sorted(made) == list(range(1, 41)), made
    assert all(get(f"race:{version}")["Value"] == str(number) for version, number in made.items())


def before():
    putting()
    putting_wrongly()
    sealed = secure()
    getting()
    many_versions()
    searching(aws)
    tagging()
    deleting()
    at_once()
    aws.check_operations()
    return {"sealed": sealed, "all": aws.pages("DescribeParameters", "Parameters", 50)}


def after(noted):
    found = json.loads(json.dumps(aws.pages("DescribeParameters", "Parameters", 50), default=str))
    assert found == noted["all"], (found, noted["all"])
    assert get("/app/password", WithDecryption=True)["Value"] == f"{MARK} 2"
    assert get("/app/password")["Value"] == noted["sealed"]
    assert get("versions:prod")["Value"] == "v3" and get("versions:1")["Value"] == "v1"
    assert get("many")["Version"] == 101
    assert ok("ListTagsForResource", ResourceType="Parameter", ResourceId="plain")["TagList"] == [{"Key": "a", "Value": "3"}]
    refused(MISSING, "GetParameter", Name="/d/b")


def writing():
    """Writes until nobody answers, and notes each number that was acknowledged."""
    for number in itertools.count(1):
        try:
            put("/kill/me", f"{MARK} {number}", "SecureString", Overwrite=True)
        except BotoCoreError:
            return number - 1
        note(sys.argv[2], number)


def written(acknowledged):
    """The last write that was acknowledged is there; the one after it may be."""
    found = get("/kill/me", WithDecryption=True)
    assert found["Version"] in (acknowledged, acknowledged + 1), (found, acknowledged)
    assert found["Value"] == f"{MARK} {found['Version']}", found


main({"before": before, "after": after, "writing": writing, "written": written})
