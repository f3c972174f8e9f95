"""CodeBuild and App Runner: a build, its image, a service of it, and what they measure and log."""

import io
import json
import os
import tarfile
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import beside
from witness import Witness

APP = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = os.environ["WORD"].encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
print("it listens", flush=True)
http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"""
IMAGE = {"exclude": [".pave/**"], "config": {"Entrypoint": ["python3", "app.py"], "Env": [], "ExposedPorts": {}, "WorkingDir": "/app"}}
PHASES = (
    "SUBMITTED", "QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE", "INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD", "UPLOAD_ARTIFACTS", "FINALIZING",
)
ROLE = "arn:aws:iam::{account}:role/made-up"


def until(what: str, look: Callable[[], Any]) -> Any:
    """Asks until there is an answer; a minute is more than anything here takes."""
    ends = time.monotonic() + 60
    while not (found := look()):
        if time.monotonic() > ends:
            raise TimeoutError(what)
        time.sleep(0.1)
    return found


def bundle(command: str) -> bytes:
    files = {
        "app.py": APP,
        ".pave/process/buildspec.yml": f"version: 0.2\nphases:\n  build:\n    commands:\n      - {command}\n",
        ".pave/process/image.json": json.dumps(IMAGE),
    }
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


class Site:
    """What both halves need: a bucket, a repository, a project."""

    def __init__(self, w: Witness) -> None:
        self.w = w
        self.account = w.client("sts").get_caller_identity()["Account"]
        self.builds = w.client("codebuild")
        self.s3 = w.client("s3")
        self.s3.create_bucket(Bucket="bundles")
        self.repository = w.client("ecr").create_repository(repositoryName="app")["repository"]["repositoryUri"]

    def build(self, tag: str, command: str) -> dict[str, Any]:
        """Runs a build to its end."""
        self.s3.put_object(Bucket="bundles", Key=f"{tag}.tar.gz", Body=bundle(command))
        variables = [{"name": "IMAGE_REPOSITORY", "value": self.repository}, {"name": "IMAGE_TAG", "value": tag}]
        identifier = self.builds.start_build(
            projectName="app",
            sourceTypeOverride="S3",
            sourceLocationOverride=f"bundles/{tag}.tar.gz",
            environmentVariablesOverride=variables,
        )["build"]["id"]
        look = lambda: self.builds.batch_get_builds(ids=[identifier])["builds"][0]  # noqa: E731
        until("a build ends", lambda: look()["buildComplete"])
        return look()


def codebuild(site: Site) -> None:
    w, client = site.w, site.builds
    project = {
        "name": "app",
        "source": {"type": "S3", "location": "bundles/none.tar.gz"},
        "environment": {"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL"},
        "serviceRole": ROLE.format(account=site.account),
    }
    client.create_project(**project, artifacts={"type": "NO_ARTIFACTS"})
    w.refused("ResourceAlreadyExistsException", client.create_project, **project, artifacts={"type": "NO_ARTIFACTS"})
    client.update_project(name="app", description="builds the app")
    w.holds("a project is listed", client.list_projects()["projects"] == ["app"])
    w.holds("one is described", client.batch_get_projects(names=["app", "nothing"])["projectsNotFound"] == ["nothing"])
    w.refused("ResourceNotFoundException", client.start_build, projectName="nothing")
    good, bad = site.build("v1", "true"), site.build("v2", "exit 3")
    w.holds("a good build succeeds", good["buildStatus"] == "SUCCEEDED")
    w.holds("a bad one fails", bad["buildStatus"] == "FAILED")
    for build, end in ((good, "SUCCEEDED"), (bad, "FAILED")):
        told = [(one["phaseType"], one.get("phaseStatus")) for one in build["phases"]]
        w.holds(f"its phases are told: {told}", told == [(name, end if name == "BUILD" else "SUCCEEDED") for name in PHASES] + [("COMPLETED", None)])
    types = {one["type"] for one in good["environment"]["environmentVariables"]}
    w.holds(f"variables say what they are: {types}", types == {"PLAINTEXT"})
    w.holds("its log has an address", good["logs"]["groupName"] in good["logs"]["deepLink"])
    bare = {**project, "name": "bare", "source": {"type": "NO_SOURCE"}}
    w.refused("InvalidInputException", client.create_project, **bare, artifacts={"type": "NO_ARTIFACTS"})
    slow = client.start_build(projectName="app", sourceTypeOverride="S3", sourceLocationOverride="bundles/v1.tar.gz")
    client.stop_build(id=slow["build"]["id"])
    w.holds("builds are listed", len(client.list_builds()["ids"]) == 3)
    w.holds("those of a project, too", len(client.list_builds_for_project(projectName="app")["ids"]) == 3)
    logs = w.client("logs")
    events = logs.get_log_events(logGroupName=bad["logs"]["groupName"], logStreamName=bad["logs"]["streamName"])
    w.holds("a build is logged", any("exit 3" in event["message"] for event in events["events"]))


def images(site: Site) -> None:
    """The image that the build pushed, and another name for it."""
    w, client = site.w, site.w.client("ecr")
    digest = client.describe_images(repositoryName="app", imageIds=[{"imageTag": "v1"}])["imageDetails"][0]["imageDigest"]
    w.refused("ImageNotFoundException", client.describe_images, repositoryName="app", imageIds=[{"imageTag": "v9"}])
    got = client.batch_get_image(repositoryName="app", imageIds=[{"imageDigest": digest}])
    manifest = got["images"][0]["imageManifest"]
    w.holds("an image has the digest of its manifest", digest == "sha256:" + sha256(manifest.encode()).hexdigest())
    client.put_image(repositoryName="app", imageManifest=manifest, imageTag="again")
    w.refused("ImageAlreadyExistsException", client.put_image, repositoryName="app", imageManifest=manifest, imageTag="again")
    tags = {one["imageTag"] for one in client.list_images(repositoryName="app")["imageIds"]}
    w.holds(f"both names are listed: {tags}", tags == {"v1", "again"})
    client.batch_delete_image(repositoryName="app", imageIds=[{"imageTag": "again"}])
    w.refused("RepositoryNotEmptyException", client.delete_repository, repositoryName="app")


def service(client: Any, arn: str, wanted: str) -> dict[str, Any]:
    """The service, once it is in a state."""
    return until(
        wanted,
        lambda: (found := client.describe_service(ServiceArn=arn)["Service"])["Status"] == wanted and found,
    )


def apprunner(site: Site) -> None:
    w = site.w
    client = w.client("apprunner")
    digest = w.client("ecr").describe_images(repositoryName="app")["imageDetails"][0]["imageDigest"]

    def source(word: str) -> dict[str, Any]:
        configuration = {"Port": "8080", "RuntimeEnvironmentVariables": {"WORD": word}}
        return {
            "ImageRepository": {
                "ImageIdentifier": f"{site.repository}@{digest}",
                "ImageRepositoryType": "ECR",
                "ImageConfiguration": configuration,
            },
            "AutoDeploymentsEnabled": False,
            "AuthenticationConfiguration": {"AccessRoleArn": ROLE.format(account=site.account)},
        }

    beside.shared(w, client)
    scaling = client.create_auto_scaling_configuration(AutoScalingConfigurationName="small", MinSize=1, MaxSize=2)
    scaling_arn = scaling["AutoScalingConfiguration"]["AutoScalingConfigurationArn"]
    client.describe_auto_scaling_configuration(AutoScalingConfigurationArn=scaling_arn)
    client.list_auto_scaling_configurations()
    w.refused("ResourceNotFoundException", client.describe_service, ServiceArn=scaling_arn.replace("autoscaling", "x"))
    made = client.create_service(
        ServiceName="site",
        SourceConfiguration=source("hello"),
        AutoScalingConfigurationArn=scaling_arn,
        HealthCheckConfiguration={"Protocol": "HTTP", "Path": "/", "Interval": 1, "Timeout": 1},
        Tags=[{"Key": "a", "Value": "b"}],
    )["Service"]
    arn = made["ServiceArn"]
    w.refused("InvalidStateException", client.pause_service, ServiceArn=arn)
    url = service(client, arn, "RUNNING")["ServiceUrl"]
    asked = urllib.request.Request(f"http://127.0.0.1:{url.rsplit(':', 1)[1]}/", headers={"host": url})
    w.holds("it answers", urllib.request.urlopen(asked).read() == b"hello")
    w.holds("it is listed", client.list_services()["ServiceSummaryList"][0]["ServiceArn"] == arn)
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": "c", "Value": "d"}])
    client.untag_resource(ResourceArn=arn, TagKeys=["a"])
    w.holds("it is tagged", client.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "c", "Value": "d"}])
    users = client.list_services_for_auto_scaling_configuration(AutoScalingConfigurationArn=scaling_arn)
    w.holds("its bounds know it", users["ServiceArnList"] == [arn])
    w.refused(
        "InvalidRequestException", client.delete_auto_scaling_configuration, AutoScalingConfigurationArn=scaling_arn
    )
    beside.domains(w, client, arn)
    client.update_service(ServiceArn=arn, SourceConfiguration=source("again"))
    service(client, arn, "RUNNING")
    w.holds("it was updated", urllib.request.urlopen(asked).read() == b"again")
    client.start_deployment(ServiceArn=arn)
    service(client, arn, "RUNNING")
    secret(w, client, arn, source("unheard"), lambda: urllib.request.urlopen(asked).read())
    measured(w, made)
    client.pause_service(ServiceArn=arn)
    service(client, arn, "PAUSED")
    client.resume_service(ServiceArn=arn)
    service(client, arn, "RUNNING")
    kinds = [one["Type"] for one in client.list_operations(ServiceArn=arn)["OperationSummaryList"]]
    w.holds(f"operations are told, the newest first: {kinds}", kinds[0] == "RESUME_SERVICE" and kinds[-1] == "CREATE_SERVICE")
    client.delete_service(ServiceArn=arn)
    service(client, arn, "DELETED")
    site.builds.delete_project(name="app")


def secret(w: Witness, client: Any, arn: str, source: dict[str, Any], word: Callable[[], bytes]) -> None:
    """What instances are told that nobody else is: from Secrets Manager and from Parameter Store."""
    secrets, parameters = w.client("secretsmanager"), w.client("ssm")
    kept = secrets.create_secret(Name="word", SecretString='{"word": "hush"}')["ARN"]
    parameters.put_parameter(Name="/word", Type="SecureString", Value="psst")
    configuration = source["ImageRepository"]["ImageConfiguration"]
    configuration.pop("RuntimeEnvironmentVariables")
    role = {"InstanceRoleArn": source["AuthenticationConfiguration"]["AccessRoleArn"]}
    account, region = kept.split(":")[4], kept.split(":")[3]
    for given, heard in (
        (f"{kept}:word::", b"hush"),
        (f"arn:aws:ssm:{region}:{account}:parameter/word", b"psst"),
        # What cannot be read fails the update, and the service stays as it was.
        (f"{kept}:nothing::", b"psst"),
    ):
        configuration["RuntimeEnvironmentSecrets"] = {"WORD": given}
        client.update_service(ServiceArn=arn, SourceConfiguration=source, InstanceConfiguration=role)
        service(client, arn, "RUNNING")
        w.holds(f"{given} is {heard!r}", word() == heard)
    last = client.list_operations(ServiceArn=arn)["OperationSummaryList"][0]["Status"]
    w.holds(f"what cannot be read is told: {last}", last == "ROLLBACK_SUCCEEDED")
    w.refused("InvalidRequestException", client.create_service, ServiceName="bare", SourceConfiguration=source)
    # An instance that starts later reads its secrets anew, and would not find them.
    del configuration["RuntimeEnvironmentSecrets"]
    configuration["RuntimeEnvironmentVariables"] = {"WORD": "open"}
    client.update_service(ServiceArn=arn, SourceConfiguration=source, InstanceConfiguration=role)
    service(client, arn, "RUNNING")
    secrets.delete_secret(SecretId=kept, ForceDeleteWithoutRecovery=True)
    parameters.delete_parameter(Name="/word")


def measured(w: Witness, made: dict[str, Any]) -> None:
    """Metrics and logs of a service that has answered."""
    metrics = w.client("cloudwatch")
    dimensions = [{"Name": "ServiceName", "Value": made["ServiceName"]}, {"Name": "ServiceID", "Value": made["ServiceId"]}]
    metric = {"Namespace": "AWS/AppRunner", "MetricName": "Requests", "Dimensions": dimensions}
    query = {"Id": "requests", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
    now = datetime.now(UTC)
    asked = {"StartTime": now - timedelta(minutes=5), "EndTime": now + timedelta(minutes=1)}
    read = lambda: sum(metrics.get_metric_data(MetricDataQueries=[query], **asked)["MetricDataResults"][0]["Values"])  # noqa: E731
    w.holds("requests are counted", until("requests are counted", lambda: read() >= 2))
    logs = w.client("logs")
    group = f"/aws/apprunner/{made['ServiceName']}/{made['ServiceId']}/application"
    w.holds("its group is there", logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["logGroupName"] == group)
    streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
    logs.get_log_events(logGroupName=group, logStreamName=streams[0]["logStreamName"])
    found = logs.filter_log_events(logGroupName=group, filterPattern="listens")["events"]
    w.holds("what it prints is logged", bool(found))


def run(w: Witness) -> None:
    """Everything of this page, in the order in which one needs the other."""
    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    site = Site(w)
    codebuild(site)
    images(site)
    apprunner(site)
