"""S3 buckets and objects, and the repositories of ECR."""

import json

from witness import Witness

EXPIRES = {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 1}
LIFECYCLE = {"rules": [{"rulePriority": 1, "selection": EXPIRES, "action": {"type": "expire"}}]}


def s3(w: Witness) -> None:
    client = w.client("s3")
    client.create_bucket(Bucket="store")
    client.head_bucket(Bucket="store")
    w.refused("404", client.head_bucket, Bucket="nothing")
    client.get_bucket_location(Bucket="store")
    client.put_bucket_versioning(Bucket="store", VersioningConfiguration={"Status": "Suspended"})
    client.put_public_access_block(Bucket="store", PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    w.holds("a bucket is listed", [one["Name"] for one in client.list_buckets()["Buckets"]] == ["store"])
    tag = client.put_object(Bucket="store", Key="a/1", Body=b"one", IfNoneMatch="*")["ETag"]
    w.refused("PreconditionFailed", client.put_object, Bucket="store", Key="a/1", Body=b"two", IfNoneMatch="*")
    client.put_object(Bucket="store", Key="a/1", Body=b"two", IfMatch=tag)
    w.holds("an object is read", client.get_object(Bucket="store", Key="a/1")["Body"].read() == b"two")
    w.refused("NoSuchKey", client.get_object, Bucket="store", Key="nothing")
    w.holds("its size is told", client.head_object(Bucket="store", Key="a/1")["ContentLength"] == 3)
    for n in range(5):
        client.put_object(Bucket="store", Key=f"b/{n}", Body=b"")
    page = client.list_objects_v2(Bucket="store", Prefix="b/", MaxKeys=2)
    pages = [page]
    while page["IsTruncated"]:
        token = page["NextContinuationToken"]
        page = client.list_objects_v2(Bucket="store", Prefix="b/", MaxKeys=2, ContinuationToken=token)
        pages.append(page)
    keys = [one["Key"] for page in pages for one in page["Contents"]]
    w.holds(f"pages hold every key once: {keys}", keys == [f"b/{n}" for n in range(5)])
    upload = client.create_multipart_upload(Bucket="store", Key="big")["UploadId"]
    part = client.upload_part(Bucket="store", Key="big", UploadId=upload, PartNumber=1, Body=b"part")
    client.complete_multipart_upload(
        Bucket="store", Key="big", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    )
    upload = client.create_multipart_upload(Bucket="store", Key="big")["UploadId"]
    client.abort_multipart_upload(Bucket="store", Key="big", UploadId=upload)
    w.refused("BucketNotEmpty", client.delete_bucket, Bucket="store")
    client.delete_object(Bucket="store", Key="big")
    client.delete_objects(Bucket="store", Delete={"Objects": [{"Key": key} for key in ["a/1", *keys]]})
    client.delete_bucket(Bucket="store")
    w.refused("NoSuchBucket", client.list_objects_v2, Bucket="store")


def ecr(w: Witness) -> None:
    client = w.client("ecr")
    client.create_repository(repositoryName="shelf", imageTagMutability="IMMUTABLE")
    w.refused("RepositoryAlreadyExistsException", client.create_repository, repositoryName="shelf")
    w.refused("RepositoryNotFoundException", client.describe_repositories, repositoryNames=["nothing"])
    client.describe_repositories(repositoryNames=["shelf"])
    client.get_authorization_token()
    client.put_lifecycle_policy(repositoryName="shelf", lifecyclePolicyText=json.dumps(LIFECYCLE))
    client.delete_repository(repositoryName="shelf")
