"""S3."""

from side import Side

TEXT = {"ContentType": "text/plain", "Metadata": {"mine": "yes"}}


def drive(on: Side) -> None:
    ask = on.client("s3")
    ask("CreateBucket", Bucket="store")
    ask("CreateBucket", Bucket="Upper_Case")
    ask("CreateBucket", Bucket="ab")
    for name in ("Upper_Case", "ab"):
        ask.ask("DeleteBucket", Bucket=name)
    ask("HeadBucket", Bucket="store")
    ask("HeadBucket", Bucket="nothing")
    ask("GetBucketLocation", Bucket="store")
    ask("GetBucketLocation", Bucket="nothing")
    ask("PutBucketVersioning", Bucket="store", VersioningConfiguration={"Status": "Suspended"})
    ask("PutBucketVersioning", Bucket="nothing", VersioningConfiguration={"Status": "Suspended"})
    block = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
    ask("PutPublicAccessBlock", Bucket="store", PublicAccessBlockConfiguration=block)
    ask("PutPublicAccessBlock", Bucket="nothing", PublicAccessBlockConfiguration=block)
    ask("ListBuckets")
    of = {"Bucket": "store", "Key": "a/1"}
    tag = ask("PutObject", **of, Body=b"one", IfNoneMatch="*", **TEXT)["ETag"]
    ask("PutObject", **of, Body=b"two", IfNoneMatch="*")
    ask("PutObject", **of, Body=b"two", IfMatch='"0123456789abcdef0123456789abcdef"')
    ask("PutObject", Bucket="store", Key="none", Body=b"two", IfMatch=tag)
    ask("PutObject", Bucket="nothing", Key="a", Body=b"")
    ask("PutObject", Bucket="store", Key="odd", Body=b"two", ContentMD5="AAAAAAAAAAAAAAAAAAAAAA==")
    ask("PutObject", Bucket="store", Key="k" * 1025, Body=b"")
    for key in ("odd", "k" * 1025):
        ask.ask("DeleteObject", Bucket="store", Key=key)
    ask("GetObject", **of)
    ask("GetObject", **of, Range="bytes=1-")
    ask("GetObject", **of, Range="bytes=-1")
    ask("GetObject", **of, Range="bytes=9-")
    ask("GetObject", **of, IfMatch=tag)
    ask("GetObject", **of, IfMatch='"other"')
    ask("GetObject", **of, IfNoneMatch=tag)
    ask("GetObject", Bucket="store", Key="none")
    ask("GetObject", Bucket="nothing", Key="none")
    ask("HeadObject", **of)
    ask("HeadObject", **of, IfNoneMatch=tag)
    ask("HeadObject", Bucket="store", Key="none")
    for key in ("a/2", "a/b/3", "odd key+%&=ü", "z"):
        ask("PutObject", Bucket="store", Key=key, Body=b"")
    ask("HeadObject", Bucket="store", Key="odd key+%&=ü")
    ask("ListObjectsV2", Bucket="store")
    ask("ListObjectsV2", Bucket="store", Prefix="a/", Delimiter="/")
    ask("ListObjectsV2", Bucket="store", StartAfter="a/2")
    ask("ListObjectsV2", Bucket="store", MaxKeys=0)
    ask("ListObjectsV2", Bucket="store", EncodingType="url")
    ask("ListObjectsV2", Bucket="store", FetchOwner=True, Prefix="z")
    page = ask("ListObjectsV2", Bucket="store", MaxKeys=2)
    ask("ListObjectsV2", Bucket="store", MaxKeys=9, ContinuationToken=page["NextContinuationToken"])
    ask("ListObjectsV2", Bucket="store", ContinuationToken="nonsense")
    ask("ListObjectsV2", Bucket="nothing")
    big = {"Bucket": "store", "Key": "big"}
    upload = ask("CreateMultipartUpload", **big, **TEXT)["UploadId"]
    ask("CreateMultipartUpload", Bucket="nothing", Key="big")
    first = ask("UploadPart", **big, UploadId=upload, PartNumber=1, Body=b"p" * (5 << 20))["ETag"]
    last = ask("UploadPart", **big, UploadId=upload, PartNumber=2, Body=b"last")["ETag"]
    ask("UploadPart", **big, UploadId="none", PartNumber=2, Body=b"last")
    ask("UploadPart", **big, UploadId=upload, PartNumber=10_001, Body=b"last")
    parts = [{"PartNumber": 1, "ETag": first}, {"PartNumber": 2, "ETag": last}]
    done = lambda parts, upload=upload: ask("CompleteMultipartUpload", **big, UploadId=upload, MultipartUpload={"Parts": parts})  # noqa: E731
    done(parts[::-1])
    done([parts[0], {"PartNumber": 2, "ETag": first}])
    done([parts[0], {"PartNumber": 3, "ETag": first}])
    done([])
    done(parts, "none")
    done(parts)
    ask("HeadObject", **big)
    small = ask.ask("CreateMultipartUpload", Bucket="store", Key="small")["UploadId"]
    part = {"Bucket": "store", "Key": "small", "UploadId": small}
    tags = [ask.ask("UploadPart", **part, PartNumber=n, Body=b"x")["ETag"] for n in (1, 2)]
    ask("CompleteMultipartUpload", **part, MultipartUpload={"Parts": [{"PartNumber": n + 1, "ETag": one} for n, one in enumerate(tags)]})
    ask("AbortMultipartUpload", **part)
    ask("AbortMultipartUpload", **part)
    ask("DeleteBucket", Bucket="store")
    ask("DeleteObject", **big)
    ask("DeleteObject", **big)
    ask("DeleteObject", Bucket="nothing", Key="big")
    ask("DeleteObjects", Bucket="store", Delete={"Objects": [{"Key": key} for key in ("a/1", "a/2", "none")]})
    ask("DeleteObjects", Bucket="store", Delete={"Objects": [{"Key": "a/b/3"}], "Quiet": True})
    ask("DeleteObjects", Bucket="nothing", Delete={"Objects": [{"Key": "a"}]})
    ask("DeleteObjects", Bucket="store", Delete={"Objects": []})
    ask.ask("DeleteObjects", Bucket="store", Delete={"Objects": [{"Key": "odd key+%&=ü"}, {"Key": "z"}]})
    ask("DeleteBucket", Bucket="store")
    ask("DeleteBucket", Bucket="store")
