"""The repositories of ECR."""

import json

from witness import Witness

EXPIRES = {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 1}
LIFECYCLE = {"rules": [{"rulePriority": 1, "selection": EXPIRES, "action": {"type": "expire"}}]}


def ecr(w: Witness) -> None:
    client = w.client("ecr")
    client.create_repository(repositoryName="shelf", imageTagMutability="IMMUTABLE")
    w.refused("RepositoryAlreadyExistsException", client.create_repository, repositoryName="shelf")
    w.refused("RepositoryNotFoundException", client.describe_repositories, repositoryNames=["nothing"])
    client.describe_repositories(repositoryNames=["shelf"])
    client.get_authorization_token()
    client.put_lifecycle_policy(repositoryName="shelf", lifecyclePolicyText=json.dumps(LIFECYCLE))
    client.delete_repository(repositoryName="shelf")
