"""What sessions of roles may do with objects and with the registry, where one request needs more than one action, or another's name."""

import hashlib
import os
from base64 import b64decode
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import roles
from roles import allow, document, signed, trust
from witness import Witness


def objects(w: Witness, client: Any, account: str) -> None:
    """Operations of S3 whose actions have other names, or that need more than one."""
    s3 = w.client("s3")
    for bucket in ("kept", "source"):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket="kept", Key="a", Body=b"x")["VersionId"]
    s3.put_object(Bucket="source", Key="a", Body=b"x")
    s3.put_object(Bucket="source", Key="secret", Body=b"x")
    text = document(
        allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:GetObjectVersionTagging"], "arn:aws:s3:::kept/*"),
        allow(["s3:GetLifecycleConfiguration", "s3:ListBucketVersions", "s3:GetBucketPublicAccessBlock"], "arn:aws:s3:::kept"),
        allow("s3:GetObject", "arn:aws:s3:::source/a"),
    )
    client.create_role(RoleName="keeper", AssumeRolePolicyDocument=trust(AWS=account))
    client.put_role_policy(RoleName="keeper", PolicyName="own", PolicyDocument=text)
    keys = w.client("sts").assume_role(RoleArn=f"arn:aws:iam::{account}:role/keeper", RoleSessionName="ci")["Credentials"]
    mine, it = w.client("s3", **signed(keys)), {"Bucket": "kept", "Key": "a"}
    mine.get_object(**it)
    w.refused("AccessDenied", mine.get_object, **it, VersionId=version)
    w.refused("AccessDenied", mine.delete_object, **it, VersionId=version)
    told = mine.delete_objects(Bucket="kept", Delete={"Objects": [{"Key": "a", "VersionId": version}]})
    w.holds(f"no version is removed: {told}", [one["Code"] for one in told["Errors"]] == ["AccessDenied"] and "Deleted" not in told)
    mine.get_object_tagging(**it, VersionId=version)
    w.refused("AccessDenied", mine.get_object_tagging, **it)
    mine.put_object(**it, Body=b"y")
    w.refused("AccessDenied", mine.put_object, **it, Body=b"y", Tagging="a=b")
    mine.copy_object(**it, CopySource="source/a")
    w.refused("AccessDenied", mine.copy_object, **it, CopySource="source/secret")
    upload = mine.create_multipart_upload(**it)["UploadId"]
    part = it | {"UploadId": upload, "PartNumber": 1}
    mine.upload_part_copy(**part, CopySource="source/a")
    w.refused("AccessDenied", mine.upload_part_copy, **part, CopySource="source/secret")
    w.refused("AccessDenied", mine.list_parts, **it, UploadId=upload)
    s3.abort_multipart_upload(**it, UploadId=upload)
    mine.list_object_versions(Bucket="kept")
    w.refused("AccessDenied", mine.list_objects_v2, Bucket="kept")
    w.refused("NoSuchLifecycleConfiguration", mine.get_bucket_lifecycle_configuration, Bucket="kept")
    w.refused("AccessDenied", mine.get_bucket_encryption, Bucket="kept")
    mine.get_public_access_block(Bucket="kept")
    client.delete_role_policy(RoleName="keeper", PolicyName="own")
    client.delete_role(RoleName="keeper")
    there = s3.list_object_versions(Bucket="kept")["Versions"]
    s3.delete_objects(Bucket="kept", Delete={"Objects": [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in there]})
    s3.delete_objects(Bucket="source", Delete={"Objects": [{"Key": "a"}, {"Key": "secret"}]})
    for bucket in ("kept", "source"):
        s3.delete_bucket(Bucket=bucket)


def answered(method: str, path: str, token: str) -> int:
    """The status of a request to the registry."""
    address = path if path.startswith("http") else os.environ["AWS_ENDPOINT_URL"] + path
    request = Request(address, method=method, headers={"Authorization": f"Basic {token}"} if token else {})
    try:
        with urlopen(request) as response:
            return response.status
    except HTTPError as error:
        return error.code


def registry(w: Witness, client: Any, account: str) -> None:
    """A token of the registry is worth what the session is that asked for it."""
    own = w.client("ecr")
    own.create_repository(repositoryName="guarded")
    client.create_role(RoleName="puller", AssumeRolePolicyDocument=trust(AWS=account))
    client.attach_role_policy(RoleName="puller", PolicyArn=roles.PULL)
    keys = w.client("sts").assume_role(RoleArn=f"arn:aws:iam::{account}:role/puller", RoleSessionName="ci")["Credentials"]
    session = w.client("ecr", **signed(keys))
    token = session.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    whole = own.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    w.holds("each has its own", token != whole)
    digest = "sha256:" + "0" * 64
    for given, expected in ((whole, (200, 404, 202, 202, 200)), (token, (200, 404, 403, 403, 403))):
        said = (
            answered("GET", "/v2/", given),
            answered("GET", f"/v2/guarded/manifests/{digest}", given),
            answered("POST", "/v2/guarded/blobs/uploads/", given),
            answered("POST", f"/v2/guarded/blobs/uploads/?mount={digest}&from=guarded", given),
            answered("GET", "/v2/guarded/tags/list", given),
        )
        w.holds(f"what a token may: {said}, not {expected}", said == expected)
    layer = b"a guarded layer"
    begun = own.initiate_layer_upload(repositoryName="guarded")["uploadId"]
    of = {"repositoryName": "guarded", "uploadId": begun}
    own.upload_layer_part(**of, partFirstByte=0, partLastByte=len(layer) - 1, layerPartBlob=layer)
    digest = own.complete_layer_upload(**of, layerDigests=[f"sha256:{hashlib.sha256(layer).hexdigest()}"])["layerDigest"]
    url = session.get_download_url_for_layer(repositoryName="guarded", layerDigest=digest)["downloadUrl"]
    w.holds("its address tells no token", b64decode(whole).decode().removeprefix("AWS:") not in url)
    w.holds("it is read without one", answered("GET", url, "") == 200)
    w.holds("no other is", answered("GET", url.replace(digest, "sha256:" + "0" * 64), "") == 401)
    w.holds("it is not written", answered("POST", url.replace(digest, "uploads/"), "") == 401)
    uploads = allow(["ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload"], f"arn:aws:ecr:*:{account}:repository/mine")
    client.put_role_policy(RoleName="puller", PolicyName="push", PolicyDocument=document(uploads))
    own.create_repository(repositoryName="mine")
    mount = f"/v2/mine/blobs/uploads/?mount={digest}&from=guarded"
    w.holds("who may read a layer mounts it", answered("POST", mount, token) == 201)
    client.detach_role_policy(RoleName="puller", PolicyArn=roles.PULL)
    w.holds("who may not has to send it", answered("POST", mount, token) == 202)
    client.delete_role_policy(RoleName="puller", PolicyName="push")
    own.delete_repository(repositoryName="mine")
    digest = "sha256:" + "0" * 64
    w.holds("it may nothing any more", answered("GET", f"/v2/guarded/manifests/{digest}", token) == 403)
    client.delete_role(RoleName="puller")
    own.delete_repository(repositoryName="guarded")
