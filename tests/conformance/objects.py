"""S3: objects and their versions, uploads in parts, conditions, checksums, presigned URLs."""

import base64
import hashlib
import urllib.request
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.error import HTTPError

import buckets
from botocore.config import Config
from botocore.exceptions import ClientError
from witness import Witness

LEAST = 5 * 1024 * 1024


def crc32(body: bytes) -> str:
    return base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()


def body(answer: dict[str, Any]) -> bytes:
    return answer["Body"].read()


def all_pages(call: Any, members: tuple[str, ...], links: dict[str, str], **asked: Any) -> list[Any]:
    """Every entry of a list, by following what each page says of the next."""
    found, more = [], dict(asked)
    while True:
        page = call(**more)
        found += [entry for member in members for entry in page.get(member, [])]
        if not page["IsTruncated"]:
            return found
        more = asked | {to: page[of] for of, to in links.items() if of in page}


def objects(w: Witness, s3: Any) -> None:
    it: dict[str, Any] = {"Bucket": "store", "Key": "a/1"}
    tag = s3.put_object(
        **it, Body=b"one", IfNoneMatch="*", ContentType="text/plain", CacheControl="no-store", Metadata={"who": "me"}, Tagging="t=1&u=2"
    )["ETag"]
    w.holds("an ETag is the MD5", tag.strip('"') == hashlib.md5(b"one").hexdigest())
    w.refused("PreconditionFailed", s3.put_object, **it, Body=b"two", IfNoneMatch="*")
    w.refused("PreconditionFailed", s3.put_object, **it, Body=b"two", IfMatch='"0"')
    w.refused("NoSuchKey", s3.put_object, Bucket="store", Key="none", Body=b"two", IfMatch=tag)
    w.refused("AccessControlListNotSupported", s3.put_object, **it, Body=b"", ACL="public-read")
    w.refused("AccessDenied", s3.put_object, **it, Body=b"", ExpectedBucketOwner="000000000000")
    w.refused("MetadataTooLarge", s3.put_object, **it, Body=b"", Metadata={"k": "v" * 2048})
    w.refused("BadDigest", s3.put_object, **it, Body=b"two", ContentMD5=base64.b64encode(b"0" * 16).decode())
    got = s3.get_object(**it)
    w.holds("an object is read", body(got) == b"one")
    w.holds("with what was said of it", (got["ContentType"], got["CacheControl"], got["Metadata"]) == ("text/plain", "no-store", {"who": "me"}))
    w.holds("and how many tags it has", got["TagCount"] == 2 and got["ServerSideEncryption"] == "AES256")
    part = s3.get_object(**it, Range="bytes=1-")
    w.holds("a range is read", (body(part), part["ContentRange"]) == (b"ne", "bytes 1-2/3"))
    w.holds("so is an end", body(s3.get_object(**it, Range="bytes=-1")) == b"e")
    w.refused("InvalidRange", s3.get_object, **it, Range="bytes=9-")
    w.refused("304", s3.get_object, **it, IfNoneMatch=tag)
    w.refused("304", s3.get_object, **it, IfModifiedSince=got["LastModified"])
    w.refused("PreconditionFailed", s3.get_object, **it, IfMatch='"0"')
    w.refused("412", s3.head_object, **it, IfUnmodifiedSince="2001-01-01T00:00:00Z")
    w.refused("NoSuchKey", s3.get_object, Bucket="store", Key="nothing")
    w.refused("404", s3.head_object, Bucket="store", Key="nothing")
    w.holds("its size is told", s3.head_object(**it)["ContentLength"] == 3)
    other = s3.get_object(**it, ResponseContentType="text/html")
    w.holds("headers are overridden", other["ContentType"] == "text/html")
    s3.put_object_tagging(**it, Tagging={"TagSet": [{"Key": "x", "Value": "y"}]})
    w.refused("InvalidTag", s3.put_object_tagging, **it, Tagging={"TagSet": [{"Key": "aws:x", "Value": "y"}]})
    w.holds("tags are read", s3.get_object_tagging(**it)["TagSet"] == [{"Key": "x", "Value": "y"}])
    s3.delete_object_tagging(**it)
    w.holds("tags are gone", s3.get_object_tagging(**it)["TagSet"] == [])
    # In the first region botocore presigns with the former signature, which S3 takes for old buckets only.
    current = Config(signature_version="s3v4", s3={"addressing_style": "path"})
    signer = w.session.create_client("s3", endpoint_url=s3.meta.endpoint_url, config=current)
    url = signer.generate_presigned_url("get_object", Params=it, ExpiresIn=60)
    with urllib.request.urlopen(url) as answer:
        w.holds("a presigned URL reads", answer.read() == b"one")
    url = signer.generate_presigned_url("put_object", Params={"Bucket": "store", "Key": "signed"}, ExpiresIn=60)
    with urllib.request.urlopen(urllib.request.Request(url, b"by url", {"content-type": ""}, method="PUT")) as answer:
        w.holds("a presigned URL writes", answer.status == 200)
    try:
        urllib.request.urlopen(url.replace("signed", "other"))
        w.problems.append("a presigned URL is good for another key")
    except HTTPError as error:
        w.holds("another key is refused", error.code == 403)
    s3.delete_object(Bucket="store", Key="signed")


def checksums(w: Witness, s3: Any) -> None:
    it: dict[str, Any] = {"Bucket": "store", "Key": "sum"}
    for name in ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"):
        put = s3.put_object(**it, Body=b"summed", ChecksumAlgorithm=name)
        got = s3.get_object(**it, ChecksumMode="ENABLED")
        member = f"Checksum{name}"
        w.holds(f"{name} is given back", put[member] == got[member] and body(got) == b"summed")
        w.holds("it is of the whole", got["ChecksumType"] == "FULL_OBJECT")
    w.refused("BadDigest", s3.put_object, **it, Body=b"summed", ChecksumCRC32=crc32(b"other"))
    w.refused("InvalidRequest", s3.put_object, **it, Body=b"summed", ChecksumCRC32="x")
    told = s3.get_object_attributes(**it, ObjectAttributes=["ETag", "Checksum", "ObjectSize", "StorageClass", "ObjectParts"])
    w.holds("attributes tell it", told["ObjectSize"] == 6 and "ChecksumSHA256" in told["Checksum"] and "ObjectParts" not in told)


def copies(w: Witness, s3: Any) -> None:
    it: dict[str, Any] = {"Bucket": "store", "Key": "copy", "CopySource": "store/a/1"}
    tag = s3.head_object(Bucket="store", Key="a/1")["ETag"]
    w.holds("a copy has the ETag", s3.copy_object(**it)["CopyObjectResult"]["ETag"] == tag)
    w.holds("and the metadata", s3.head_object(Bucket="store", Key="copy")["Metadata"] == {"who": "me"})
    s3.copy_object(**it, MetadataDirective="REPLACE", Metadata={"who": "you"}, CopySourceIfMatch=tag)
    w.holds("or another", s3.head_object(Bucket="store", Key="copy")["Metadata"] == {"who": "you"})
    w.refused("PreconditionFailed", s3.copy_object, **it, CopySourceIfNoneMatch=tag)
    w.refused("InvalidRequest", s3.copy_object, Bucket="store", Key="a/1", CopySource="store/a/1")
    w.refused("NoSuchKey", s3.copy_object, Bucket="store", Key="copy", CopySource="store/nothing")
    if "IfNoneMatch" in s3.meta.service_model.operation_model("CopyObject").input_shape.members:
        w.refused("PreconditionFailed", s3.copy_object, **it, IfNoneMatch="*")
    s3.delete_object(Bucket="store", Key="copy")


def parts(w: Witness, s3: Any) -> None:
    it: dict[str, Any] = {"Bucket": "store", "Key": "big"}
    first = bytes(range(256)) * (LEAST // 256)
    upload = s3.create_multipart_upload(**it, ChecksumAlgorithm="CRC32", ContentType="text/x", Metadata={"m": "p"})["UploadId"]
    one: dict[str, Any] = it | {"UploadId": upload}
    w.refused("NoSuchUpload", s3.upload_part, **it, UploadId="none", PartNumber=1, Body=b"")
    w.refused("InvalidArgument", s3.upload_part, **one, PartNumber=10001, Body=b"")
    done = [{"PartNumber": 2, **sums(s3.upload_part(**one, PartNumber=2, Body=first, ChecksumAlgorithm="CRC32"))}]
    copied = s3.upload_part_copy(**one, PartNumber=7, CopySource="store/a/1", CopySourceRange="bytes=0-1")["CopyPartResult"]
    done.append({"PartNumber": 7, **sums(copied)})
    w.refused("InvalidArgument", s3.upload_part_copy, **one, PartNumber=8, CopySource="store/a/1", CopySourceRange="bytes=0-9")
    listed = all_pages(s3.list_parts, ("Parts",), {"NextPartNumberMarker": "PartNumberMarker"}, **one, MaxParts=1)
    w.holds("parts are listed", [part["PartNumber"] for part in listed] == [2, 7])
    w.holds("so are uploads", [u["UploadId"] for u in s3.list_multipart_uploads(Bucket="store")["Uploads"]] == [upload])
    w.refused("InvalidPart", s3.complete_multipart_upload, **one, MultipartUpload={"Parts": [{**done[0], "ETag": '"0"'}]})
    w.refused("InvalidPartOrder", s3.complete_multipart_upload, **one, MultipartUpload={"Parts": done[::-1]})
    made = s3.complete_multipart_upload(**one, MultipartUpload={"Parts": done}, IfNoneMatch="*")
    w.holds("its ETag counts parts", made["ETag"].endswith('-2"') and made["ChecksumType"] == "COMPOSITE")
    w.holds("so does its checksum", made["ChecksumCRC32"].endswith("-2"))
    w.refused("NoSuchUpload", s3.complete_multipart_upload, **one, MultipartUpload={"Parts": done})
    w.holds("it is all there", body(s3.get_object(**it)) == first + b"on")
    second = s3.get_object(**it, PartNumber=2)
    w.holds("a part of it is read", (body(second), second["PartsCount"]) == (b"on", 2))
    told = s3.get_object_attributes(**it, ObjectAttributes=["ObjectParts"])["ObjectParts"]
    w.holds("attributes list parts", [part["Size"] for part in told["Parts"]] == [LEAST, 2])
    w.refused("EntityTooSmall", small_parts, s3=s3, it=it)
    upload = s3.create_multipart_upload(**it)["UploadId"]
    part = s3.upload_part(**it, UploadId=upload, PartNumber=1, Body=b"x")
    again = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    w.refused("PreconditionFailed", s3.complete_multipart_upload, **it, UploadId=upload, MultipartUpload=again, IfNoneMatch="*")
    s3.abort_multipart_upload(**it, UploadId=upload)
    w.refused("NoSuchUpload", s3.abort_multipart_upload, **it, UploadId=upload)
    whole = s3.copy_object(Bucket="store", Key="big2", CopySource="store/big")["CopyObjectResult"]["ETag"]
    w.holds("a copy is of a piece", whole.strip('"') == hashlib.md5(first + b"on").hexdigest())
    s3.delete_objects(Bucket="store", Delete={"Objects": [{"Key": "big"}, {"Key": "big2"}]})


def sums(part: dict[str, Any]) -> dict[str, str]:
    return {name: part[name] for name in ("ETag", "ChecksumCRC32") if name in part}


def small_parts(s3: Any, it: dict[str, Any]) -> None:
    upload = s3.create_multipart_upload(**it)["UploadId"]
    done = []
    for number in (1, 2):
        part = s3.upload_part(**it, UploadId=upload, PartNumber=number, Body=b"x")
        done.append({"PartNumber": number, "ETag": part["ETag"]})
    try:
        s3.complete_multipart_upload(**it, UploadId=upload, MultipartUpload={"Parts": done})
    finally:
        s3.abort_multipart_upload(**it, UploadId=upload)


def lists(w: Witness, s3: Any) -> None:
    keys = [*(f"b/{n}" for n in range(5)), "b/x/1", "b/x/2", "c d+é", "c&<>"]
    for key in keys:
        s3.put_object(Bucket="store", Key=key, Body=b"")
    token = {"NextContinuationToken": "ContinuationToken"}
    found = all_pages(s3.list_objects_v2, ("Contents",), token, Bucket="store", Prefix="b/", MaxKeys=2)
    w.holds("pages hold every key once", [one["Key"] for one in found] == keys[:7])
    found = all_pages(s3.list_objects_v2, ("Contents", "CommonPrefixes"), token, Bucket="store", Prefix="b/", Delimiter="/", MaxKeys=2)
    w.holds("folders are one", [one.get("Key", one.get("Prefix")) for one in found] == [*keys[:5], "b/x/"])
    found = all_pages(s3.list_objects, ("Contents", "CommonPrefixes"), {"NextMarker": "Marker"}, Bucket="store", Delimiter="/", MaxKeys=1)
    names = [one.get("Key", one.get("Prefix")) for one in found]
    w.holds(f"the older list has them too: {names}", names == ["a/", "b/", "c d+é", "c&<>", "sum"])
    w.holds("a list may begin later", s3.list_objects_v2(Bucket="store", StartAfter="c&<>")["KeyCount"] == 1)
    w.holds("and hold nothing", s3.list_objects_v2(Bucket="store", MaxKeys=0)["KeyCount"] == 0)
    w.refused("InvalidArgument", s3.list_objects_v2, Bucket="store", ContinuationToken="?")
    for key in [*keys, "a/1", "sum"]:
        s3.delete_object(Bucket="store", Key=key)


def versions(w: Witness, s3: Any) -> None:
    it: dict[str, Any] = {"Bucket": "store", "Key": "v"}
    w.holds("versions are off", "Status" not in s3.get_bucket_versioning(Bucket="store"))
    w.holds("no version is told", "VersionId" not in s3.put_object(**it, Body=b"0"))
    s3.put_bucket_versioning(Bucket="store", VersioningConfiguration={"Status": "Enabled"})
    ids = [s3.put_object(**it, Body=text)["VersionId"] for text in (b"1", b"2")]
    w.holds("each is read", [body(s3.get_object(**it, VersionId=one)) for one in ["null", *ids]] == [b"0", b"1", b"2"])
    w.refused("NoSuchVersion", s3.get_object, **it, VersionId="x" * 32)
    marker = s3.delete_object(**it)
    w.holds("a removal is a marker", marker["DeleteMarker"] and marker["VersionId"] not in ids)
    try:
        s3.get_object(**it)
        w.problems.append("a marker is read")
    except ClientError as error:
        said = error.response["ResponseMetadata"]["HTTPHeaders"]
        w.holds("the marker is told", said.get("x-amz-delete-marker") == "true" and said.get("x-amz-version-id") == marker["VersionId"])
    w.refused("MethodNotAllowed", s3.get_object, **it, VersionId=marker["VersionId"])
    w.holds("nothing is listed", s3.list_objects_v2(Bucket="store")["KeyCount"] == 0)
    links = {"NextKeyMarker": "KeyMarker", "NextVersionIdMarker": "VersionIdMarker"}
    found = all_pages(s3.list_object_versions, ("Versions", "DeleteMarkers"), links, Bucket="store", MaxKeys=1)
    w.holds("all versions are listed", [one["VersionId"] for one in found] == [marker["VersionId"], *ids[::-1], "null"])
    w.holds("one is the latest", [one["IsLatest"] for one in found] == [True, False, False, False])
    back = s3.copy_object(**it, CopySource={"Bucket": "store", "Key": "v", "VersionId": ids[0]})
    w.holds("a version is brought back", back["CopySourceVersionId"] == ids[0] and body(s3.get_object(**it)) == b"1")
    s3.delete_object(**it, VersionId=back["VersionId"])
    s3.delete_object(**it, VersionId=marker["VersionId"])
    w.holds("without the marker it is back", body(s3.get_object(**it)) == b"2")
    s3.put_bucket_versioning(Bucket="store", VersioningConfiguration={"Status": "Suspended"})
    w.holds("suspended is told", s3.get_bucket_versioning(Bucket="store")["Status"] == "Suspended")
    w.holds("a write is null", s3.put_object(**it, Body=b"3")["VersionId"] == "null")
    w.refused("BucketNotEmpty", s3.delete_bucket, Bucket="store")
    gone = [{"Key": "v", "VersionId": one} for one in ["null", *ids]]
    w.holds("many are removed", len(s3.delete_objects(Bucket="store", Delete={"Objects": gone})["Deleted"]) == 3)


def races(w: Witness, s3: Any) -> None:
    """Of many writers on one condition one wins, whatever kind of write it is."""

    def write(n: int) -> bool:
        try:
            s3.put_object(Bucket="store", Key="race", Body=str(n).encode() * 1000, IfNoneMatch="*")
            return True
        except ClientError:
            return False

    with ThreadPoolExecutor(8) as pool:
        won = [n for n, made in enumerate(pool.map(write, range(16))) if made]
    w.holds("one writer wins", len(won) == 1)
    w.holds("and what it wrote is there", won and body(s3.get_object(Bucket="store", Key="race")) == str(won[0]).encode() * 1000)
    s3.delete_object(Bucket="store", Key="race", VersionId="null")


def run(w: Witness) -> None:
    """Everything of this page, in the order in which one needs the other."""
    s3 = w.client("s3")
    for step in (buckets.made, buckets.settings, objects, checksums, copies, parts, lists, versions, races):
        step(w, s3)
    s3.delete_bucket(Bucket="store")
    w.refused("NoSuchBucket", s3.list_objects_v2, Bucket="store")
