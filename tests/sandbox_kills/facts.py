"""What a sandbox acknowledged, and whether it still knows.

`facts.py write FILE ROUND` calls one service after the other in several threads until nobody answers any more, and notes each
fact as soon as it was acknowledged. `facts.py check FILE [ROUND...]` reads every fact of these rounds, or of all, back.
`facts.py images` prints the digests of the images there are.
"""

import itertools
import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

# A daemon that is killed breaks connections, or refuses them; whatever else goes wrong is the sandbox's fault.
GONE = (BotoCoreError, ConnectionError)
QUEUE = {"Type": "AWS::SQS::Queue"}


class Sandbox:
    def __init__(self) -> None:
        self.session = botocore.session.get_session()
        self.made: dict[str, Any] = {}

    def __getattr__(self, service: str) -> Any:
        if service not in self.made:
            config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, connect_timeout=5, read_timeout=20)
            endpoint = os.environ["AWS_ENDPOINT_URL"].replace("127.0.0.1", "localhost")
            self.made[service] = self.session.create_client(service, endpoint_url=endpoint, config=config)
        return self.made[service]

    def queue(self) -> str:
        return self.sqs.get_queue_url(QueueName="facts")["QueueUrl"]


def once(call: Callable[..., Any], code: str, **arguments: Any) -> None:
    try:
        call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] != code:
            raise


# --- each of these changes something and says, when it was acknowledged, what there is now ---


def objects(a: Sandbox, name: str) -> dict[str, Any]:
    a.s3.put_object(Bucket="facts", Key=name, Body=name.encode() * 100)
    return {}


def parts(a: Sandbox, name: str) -> dict[str, Any]:
    where = {"Bucket": "facts", "Key": f"{name}/big"}
    upload = a.s3.create_multipart_upload(**where)["UploadId"]
    part = a.s3.upload_part(**where, UploadId=upload, PartNumber=1, Body=name.encode())["ETag"]
    a.s3.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]})
    return {}


def items(a: Sandbox, name: str) -> dict[str, Any]:
    a.dynamodb.put_item(TableName="facts", Item={"pk": {"S": name}, "value": {"S": name}})
    count = {"pk": {"S": name.split("/")[0]}}
    a.dynamodb.update_item(
        TableName="facts", Key=count, UpdateExpression="ADD writes :one", ExpressionAttributeValues={":one": {"N": "1"}}
    )
    return {}


def messages(a: Sandbox, name: str) -> dict[str, Any]:
    return {"id": a.sqs.send_message(QueueUrl=a.queue(), MessageBody=name)["MessageId"]}


def parameters(a: Sandbox, name: str) -> dict[str, Any]:
    a.ssm.put_parameter(Name=f"/facts/{name}", Value=name, Type="String")
    return {"version": a.ssm.put_parameter(Name="/facts/newest", Value=name, Type="String", Overwrite=True)["Version"]}


def secrets(a: Sandbox, name: str) -> dict[str, Any]:
    return {"version": a.secretsmanager.create_secret(Name=f"facts/{name}", SecretString=name)["VersionId"]}


def lines(a: Sandbox, name: str) -> dict[str, Any]:
    a.logs.create_log_stream(logGroupName="facts", logStreamName=name)
    at = int(time.time() * 1000)
    a.logs.put_log_events(logGroupName="facts", logStreamName=name, logEvents=[{"timestamp": at, "message": name}])
    return {}


def alarms(a: Sandbox, name: str) -> dict[str, Any]:
    rule = {"Namespace": "facts", "MetricName": "m", "Period": 60, "EvaluationPeriods": 1, "Statistic": "Sum", "Threshold": 1.0}
    a.cloudwatch.put_metric_alarm(AlarmName=name, ComparisonOperator="GreaterThanThreshold", **rule)
    return {}


def scalings(a: Sandbox, name: str) -> dict[str, Any]:
    made = a.apprunner.create_auto_scaling_configuration(AutoScalingConfigurationName=name.replace("/", "-"), MaxSize=3)
    arn = made["AutoScalingConfiguration"]["AutoScalingConfigurationArn"]
    a.apprunner.delete_auto_scaling_configuration(AutoScalingConfigurationArn=arn)
    return {"arn": arn}


def stacks(a: Sandbox, name: str) -> dict[str, Any]:
    body = json.dumps({"Resources": {"Queue": QUEUE}})
    return {"id": a.cloudformation.create_stack(StackName=f"round{name.replace('/', '-')}", TemplateBody=body)["StackId"]}


def repositories(a: Sandbox, name: str) -> dict[str, Any]:
    a.ecr.create_repository(repositoryName=name)
    return {}


# --- and each of these looks whether it is still so ---


def is_object(a: Sandbox, name: str, _: dict[str, Any]) -> bool:
    return a.s3.get_object(Bucket="facts", Key=name)["Body"].read() == name.encode() * 100


def is_whole(a: Sandbox, name: str, _: dict[str, Any]) -> bool:
    return a.s3.get_object(Bucket="facts", Key=f"{name}/big")["Body"].read() == name.encode()


def is_item(a: Sandbox, name: str, _: dict[str, Any]) -> bool:
    found = a.dynamodb.get_item(TableName="facts", Key={"pk": {"S": name}}, ConsistentRead=True)
    return found.get("Item", {}).get("value") == {"S": name}


def is_parameter(a: Sandbox, name: str, fact: dict[str, Any]) -> bool:
    kept = a.ssm.get_parameter(Name=f"/facts/{name}")["Parameter"]["Value"] == name
    newest = a.ssm.get_parameter(Name="/facts/newest")["Parameter"]["Version"]
    return kept and newest >= fact["version"]


def is_secret(a: Sandbox, name: str, fact: dict[str, Any]) -> bool:
    found = a.secretsmanager.get_secret_value(SecretId=f"facts/{name}")
    return (found["SecretString"], found["VersionId"]) == (name, fact["version"])


def is_line(a: Sandbox, name: str, _: dict[str, Any]) -> bool:
    events = a.logs.get_log_events(logGroupName="facts", logStreamName=name, startFromHead=True)["events"]
    return [one["message"] for one in events] == [name]


def is_alarm(a: Sandbox, name: str, _: dict[str, Any]) -> bool:
    return len(a.cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]) == 1


def is_scaling(a: Sandbox, _: str, fact: dict[str, Any]) -> bool:
    try:
        found = a.apprunner.describe_auto_scaling_configuration(AutoScalingConfigurationArn=fact["arn"])
    except ClientError as error:
        return error.response["Error"]["Code"] == "ResourceNotFoundException"
    return found["AutoScalingConfiguration"]["Status"] == "INACTIVE"


def is_stack(a: Sandbox, _: str, fact: dict[str, Any]) -> bool:
    a.cloudformation.get_waiter("stack_create_complete").wait(StackName=fact["id"], WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
    return True


def is_repository(a: Sandbox, name: str, _: dict[str, Any]) -> bool:
    return len(a.ecr.describe_repositories(repositoryNames=[name])["repositories"]) == 1


KINDS: dict[str, tuple[Callable[..., dict[str, Any]], Callable[..., bool] | None]] = {
    "object": (objects, is_object),
    "parts": (parts, is_whole),
    "item": (items, is_item),
    "message": (messages, None),
    "parameter": (parameters, is_parameter),
    "secret": (secrets, is_secret),
    "line": (lines, is_line),
    "alarm": (alarms, is_alarm),
    "scaling": (scalings, is_scaling),
    "stack": (stacks, is_stack),
    "repository": (repositories, is_repository),
}


def make_ready(a: Sandbox) -> None:
    once(a.s3.create_bucket, "BucketAlreadyOwnedByYou", Bucket="facts")
    keys = {"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"}
    types = [{"AttributeName": "pk", "AttributeType": "S"}]
    once(a.dynamodb.create_table, "ResourceInUseException", TableName="facts", AttributeDefinitions=types, **keys)
    a.sqs.create_queue(QueueName="facts")
    once(a.logs.create_log_group, "ResourceAlreadyExistsException", logGroupName="facts")
    # Ten names are all that may be there, and a kill leaves one whenever it comes between a creation and its removal.
    for left in a.apprunner.list_auto_scaling_configurations()["AutoScalingConfigurationSummaryList"]:
        if "-scaling" in left["AutoScalingConfigurationName"]:
            a.apprunner.delete_auto_scaling_configuration(AutoScalingConfigurationArn=left["AutoScalingConfigurationArn"])


def write(file: str, number: str) -> None:
    lock = threading.Lock()
    problems: list[str] = []
    with open(file, "a", encoding="utf-8") as out:
        try:
            make_ready(Sandbox())
        except GONE:
            return

        def run(kind: str) -> None:
            a = Sandbox()
            for count in itertools.count():
                name = f"{number}/{kind}{count}"
                try:
                    fact = KINDS[kind][0](a, name)
                except GONE:
                    return
                except ClientError as error:
                    problems.append(f"{kind}: {error}")
                    return
                with lock:
                    out.write(json.dumps({"round": number, "kind": kind, "name": name, **fact}) + "\n")
                    out.flush()

        threads = [threading.Thread(target=run, args=(kind,)) for kind in KINDS]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if problems:
        sys.exit("\n".join(problems))


def facts(file: str, rounds: list[str]) -> Iterator[dict[str, Any]]:
    with open(file, encoding="utf-8") as noted:
        for line in noted:
            fact = json.loads(line)
            if not rounds or fact["round"] in rounds:
                yield fact


def all_arrive(a: Sandbox, sent: dict[str, str]) -> list[str]:
    """A message that was acknowledged can be received; it is taken away, so that it is looked for once only."""
    while sent:
        queue = a.queue()
        found = a.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        if not found:
            return [f"messages are lost: {sorted(sent.values())}"]
        for message in found:
            sent.pop(message["MessageId"], None)
            a.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return []


def is_counted(a: Sandbox, number: str, acknowledged: int) -> bool:
    item = a.dynamodb.get_item(TableName="facts", Key={"pk": {"S": number}}, ConsistentRead=True)["Item"]
    # One more may have been counted whose answer did not arrive.
    return acknowledged <= int(item["writes"]["N"]) <= acknowledged + 1


def check(file: str, rounds: list[str]) -> None:
    a = Sandbox()
    wrong: list[str] = []
    found = list(facts(file, rounds))
    for fact in found:
        look = KINDS[fact["kind"]][1]
        try:
            if look and not look(a, fact["name"], fact):
                wrong.append(f"is not as it was acknowledged: {fact}")
        except (ClientError, BotoCoreError) as error:
            wrong.append(f"{fact}: {error}")
    counts = Counter(fact["round"] for fact in found if fact["kind"] == "item")
    wrong += [f"{count} writes of round {number} are not counted" for number, count in counts.items() if not is_counted(a, number, count)]
    if rounds:
        wrong += all_arrive(a, {fact["id"]: fact["name"] for fact in found if fact["kind"] == "message"})
    if wrong:
        sys.exit("\n".join(wrong[:20]))
    print(len(found))


def images() -> None:
    for image in Sandbox().ecr.describe_images(repositoryName="mini-sandbox")["imageDetails"]:
        print(image["imageDigest"])


if __name__ == "__main__":
    _, command, *more = sys.argv
    if command == "write":
        write(*more)
    elif command == "check":
        check(more[0], more[1:])
    else:
        images()
