"""CloudFront: key value stores, functions, and distributions with their tags and invalidations."""

import time
from typing import Any

from running import until
from witness import Witness

CODE = b"async function handler(event) { return event.request; }"
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"


def functions(w: Witness, client: Any, store: str) -> dict[str, Any]:
    """A function that reads a store, as it is at DEVELOPMENT in the end."""
    config = {
        "Comment": "a < b",
        "Runtime": "cloudfront-js-2.0",
        "KeyValueStoreAssociations": {"Quantity": 1, "Items": [{"KeyValueStoreARN": store}]},
    }
    made = client.create_function(Name="router", FunctionConfig=config, FunctionCode=CODE)
    w.holds("its config comes back", made["FunctionSummary"]["FunctionConfig"] == config)
    w.holds("it is not published", made["FunctionSummary"]["Status"] == "UNPUBLISHED")
    plain = {"Comment": "", "Runtime": "cloudfront-js-2.0"}
    for code, name, given, text in (
        ("FunctionAlreadyExists", "router", plain, CODE),
        ("InvalidArgument", "a b", plain, CODE),
        ("InvalidArgument", "other", {**config, "Runtime": "cloudfront-js-1.0"}, CODE),
        ("FunctionSizeLimitExceeded", "other", plain, b"x" * 10241),
    ):
        w.refused(code, client.create_function, Name=name, FunctionConfig=given, FunctionCode=text)
    w.refused("NoSuchFunctionExists", client.describe_function, Name="nothing")
    w.refused("NoSuchFunctionExists", client.get_function, Name="router", Stage="LIVE")
    change = {"Name": "router", "FunctionConfig": config, "FunctionCode": CODE + b"\n"}
    w.refused("PreconditionFailed", client.update_function, **change, IfMatch="stale")
    tag = client.update_function(**change, IfMatch=made["ETag"])["ETag"]
    w.refused("PreconditionFailed", client.publish_function, Name="router", IfMatch=made["ETag"])
    live = client.publish_function(Name="router", IfMatch=tag)["FunctionSummary"]
    w.holds("it is live", live["FunctionMetadata"]["Stage"] == "LIVE" and live["Status"] == "UNASSOCIATED")
    got = client.get_function(Name="router", Stage="LIVE")
    w.holds("its code comes back", got["FunctionCode"].read() == CODE + b"\n")
    w.holds("of a type", got["ContentType"] == "application/octet-stream")
    page = client.list_functions(MaxItems="1")["FunctionList"]
    rest = client.list_functions(Marker=page["NextMarker"])["FunctionList"]
    w.holds("it is listed at both stages", page["Quantity"] == 1 and rest["Quantity"] == 1)
    w.refused("InvalidArgument", client.list_functions, MaxItems="none")
    w.refused("PreconditionFailed", client.delete_function, Name="router", IfMatch="stale")
    return client.describe_function(Name="router")


def config(reference: str, **more: Any) -> dict[str, Any]:
    """A config with one origin and all that has to be said."""
    custom = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}
    behaviour = {"TargetOriginId": "app", "ViewerProtocolPolicy": "allow-all", "CachePolicyId": CACHING_DISABLED}
    origin = {"Id": "app", "DomainName": "app.example.com", "CustomOriginConfig": custom}
    return {
        "CallerReference": reference,
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": {**behaviour, **more.pop("behaviour", {})},
        "Comment": "a & b",
        "Enabled": True,
        **more,
    }


def refusals(w: Witness, client: Any) -> None:
    """What is no config."""
    for code, more in (
        ("NoSuchOrigin", {"behaviour": {"TargetOriginId": "nothing"}}),
        ("NoSuchCachePolicy", {"behaviour": {"CachePolicyId": "nothing"}}),
        ("NoSuchOriginRequestPolicy", {"behaviour": {"OriginRequestPolicyId": "nothing"}}),
        ("NoSuchResponseHeadersPolicy", {"behaviour": {"ResponseHeadersPolicyId": "nothing"}}),
        ("InconsistentQuantities", {"Aliases": {"Quantity": 2, "Items": ["a.example.com"]}}),
        ("InvalidViewerCertificate", {"Aliases": {"Quantity": 1, "Items": ["a.example.com"]}}),
        ("InvalidDefaultRootObject", {"DefaultRootObject": "/index.html"}),
        ("InvalidWebACLId", {"WebACLId": "a"}),
        ("InvalidArgument", {"Comment": "x" * 129}),
    ):
        w.refused(code, client.create_distribution, DistributionConfig=config("refused", **more))
    for arn, event in (("arn:aws:cloudfront::1:function/nothing", "viewer-request"), ("", "origin-request")):
        one = {"Quantity": 1, "Items": [{"FunctionARN": arn, "EventType": event}]}
        given = config("refused", behaviour={"FunctionAssociations": one})
        w.refused("InvalidFunctionAssociation", client.create_distribution, DistributionConfig=given)


def distributions(w: Witness, client: Any, function: str) -> None:
    """A distribution with a function from its making to its end."""
    refusals(w, client)
    associated = {"Quantity": 1, "Items": [{"FunctionARN": function, "EventType": "viewer-request"}]}
    given = config("one", behaviour={"FunctionAssociations": associated})
    made = client.create_distribution(DistributionConfig=given)
    identifier, arn = made["Distribution"]["Id"], made["Distribution"]["ARN"]
    w.holds("it is under way", made["Distribution"]["Status"] == "InProgress")
    w.refused("DistributionAlreadyExists", client.create_distribution, DistributionConfig=given)
    w.refused("FunctionInUse", client.delete_function, Name="router", IfMatch=client.describe_function(Name="router")["ETag"])
    told = client.get_distribution_config(Id=identifier)
    w.holds("what was said comes back", all(told["DistributionConfig"][name] == given[name] for name in ("Comment", "Enabled")))
    w.holds("its function, too", told["DistributionConfig"]["DefaultCacheBehavior"]["FunctionAssociations"] == associated)
    w.refused("NoSuchDistribution", client.get_distribution, Id="ENOTHING")

    tags = {"Items": [{"Key": "a", "Value": "b"}]}
    with_tags = {"DistributionConfig": config("two", Enabled=False), "Tags": tags}
    other = client.create_distribution_with_tags(DistributionConfigWithTags=with_tags)["Distribution"]
    w.holds("it has its tags", client.list_tags_for_resource(Resource=other["ARN"])["Tags"] == tags)
    client.tag_resource(Resource=arn, Tags={"Items": [{"Key": "c", "Value": "d"}, {"Key": "e", "Value": ""}]})
    client.untag_resource(Resource=arn, TagKeys={"Items": ["e"]})
    w.holds("tags change", client.list_tags_for_resource(Resource=arn)["Tags"]["Items"] == [{"Key": "c", "Value": "d"}])
    w.refused("InvalidTagging", client.tag_resource, Resource=arn, Tags={"Items": [{"Key": "aws:a", "Value": ""}]})
    w.refused("NoSuchResource", client.list_tags_for_resource, Resource=arn + "X")
    page = client.list_distributions(MaxItems="1")["DistributionList"]
    rest = client.list_distributions(Marker=page["NextMarker"])["DistributionList"]
    shown = {one["Id"] for one in page["Items"] + rest["Items"]}
    w.holds("both are listed", page["IsTruncated"] and not rest["IsTruncated"] and shown == {identifier, other["Id"]})
    invalidations(w, client, identifier)

    w.refused("IllegalUpdate", client.update_distribution, Id=identifier, IfMatch=told["ETag"], DistributionConfig=config("x"))
    told["DistributionConfig"]["Enabled"] = False
    update = {"Id": identifier, "DistributionConfig": told["DistributionConfig"]}
    w.refused("PreconditionFailed", client.update_distribution, **update, IfMatch="stale")
    tag = client.update_distribution(**update, IfMatch=told["ETag"])["ETag"]
    w.refused("DistributionNotDisabled", client.delete_distribution, Id=identifier, IfMatch=tag)
    for one in (identifier, other["Id"]):
        until("it is deployed", lambda: client.get_distribution(Id=one)["Distribution"]["Status"] == "Deployed")  # noqa: B023
        client.delete_distribution(Id=one, IfMatch=client.get_distribution(Id=one)["ETag"])


def invalidations(w: Witness, client: Any, identifier: str) -> None:
    batch = {"Paths": {"Quantity": 2, "Items": ["/a", "/b/*"]}, "CallerReference": str(time.time())}
    made = client.create_invalidation(DistributionId=identifier, InvalidationBatch=batch)["Invalidation"]
    again = client.create_invalidation(DistributionId=identifier, InvalidationBatch=batch)["Invalidation"]
    w.holds("the same batch is the same invalidation", made["Id"] == again["Id"])
    w.holds("it comes back", made["InvalidationBatch"] == batch)
    bad = {**batch, "CallerReference": "x", "Paths": {"Quantity": 1, "Items": ["a"]}}
    w.refused("InvalidArgument", client.create_invalidation, DistributionId=identifier, InvalidationBatch=bad)
    w.refused("NoSuchDistribution", client.create_invalidation, DistributionId="E", InvalidationBatch=batch)
    w.refused("NoSuchInvalidation", client.get_invalidation, DistributionId=identifier, Id="I")
    done = lambda: client.get_invalidation(DistributionId=identifier, Id=made["Id"])["Invalidation"]["Status"] == "Completed"  # noqa: E731
    until("it is completed", done)
    listed = client.list_invalidations(DistributionId=identifier)["InvalidationList"]
    w.holds("it is listed", [one["Id"] for one in listed["Items"]] == [made["Id"]])


def stores(w: Witness) -> None:
    control, data = w.client("cloudfront"), w.client("cloudfront-keyvaluestore")
    made = control.create_key_value_store(Name="route", Comment="where users go")
    arn = made["KeyValueStore"]["ARN"]
    control.describe_key_value_store(Name="route")
    w.refused("EntityNotFound", control.describe_key_value_store, Name="nothing")
    control.list_key_value_stores()
    tag = data.describe_key_value_store(KvsARN=arn)["ETag"]
    tag = data.put_key(KvsARN=arn, Key="a", Value="1", IfMatch=tag)["ETag"]
    w.refused("ConflictException", data.put_key, KvsARN=arn, Key="a", Value="2", IfMatch="stale")
    w.holds("a key is read", data.get_key(KvsARN=arn, Key="a")["Value"] == "1")
    tag = data.update_keys(KvsARN=arn, IfMatch=tag, Puts=[{"Key": "b", "Value": "2"}], Deletes=[])["ETag"]
    w.holds("keys are listed", [one["Key"] for one in data.list_keys(KvsARN=arn)["Items"]] == ["a", "b"])
    data.delete_key(KvsARN=arn, Key="a", IfMatch=tag)
    w.refused("ResourceNotFoundException", data.get_key, KvsARN=arn, Key="a")
    w.refused("PreconditionFailed", control.update_key_value_store, Name="route", Comment="x", IfMatch="stale")
    other = control.update_key_value_store(Name="route", Comment="elsewhere", IfMatch=made["ETag"])
    w.holds("a comment is changed", other["KeyValueStore"]["Comment"] == "elsewhere" and other["ETag"] != made["ETag"])
    w.refused("PreconditionFailed", control.delete_key_value_store, Name="route", IfMatch=made["ETag"])
    given = {"Name": "routes", "ImportSource": {"SourceType": "S3", "SourceARN": "arn:aws:s3:::a/b"}}
    w.refused("UnsupportedOperation", control.create_key_value_store, **given)
    used = functions(w, control, arn)
    w.refused("CannotDeleteEntityWhileInUse", control.delete_key_value_store, Name="route", IfMatch=other["ETag"])
    distributions(w, control, used["FunctionSummary"]["FunctionMetadata"]["FunctionARN"])
    control.delete_function(Name="router", IfMatch=used["ETag"])
    control.delete_key_value_store(Name="route", IfMatch=other["ETag"])
