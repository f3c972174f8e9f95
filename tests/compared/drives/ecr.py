"""ECR."""

import hashlib
import json

from side import Side

EXPIRES = {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 1}
LIFECYCLE = {"rules": [{"rulePriority": 1, "selection": EXPIRES, "action": {"type": "expire"}}]}
DIGEST = "sha256:" + "0" * 64


def drive(on: Side) -> None:
    ask = on.client("ecr")
    ask("CreateRepository", repositoryName="shelf", imageTagMutability="IMMUTABLE")
    ask("CreateRepository", repositoryName="plain")
    ask("CreateRepository", repositoryName="shelf")
    ask("CreateRepository", repositoryName="Upper")
    ask("DescribeRepositories")
    ask("DescribeRepositories", repositoryNames=["shelf"])
    ask("DescribeRepositories", repositoryNames=["nothing"])
    ask("GetAuthorizationToken")
    ask("PutLifecyclePolicy", repositoryName="shelf", lifecyclePolicyText=json.dumps(LIFECYCLE))
    ask("PutLifecyclePolicy", repositoryName="shelf", lifecyclePolicyText="{}")
    ask("PutLifecyclePolicy", repositoryName="nothing", lifecyclePolicyText=json.dumps(LIFECYCLE))
    ask("ListImages", repositoryName="shelf")
    ask("ListImages", repositoryName="nothing")
    ask("DescribeImages", repositoryName="shelf")
    ask("DescribeImages", repositoryName="shelf", imageIds=[{"imageTag": "v1"}])
    ask("DescribeImages", repositoryName="nothing")
    ask("BatchGetImage", repositoryName="shelf", imageIds=[{"imageTag": "v1"}, {"imageDigest": DIGEST}])
    ask("BatchGetImage", repositoryName="shelf", imageIds=[{"imageDigest": "no digest"}])
    ask("BatchGetImage", repositoryName="nothing", imageIds=[{"imageTag": "v1"}])
    ask("BatchDeleteImage", repositoryName="shelf", imageIds=[{"imageTag": "v1"}, {"imageDigest": DIGEST}])
    ask("BatchDeleteImage", repositoryName="nothing", imageIds=[{"imageTag": "v1"}])
    ask("PutImage", repositoryName="nothing", imageManifest="{}", imageTag="v1")
    ask("PutImage", repositoryName="shelf", imageManifest="no manifest", imageTag="v1")
    said(on, ask)
    layers(ask)
    ask("DeleteRepository", repositoryName="shelf", force=True)
    ask("DeleteRepository", repositoryName="shelf")


def said(on: Side, ask) -> None:  # noqa: ANN001
    """What is said of a repository."""
    it, none = {"repositoryName": "shelf"}, {"repositoryName": "nothing"}
    arn = f"arn:aws:ecr:us-east-1:{on.account}:repository/shelf"
    ask("GetLifecyclePolicy", **it)
    ask("StartLifecyclePolicyPreview", **it)
    ask("GetLifecyclePolicyPreview", **it)
    ask("DeleteLifecyclePolicy", **it)
    ask("GetLifecyclePolicy", **it)
    ask("DeleteLifecyclePolicy", **it)
    ask("GetRepositoryPolicy", **it)
    text = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:*"}]})
    ask("SetRepositoryPolicy", **it, policyText=text)
    ask("SetRepositoryPolicy", **it, policyText="{}")
    ask("SetRepositoryPolicy", **none, policyText=text)
    ask("DeleteRepositoryPolicy", **it)
    ask("DeleteRepositoryPolicy", **it)
    ask("TagResource", resourceArn=arn, tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    ask("UntagResource", resourceArn=arn, tagKeys=["a"])
    ask("ListTagsForResource", resourceArn=arn)
    ask("ListTagsForResource", resourceArn=arn.replace("shelf", "nothing"))
    ask("PutImageTagMutability", **it, imageTagMutability="MUTABLE")
    ask("PutImageTagMutability", **it, imageTagMutability="SOMETIMES")
    ask("PutImageTagMutability", **none, imageTagMutability="MUTABLE")
    ask("PutImageScanningConfiguration", **it, imageScanningConfiguration={"scanOnPush": True})
    ask("PutImageScanningConfiguration", **none, imageScanningConfiguration={"scanOnPush": True})
    ask("DescribeRegistry")
    ask("StartImageScan", **it, imageId={"imageTag": "v1"})
    ask("DescribeImageScanFindings", **it, imageId={"imageTag": "v1"})


def layers(ask) -> None:  # noqa: ANN001
    """Layers, of which moto has only that there may be some."""
    it = {"repositoryName": "shelf"}
    digest = f"sha256:{hashlib.sha256(b'a layer').hexdigest()}"
    begun = it | {"uploadId": ask("InitiateLayerUpload", **it).get("uploadId", "none")}
    ask("UploadLayerPart", **begun, partFirstByte=0, partLastByte=6, layerPartBlob=b"a layer")
    ask("CompleteLayerUpload", **begun, layerDigests=[digest])
    ask("BatchCheckLayerAvailability", **it, layerDigests=[digest, DIGEST])
    ask("GetDownloadUrlForLayer", **it, layerDigest=digest)
