"""ECR."""

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
    ask("DeleteRepository", repositoryName="shelf")
    ask("DeleteRepository", repositoryName="shelf")
