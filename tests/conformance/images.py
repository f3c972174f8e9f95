"""ECR: repositories and what is said of them, layers, images, lifecycle policies, and the registry behind it all."""

import hashlib
import json
import urllib.request
from typing import Any
from urllib.error import HTTPError

from witness import Witness

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
SHELF: dict[str, Any] = {"repositoryName": "shelf"}


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def policy(*selections: dict[str, Any]) -> str:
    rules = [{"rulePriority": n + 1, "selection": one, "action": {"type": "expire"}} for n, one in enumerate(selections)]
    return json.dumps({"rules": rules})


UNTAGGED = {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 1}


def image(config: bytes) -> str:
    """A manifest of an image of nothing but a configuration."""
    about = {"mediaType": CONFIG, "digest": digest(config), "size": len(config)}
    return json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": about, "layers": []})


def repositories(w: Witness, ecr: Any) -> None:
    arn = ecr.create_repository(**SHELF, imageTagMutability="IMMUTABLE", tags=[{"Key": "a", "Value": "1"}])["repository"]["repositoryArn"]
    w.refused("RepositoryAlreadyExistsException", ecr.create_repository, **SHELF)
    w.refused("InvalidParameterException", ecr.create_repository, repositoryName="Shelf")
    w.refused("RepositoryNotFoundException", ecr.describe_repositories, repositoryNames=["nothing"])
    ecr.create_repository(repositoryName="other")
    first = ecr.describe_repositories(maxResults=1)
    second = ecr.describe_repositories(maxResults=1, nextToken=first["nextToken"])
    names = [one["repositoryName"] for page in (first, second) for one in page["repositories"]]
    w.holds("pages hold each once", names == ["other", "shelf"])
    ecr.tag_resource(resourceArn=arn, tags=[{"Key": "b", "Value": "2"}])
    ecr.untag_resource(resourceArn=arn, tagKeys=["a"])
    w.holds("tags are kept", ecr.list_tags_for_resource(resourceArn=arn)["tags"] == [{"Key": "b", "Value": "2"}])
    w.refused("RepositoryNotFoundException", ecr.list_tags_for_resource, resourceArn=arn.replace("shelf", "nothing"))
    w.refused("RepositoryPolicyNotFoundException", ecr.get_repository_policy, **SHELF)
    w.refused("InvalidParameterException", ecr.set_repository_policy, **SHELF, policyText="{}")
    text = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:*"}]})
    ecr.set_repository_policy(**SHELF, policyText=text)
    w.holds("a policy is kept", ecr.get_repository_policy(**SHELF)["policyText"] == text)
    ecr.delete_repository_policy(**SHELF)
    w.holds("nothing is replicated", ecr.describe_registry()["replicationConfiguration"] == {"rules": []})
    scan = ecr.put_image_scanning_configuration(**SHELF, imageScanningConfiguration={"scanOnPush": True})
    w.holds("it would scan", scan["imageScanningConfiguration"]["scanOnPush"])


def upload(ecr: Any, content: bytes, size: int) -> str:
    begun = ecr.initiate_layer_upload(**SHELF)["uploadId"]
    for at in range(0, len(content), size):
        part = content[at : at + size]
        ecr.upload_layer_part(**SHELF, uploadId=begun, partFirstByte=at, partLastByte=at + len(part) - 1, layerPartBlob=part)
    return ecr.complete_layer_upload(**SHELF, uploadId=begun, layerDigests=[digest(content)])["layerDigest"]


def layers(w: Witness, ecr: Any) -> None:
    w.holds("a layer has its digest", upload(ecr, b"a layer", 3) == digest(b"a layer"))
    w.refused("LayerAlreadyExistsException", upload, ecr=ecr, content=b"a layer", size=9)
    begun: dict[str, Any] = SHELF | {"uploadId": ecr.initiate_layer_upload(**SHELF)["uploadId"]}
    w.refused("EmptyUploadException", ecr.complete_layer_upload, **begun, layerDigests=[digest(b"x")])
    w.refused("InvalidLayerPartException", ecr.upload_layer_part, **begun, partFirstByte=5, partLastByte=5, layerPartBlob=b"x")
    ecr.upload_layer_part(**begun, partFirstByte=0, partLastByte=0, layerPartBlob=b"x")
    w.refused("InvalidLayerException", ecr.complete_layer_upload, **begun, layerDigests=[digest(b"y")])
    w.refused("UploadNotFoundException", ecr.complete_layer_upload, **begun, layerDigests=[digest(b"x")])
    asked = [digest(b"a layer"), digest(b"none"), "sha256:../../../etc/passwd"]
    told = ecr.batch_check_layer_availability(**SHELF, layerDigests=asked)
    w.holds("what is there is told", [one["layerAvailability"] for one in told["layers"]] == ["AVAILABLE", "UNAVAILABLE"])
    w.holds("and what is no digest", told["failures"][0]["failureCode"] == "InvalidLayerDigest")
    url = ecr.get_download_url_for_layer(**SHELF, layerDigest=digest(b"a layer"))["downloadUrl"]
    with urllib.request.urlopen(url) as answer:
        w.holds("a layer is fetched", answer.read() == b"a layer")
    w.refused("LayersNotFoundException", ecr.get_download_url_for_layer, **SHELF, layerDigest=digest(b"none"))
    elsewhere: dict[str, Any] = {"repositoryName": "other"}
    told = ecr.batch_check_layer_availability(**elsewhere, layerDigests=[digest(b"a layer")])
    w.holds("it is in no other repository", told["layers"][0]["layerAvailability"] == "UNAVAILABLE")
    w.refused("LayersNotFoundException", ecr.get_download_url_for_layer, **elsewhere, layerDigest=digest(b"a layer"))
    w.refused("LayersNotFoundException", ecr.put_image, **elsewhere, imageManifest=image(b"a layer"))


def pictures(w: Witness, ecr: Any) -> None:
    configs = [b'{"n":1}', b'{"n":2}', b'{"n":3}']
    for config in configs:
        upload(ecr, config, 99)
    manifests = [image(config) for config in configs]
    ids = [digest(text.encode()) for text in manifests]
    ecr.put_image(**SHELF, imageManifest=manifests[0], imageTag="v1")
    w.refused("ImageTagAlreadyExistsException", ecr.put_image, **SHELF, imageManifest=manifests[1], imageTag="v1")
    w.refused("ImageAlreadyExistsException", ecr.put_image, **SHELF, imageManifest=manifests[0], imageTag="v1")
    w.refused("LayersNotFoundException", ecr.put_image, **SHELF, imageManifest=image(b"none"), imageTag="v2")
    wild = [{"filterType": "WILDCARD", "filter": "v*"}]
    ecr.put_image_tag_mutability(**SHELF, imageTagMutability="IMMUTABLE_WITH_EXCLUSION", imageTagMutabilityExclusionFilters=wild)
    ecr.put_image(**SHELF, imageManifest=manifests[1], imageTag="v1")
    w.refused("InvalidParameterException", ecr.put_image_tag_mutability, **SHELF, imageTagMutability="MUTABLE_WITH_EXCLUSION")
    found = ecr.list_images(**SHELF, filter={"tagStatus": "UNTAGGED"})["imageIds"]
    w.holds("the tag moved", found == [{"imageDigest": ids[0]}])
    w.holds("images are described", len(ecr.describe_images(**SHELF)["imageDetails"]) == 2)
    w.refused("ImageNotFoundException", ecr.describe_images, **SHELF, imageIds=[{"imageTag": "none"}])
    got = ecr.batch_get_image(**SHELF, imageIds=[{"imageTag": "v1"}, {"imageTag": "none"}])
    w.holds("an image is got", got["images"][0]["imageManifest"] == manifests[1])
    w.holds("another is not", got["failures"][0]["failureCode"] == "ImageNotFound")
    w.refused("UnsupportedImageTypeException", ecr.start_image_scan, **SHELF, imageId={"imageTag": "v1"})
    w.refused("ScanNotFoundException", ecr.describe_image_scan_findings, **SHELF, imageId={"imageTag": "v1"})
    w.refused("ImageNotFoundException", ecr.start_image_scan, **SHELF, imageId={"imageTag": "none"})
    about = {"mediaType": MANIFEST, "digest": ids[1], "size": len(manifests[1])}
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [about]})
    ecr.put_image(**SHELF, imageManifest=index, imageTag="all")
    kept = ecr.batch_delete_image(**SHELF, imageIds=[{"imageDigest": ids[1]}])
    w.holds("what an index names stays", kept["failures"][0]["failureCode"] == "ImageReferencedByManifestList")
    none = index.replace(ids[1], digest(b"none"))
    w.refused("ReferencedImagesNotFoundException", ecr.put_image, **SHELF, imageManifest=none, imageTag="x")
    expiry(w, ecr, manifests[2], ids)
    gone = ecr.batch_delete_image(**SHELF, imageIds=[{"imageTag": "all"}, {"imageDigest": ids[1]}])
    w.holds("images are removed", len(gone["imageIds"]) == 2 and not gone["failures"])


def expiry(w: Witness, ecr: Any, manifest: str, ids: list[str]) -> None:
    w.refused("LifecyclePolicyNotFoundException", ecr.get_lifecycle_policy, **SHELF)
    w.refused("LifecyclePolicyPreviewNotFoundException", ecr.get_lifecycle_policy_preview, **SHELF)
    w.refused("LifecyclePolicyNotFoundException", ecr.start_lifecycle_policy_preview, **SHELF)
    w.refused("InvalidParameterException", ecr.put_lifecycle_policy, **SHELF, lifecyclePolicyText=policy({**UNTAGGED, "tagStatus": "tagged"}))
    ecr.put_image(**SHELF, imageManifest=manifest)
    w.holds("a preview begins", ecr.start_lifecycle_policy_preview(**SHELF, lifecyclePolicyText=policy(UNTAGGED))["status"] == "IN_PROGRESS")
    told = ecr.get_lifecycle_policy_preview(**SHELF)
    w.holds("it tells what would go", told["summary"]["expiringImageTotalCount"] == 1 and told["previewResults"][0]["appliedRulePriority"] == 1)
    w.holds("and all are there still", len(ecr.list_images(**SHELF, filter={"tagStatus": "UNTAGGED"})["imageIds"]) == 2)
    ecr.put_lifecycle_policy(**SHELF, lifecyclePolicyText=policy(UNTAGGED))
    w.holds("now one is gone", len(ecr.list_images(**SHELF, filter={"tagStatus": "UNTAGGED"})["imageIds"]) == 1)
    w.holds("the policy is given back", ecr.get_lifecycle_policy(**SHELF)["lifecyclePolicyText"] == policy(UNTAGGED))
    ecr.delete_lifecycle_policy(**SHELF)


def registry(w: Witness, ecr: Any) -> None:
    """The registry as clients that push and pull use it."""
    said = ecr.get_authorization_token()["authorizationData"][0]
    base, basic = said["proxyEndpoint"], {"authorization": f"Basic {said['authorizationToken']}"}

    def ask(method: str, path: str, content: bytes | None = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        named = basic | {name.replace("_", "-"): value for name, value in headers.items()}
        url = path if path.startswith("http") else base + path
        try:
            with urllib.request.urlopen(urllib.request.Request(url, content, named, method=method)) as answer:
                return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()
        except HTTPError as error:
            return error.code, {name.lower(): value for name, value in error.headers.items()}, error.read()

    w.holds("a registry is there", ask("GET", "/v2/")[0] == 200)
    w.holds("it asks who comes", ask("GET", "/v2/", authorization="Basic eA==")[0] == 401)
    blob, at = b"0123456789", ask("POST", "/v2/shelf/blobs/uploads/", b"")[1]["location"]
    w.holds("a chunk is taken", ask("PATCH", at, blob[:4], content_range="0-3")[1]["range"] == "0-3")
    w.holds("a gap is not", ask("PATCH", at, blob[6:], content_range="6-9")[0] == 416)
    w.holds("what came is told", ask("GET", at)[1]["range"] == "0-3")
    w.holds("it goes on", ask("PATCH", at, blob[4:8], content_range="4-7")[0] == 202)
    w.holds("and ends", ask("PUT", f"{at}?digest={digest(blob)}", blob[8:], content_range="8-9")[0] == 201)
    status, headers, _ = ask("HEAD", f"/v2/shelf/blobs/{digest(blob)}")
    w.holds("a blob is there", (status, headers["content-length"]) == (200, "10"))
    w.holds("a stretch is read", ask("GET", f"/v2/shelf/blobs/{digest(blob)}", range="bytes=2-3")[2] == b"23")
    w.holds("another digest is refused", ask("POST", f"/v2/shelf/blobs/uploads/?digest={digest(b'x')}", b"y")[0] == 400)
    w.holds("no digest is a path", ask("GET", "/v2/shelf/blobs/sha256:..%2f..%2findex.json")[0] == 404)
    mount = f"/v2/other/blobs/uploads/?mount={digest(blob)}&from=shelf"
    w.holds("a blob is of its repository", ask("HEAD", f"/v2/other/blobs/{digest(blob)}")[0] == 404)
    w.holds("a blob is mounted", ask("POST", mount, b"")[0] == 201)
    w.holds("and is there then", ask("HEAD", f"/v2/other/blobs/{digest(blob)}")[0] == 200)
    w.holds("or begun", ask("POST", mount.replace(digest(blob), digest(b"none")), b"")[0] == 202)
    w.holds("a config is taken", ask("POST", f"/v2/other/blobs/uploads/?digest={digest(b'{}')}", b"{}")[0] == 201)
    text = image(b"{}").encode()
    for tag in ("a", "b", "c"):
        w.holds("a manifest is taken", ask("PUT", f"/v2/other/manifests/{tag}", text, content_type=MANIFEST)[0] == 201)
    status, headers, _ = ask("HEAD", "/v2/other/manifests/a")
    w.holds("it is told of", (headers["docker-content-digest"], headers["content-length"]) == (digest(text), str(len(text))))
    w.holds("it is read by digest", ask("GET", f"/v2/other/manifests/{digest(text)}")[2] == text)
    status, headers, page = ask("GET", "/v2/other/tags/list?n=2")
    w.holds("tags come in pages", json.loads(page)["tags"] == ["a", "b"] and 'rel="next"' in headers["link"])
    w.holds("to the last", json.loads(ask("GET", "/v2/other/tags/list?n=2&last=b")[2])["tags"] == ["c"])
    w.holds("nothing is removed here", ask("DELETE", f"/v2/other/manifests/{digest(text)}")[0] == 405)
    w.holds("no such repository", ask("GET", "/v2/none/tags/list")[0] == 404)


def run(w: Witness) -> None:
    """Everything of this page, in the order in which one needs the other."""
    ecr = w.client("ecr")
    for step in (repositories, layers, pictures, registry):
        step(w, ecr)
    w.refused("RepositoryNotEmptyException", ecr.delete_repository, repositoryName="other")
    ecr.delete_repository(repositoryName="other", force=True)
    ecr.delete_repository(**SHELF, force=True)
