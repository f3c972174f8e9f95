"""Secrets Manager: lists of secrets, their filters and orders, and many values at once."""

from asking import MARK

MISSING = "ResourceNotFoundException"
WRONG = "InvalidParameterException"


def listing(aws):
    ok, refused = aws.ok, aws.refused
    for number in range(5):
        ok("CreateSecret", Name=f"list/{number}", SecretString=MARK, Description=f"Number {number} of Five",
           Tags=[{"Key": f"Key{number}", "Value": "Even" if number % 2 == 0 else "Odd"}])
    named = lambda answer: [secret["Name"] for secret in answer]
    five = [f"list/{n}" for n in range(5)]
    by = lambda key, *values: {"Key": key, "Values": list(values)}
    found = lambda *filters, **more: named(ok("ListSecrets", Filters=list(filters), **more)["SecretList"])
    lists = by("name", "list/")
    assert named(aws.pages("ListSecrets", "SecretList", 2, Filters=[lists])) == five
    assert named(aws.pages("ListSecrets", "SecretList", 2, Filters=[lists], SortOrder="desc")) == five[::-1]
    assert found(lists, SortBy="name", SortOrder="desc") == five[::-1]
    ok("UpdateSecret", SecretId="list/1", Description="Number 1 of Five")
    assert found(lists, SortBy="last-changed-date")[-1] == "list/1"
    ok("GetSecretValue", SecretId="list/3")
    assert found(lists, SortBy="last-accessed-date")[-1] == "list/3"
    assert found(by("name", "LIST/")) == [] and found(by("name", "list/1", "list/2")) == five[1:3]
    assert found(lists, by("name", "!list/1", "!list/2")) == [five[0], five[3], five[4]]
    assert found(by("tag-key", "Key4")) == five[4:] and found(by("tag-key", "key4")) == []
    assert found(by("tag-value", "Odd")) == ["list/1", "list/3"]
    assert found(lists, by("description", "nUMBER 2")) == ["list/2"] and found(by("description", "Five")) == []
    assert found(by("all", "five 2")) == ["list/2"] and found(by("all", "KEY3")) == ["list/3"]
    assert found(by("owning-service", "rds")) == [] and found(by("primary-region", "eu-west-1")) == []
    entry = ok("ListSecrets", Filters=[by("name", "app/")])["SecretList"][0]
    assert list(entry["SecretVersionsToStages"].values()) == [["AWSCURRENT"]] and entry["Description"] == "For the app"
    refused("InvalidNextTokenException", "ListSecrets", NextToken="?")
    for given in ({"MaxResults": 0}, {"MaxResults": 101}, {"SortBy": "size"}, {"SortOrder": "up"},
                  {"Filters": [by("size", "1")]}, {"Filters": [by("name")]}, {"Filters": [lists] * 11}):
        refused("ValidationException", "ListSecrets", **given)

    batch = ok("BatchGetSecretValue", SecretIdList=["list/0", "nothing", "app/db"])
    assert named(batch["SecretValues"]) == ["list/0", "app/db"]
    assert [(e["SecretId"], e["ErrorCode"]) for e in batch["Errors"]] == [("nothing", MISSING)]
    assert named(aws.pages("BatchGetSecretValue", "SecretValues", 2, Filters=[lists])) == five
    refused(WRONG, "BatchGetSecretValue")
    refused(WRONG, "BatchGetSecretValue", SecretIdList=["app/db"], Filters=[lists])
    refused(WRONG, "BatchGetSecretValue", SecretIdList=["app/db"], MaxResults=1)
    refused("ValidationException", "BatchGetSecretValue", SecretIdList=["app/db"] * 21)
    refused("InvalidNextTokenException", "BatchGetSecretValue", Filters=[lists], NextToken="?")
