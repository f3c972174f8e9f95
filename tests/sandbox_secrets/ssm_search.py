"""SSM Parameter Store: parameters below a path, and those that filters find among what the other parts made."""

from asking import MARK

INVALID = "ValidationException"


def names(answer):
    return [parameter["Name"] for parameter in answer]


def searching(aws):
    ok, refused = aws.ok, aws.refused
    put = lambda name, value, kind, **more: ok("PutParameter", Name=name, Value=value, Type=kind, **more)
    for name in ("/s/a", "/s/b", "/s/b/c", "/s/b/d/e", "/sx"):
        put(name, name, "StringList" if name == "/s/b" else "String")
    put("/s/z", MARK, "SecureString", Tier="Advanced")
    below = lambda path, **more: names(aws.pages("GetParametersByPath", "Parameters", 2, Path=path, **more))
    deep = ["/s/a", "/s/b", "/s/b/c", "/s/b/d/e", "/s/z"]
    assert below("/s") == below("/s/") == ["/s/a", "/s/b", "/s/z"]
    assert below("/s", Recursive=True) == deep and below("/s/b", Recursive=True) == deep[2:4]
    top = below("/")
    assert "plain" in top and "/sx" in top and "/s/a" not in top and set(deep) < set(below("/", Recursive=True))
    assert below("/nothing") == [] and len(ok("GetParametersByPath", Path="/", Recursive=True)["Parameters"]) == 10
    ok("PutParameter", Name="/s/a", Value="later", Overwrite=True)
    ok("LabelParameterVersion", Name="/s/a", ParameterVersion=1, Labels=["old"])
    by = lambda key, *values, **option: {"Key": key, "Values": list(values), **option}
    begins, contains, deep_below = {"Option": "BeginsWith"}, {"Option": "Contains"}, {"Option": "Recursive"}
    assert below("/s", ParameterFilters=[by("Type", "String", "SecureString")]) == ["/s/a", "/s/z"]
    assert below("/s", ParameterFilters=[by("KeyId", "alias/aws/ssm")]) == ["/s/z"]
    old = ok("GetParametersByPath", Path="/s", ParameterFilters=[by("Label", "old")])["Parameters"]
    assert [(p["Name"], p["Version"], p["Value"]) for p in old] == [("/s/a", 1, "/s/a")], old
    for path in ("s", "//", "/###", ""):
        refused(INVALID, "GetParametersByPath", Path=path)
    refused(INVALID, "GetParametersByPath", Path="/s", MaxResults=11)
    refused("InvalidNextToken", "GetParametersByPath", Path="/s", NextToken="?")
    for key in ("Name", "Path", "Tier", "tag:x"):
        refused("InvalidFilterKey", "GetParametersByPath", key, Path="/s", ParameterFilters=[by(key, "/s")])

    found = lambda *filters: names(aws.pages("DescribeParameters", "Parameters", 3, ParameterFilters=list(filters)))
    everything = names(aws.pages("DescribeParameters", "Parameters", 7))
    assert everything == sorted(everything) and set(deep) < set(everything)
    assert len(ok("DescribeParameters")["Parameters"]) == 10 and ok("DescribeParameters", Shared=True)["Parameters"] == []
    assert found(by("Name", "plain")) == found(by("Name", "/plain")) == ["plain"]
    assert found(by("Name", "/s/b", **begins)) == deep[1:4] and found(by("Name", "b/", **contains)) == deep[2:4]
    assert found(by("Type", "StringList")) == ["/s/b", "list"]
    assert found(by("Type", "SecureString")) == found(by("KeyId", "alias", **begins)) == ["/app/password", "/s/z"]
    assert found(by("Path", "/s")) == ["/s/a", "/s/b", "/s/z"] and found(by("Path", "/s", **deep_below)) == deep
    assert found(by("Tier", "Advanced")) == ["/s/z", "long"]
    assert found(by("Path", "/s", **deep_below), by("Type", "StringList")) == ["/s/b"]
    assert found(by("tag:k", "v")) == found({"Key": "tag:k"}) == ["kept"] and found(by("tag:k", "w")) == []
    assert found(by("DataType", "text")) == everything
    for code, words, filters in (
        (INVALID, "pattern", [by("Size", "1")]), ("InvalidFilterKey", "Label", [by("Label", "x")]),
        ("InvalidFilterKey", "duplicated", [by("Name", "x"), by("Name", "y")]),
        ("InvalidFilterValue", "missing", [{"Key": "Name"}]), ("InvalidFilterValue", "Text", [by("Type", "Text")]),
        ("InvalidFilterOption", "Equals", [by("Path", "/s", Option="Equals")]),
        ("InvalidFilterOption", "Like", [by("Name", "x", Option="Like")]), (INVALID, "", [by("Path", "s")]),
        (INVALID, "", [by("Name", *["x"] * 51)]),
    ):
        refused(code, "DescribeParameters", words, ParameterFilters=filters)
    refused("InvalidNextToken", "DescribeParameters", NextToken="?")
    refused(INVALID, "DescribeParameters", MaxResults=51)
    refused(INVALID, "DescribeParameters", "Filters", Filters=[{"Key": "Name", "Values": ["plain"]}])
