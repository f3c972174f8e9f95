"""S3 beside plain objects: configurations, tags, versions, copies, uploads under way."""

import json

from side import Side

CLEAR = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": False, "RestrictPublicBuckets": False}


def drive(on: Side) -> None:
    ask = on.client("s3")
    ask.ask("CreateBucket", Bucket="whole")
    configurations(ask)
    objects(ask)
    versions(ask)
    ask("DeleteBucket", Bucket="whole")


def configurations(ask) -> None:  # noqa: ANN001
    it, none = {"Bucket": "whole"}, {"Bucket": "nothing"}
    ask("GetPublicAccessBlock", **it)
    ask("PutPublicAccessBlock", **it, PublicAccessBlockConfiguration=CLEAR)
    ask("GetPublicAccessBlock", **it)
    ask("GetBucketEncryption", **it)
    kms = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]}
    ask("PutBucketEncryption", **it, ServerSideEncryptionConfiguration=kms)
    ask("GetBucketEncryption", **it)
    ask("DeleteBucketEncryption", **it)
    ask("GetBucketOwnershipControls", **it)
    ask("PutBucketOwnershipControls", **it, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
    ask("GetBucketOwnershipControls", **it)
    ask("DeleteBucketOwnershipControls", **it)
    ask("GetBucketOwnershipControls", **it)
    ask("GetBucketTagging", **it)
    ask("PutBucketTagging", **it, Tagging={"TagSet": [{"Key": "a", "Value": "1"}]})
    ask("GetBucketTagging", **it)
    ask("GetBucketTagging", **none)
    ask("DeleteBucketTagging", **it)
    ask("GetBucketLifecycleConfiguration", **it)
    rules = [{"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 1}}]
    ask("PutBucketLifecycleConfiguration", **it, LifecycleConfiguration={"Rules": rules})
    ask("GetBucketLifecycleConfiguration", **it)
    ask("DeleteBucketLifecycle", **it)
    ask("GetBucketPolicy", **it)
    ask("GetBucketPolicyStatus", **it)
    one = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::whole/*"}
    ask("PutBucketPolicy", **it, Policy=json.dumps({"Version": "2012-10-17", "Statement": [one]}))
    ask("PutBucketPolicy", **it, Policy="no policy")
    ask("GetBucketPolicy", **it)
    ask("GetBucketPolicyStatus", **it)
    ask("DeleteBucketPolicy", **it)
    ask("GetBucketPolicy", **it)
    ask("GetBucketPolicy", **none)
    ask("DeletePublicAccessBlock", **it)
    ask("GetPublicAccessBlock", **it)


def objects(ask) -> None:  # noqa: ANN001
    it = {"Bucket": "whole", "Key": "a/1"}
    tag = ask("PutObject", **it, Body=b"one", Tagging="t=1", ChecksumAlgorithm="SHA256", CacheControl="no-store", Metadata={"who": "me"})["ETag"]
    ask("GetObjectAttributes", **it, ObjectAttributes=["ETag", "ObjectSize", "StorageClass"])
    ask("GetObject", **it, ChecksumMode="ENABLED")
    ask("PutObject", **it, Body=b"one", Tagging="t=1&t=2")
    ask("GetObjectTagging", **it)
    ask("GetObjectTagging", Bucket="whole", Key="nothing")
    ask("PutObjectTagging", **it, Tagging={"TagSet": [{"Key": "x", "Value": "y"}]})
    ask("GetObjectTagging", **it)
    ask("DeleteObjectTagging", **it)
    copy = {"Bucket": "whole", "Key": "b"}
    ask("CopyObject", **copy, CopySource="whole/a/1")
    ask("CopyObject", **copy, CopySource="whole/nothing")
    ask("CopyObject", **it, CopySource="whole/a/1")
    ask("CopyObject", **copy, CopySource="whole/a/1", CopySourceIfNoneMatch=tag)
    ask("CopyObject", **copy, CopySource="whole/a/1", MetadataDirective="REPLACE", Metadata={"who": "you"})
    ask("HeadObject", **copy)
    ask("ListObjects", Bucket="whole")
    ask("ListObjects", Bucket="whole", Delimiter="/", MaxKeys=1)
    ask("ListObjects", Bucket="nothing")
    big = {"Bucket": "whole", "Key": "big"}
    upload = big | {"UploadId": ask("CreateMultipartUpload", **big)["UploadId"]}
    ask("ListParts", **upload)
    ask("UploadPartCopy", **upload, PartNumber=1, CopySource="whole/a/1", CopySourceRange="bytes=0-1")
    ask("UploadPartCopy", **upload, PartNumber=2, CopySource="whole/a/1", CopySourceRange="bytes=0-9")
    ask("ListParts", **upload)
    ask("ListParts", **big, UploadId="none")
    ask("ListMultipartUploads", Bucket="whole")
    ask("AbortMultipartUpload", **upload)
    ask("ListMultipartUploads", Bucket="nothing")
    ask("DeleteObjects", Bucket="whole", Delete={"Objects": [{"Key": "a/1"}, {"Key": "b"}]})


def versions(ask) -> None:  # noqa: ANN001
    it = {"Bucket": "whole", "Key": "v"}
    ask("GetBucketVersioning", Bucket="whole")
    ask.ask("PutBucketVersioning", Bucket="whole", VersioningConfiguration={"Status": "Enabled"})
    ask("GetBucketVersioning", Bucket="whole")
    ids = [ask("PutObject", **it, Body=text)["VersionId"] for text in (b"1", b"22")]
    ask("GetObject", **it)
    ask("GetObject", **it, VersionId=ids[0])
    ask("GetObject", **it, VersionId="x" * 32)
    marker = ask("DeleteObject", **it)["VersionId"]
    ask("GetObject", **it)
    ask("GetObject", **it, VersionId=marker)
    ask("ListObjectVersions", Bucket="whole")
    ask("ListObjectVersions", Bucket="nothing")
    ask("DeleteBucket", Bucket="whole")
    ask("DeleteObject", **it, VersionId=marker)
    ask("GetObject", **it)
    ask("DeleteObjects", Bucket="whole", Delete={"Objects": [{"Key": "v", "VersionId": one} for one in ids]})
