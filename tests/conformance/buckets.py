"""S3: buckets and their configurations."""

import json
from typing import Any

from witness import Witness

BLOCKED = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def made(w: Witness, s3: Any) -> None:
    # The first region is no constraint.
    where = {} if s3.meta.region_name == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": s3.meta.region_name}}
    s3.create_bucket(Bucket="store", **where)
    w.refused("BucketAlreadyOwnedByYou", s3.create_bucket, Bucket="store", **where)
    s3.head_bucket(Bucket="store")
    w.refused("404", s3.head_bucket, Bucket="nothing")
    told = s3.get_bucket_location(Bucket="store").get("LocationConstraint") or "us-east-1"
    w.holds("a bucket is where it was made", told == s3.meta.region_name)
    w.holds("a bucket is listed", [one["Name"] for one in s3.list_buckets()["Buckets"]] == ["store"])


def settings(w: Witness, s3: Any) -> None:
    it: dict[str, Any] = {"Bucket": "store"}
    rule = s3.get_bucket_encryption(**it)["ServerSideEncryptionConfiguration"]["Rules"][0]
    w.holds("SSE-S3 is usual", rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256")
    s3.put_bucket_encryption(**it, ServerSideEncryptionConfiguration={"Rules": [rule]})
    s3.delete_bucket_encryption(**it)
    usual = s3.get_public_access_block(**it)["PublicAccessBlockConfiguration"]
    w.holds("all is blocked where nothing was said", usual == dict.fromkeys(BLOCKED, True))
    someone = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::store/*"}
    public = json.dumps({"Version": "2012-10-17", "Statement": [someone]})
    w.refused("AccessDenied", s3.put_bucket_policy, **it, Policy=public)
    s3.put_public_access_block(**it, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    kept = s3.get_public_access_block(**it)["PublicAccessBlockConfiguration"]
    w.holds("what is not blocked is told", kept == dict.fromkeys(BLOCKED, False) | {"BlockPublicAcls": True})
    s3.delete_public_access_block(**it)
    w.refused("NoSuchPublicAccessBlockConfiguration", s3.get_public_access_block, **it)
    w.refused("NoSuchBucketPolicy", s3.get_bucket_policy, **it)
    w.refused("MalformedPolicy", s3.put_bucket_policy, **it, Policy=public.replace("store", "other"))
    s3.put_bucket_policy(**it, Policy=public)
    w.holds("a policy is given back", json.loads(s3.get_bucket_policy(**it)["Policy"]) == json.loads(public))
    w.holds("it is public", s3.get_bucket_policy_status(**it)["PolicyStatus"]["IsPublic"])
    s3.delete_bucket_policy(**it)
    owner = s3.get_bucket_ownership_controls(**it)["OwnershipControls"]["Rules"][0]["ObjectOwnership"]
    w.holds("the bucket's owner owns", owner == "BucketOwnerEnforced")
    s3.put_bucket_ownership_controls(**it, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    s3.delete_bucket_ownership_controls(**it)
    w.refused("OwnershipControlsNotFoundError", s3.get_bucket_ownership_controls, **it)
    w.refused("NoSuchTagSet", s3.get_bucket_tagging, **it)
    tags = [{"Key": "team", "Value": "a b"}]
    s3.put_bucket_tagging(**it, Tagging={"TagSet": tags})
    w.holds("a bucket has its tags", s3.get_bucket_tagging(**it)["TagSet"] == tags)
    s3.delete_bucket_tagging(**it)
    w.refused("NoSuchLifecycleConfiguration", s3.get_bucket_lifecycle_configuration, **it)
    rules = [{"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 3}}]
    s3.put_bucket_lifecycle_configuration(**it, LifecycleConfiguration={"Rules": rules})
    w.holds("rules are kept", s3.get_bucket_lifecycle_configuration(**it)["Rules"] == rules)
    w.refused(
        "InvalidRequest", s3.put_bucket_lifecycle_configuration, **it, LifecycleConfiguration={"Rules": [{"Status": "Enabled", "Filter": {"Prefix": ""}}]}
    )
    s3.delete_bucket_lifecycle(**it)
