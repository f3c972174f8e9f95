"""Services of which a deployment uses little: log groups, a model."""

import time

from witness import Witness


def logs(w: Witness) -> None:
    client = w.client("logs")
    client.create_log_group(logGroupName="mine")
    w.refused("ResourceAlreadyExistsException", client.create_log_group, logGroupName="mine")
    client.create_log_stream(logGroupName="mine", logStreamName="one")
    event = {"timestamp": int(time.time() * 1000), "message": "hello"}
    client.put_log_events(logGroupName="mine", logStreamName="one", logEvents=[event])
    events = client.get_log_events(logGroupName="mine", logStreamName="one")["events"]
    w.holds("an event is kept", [one["message"] for one in events] == ["hello"])
    client.delete_log_group(logGroupName="mine")
    w.refused("ResourceNotFoundException", client.describe_log_streams, logGroupName="mine")


def bedrock(w: Witness) -> None:
    client = w.client("bedrock-runtime")
    messages = [{"role": "user", "content": [{"text": "hello"}]}]
    client.converse(modelId="amazon.nova-lite-v1:0", messages=messages)
    w.refused("ThrottlingException", client.converse, modelId="sandbox.throttled", messages=messages)
