"""Services of which a deployment uses little: log groups, a model, the edge's key-value stores."""

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


def edge(w: Witness) -> None:
    control, data = w.client("cloudfront"), w.client("cloudfront-keyvaluestore")
    made = control.create_key_value_store(Name="route", Comment="where users go")
    arn = made["KeyValueStore"]["ARN"]
    control.describe_key_value_store(Name="route")
    w.refused("EntityNotFound", control.describe_key_value_store, Name="nothing")
    control.list_key_value_stores()
    tag = data.describe_key_value_store(KvsARN=arn)["ETag"]
    tag = data.put_key(KvsARN=arn, Key="a", Value="1", IfMatch=tag)["ETag"]
    w.refused("ConflictException", data.put_key, KvsARN=arn, Key="a", Value="2", IfMatch="stale")
    w.holds("a key is read", data.get_key(KvsARN=arn, Key="a")["Value"] == "1")
    tag = data.update_keys(KvsARN=arn, IfMatch=tag, Puts=[{"Key": "b", "Value": "2"}], Deletes=[])["ETag"]
    w.holds("keys are listed", [one["Key"] for one in data.list_keys(KvsARN=arn)["Items"]] == ["a", "b"])
    data.delete_key(KvsARN=arn, Key="a", IfMatch=tag)
    w.refused("ResourceNotFoundException", data.get_key, KvsARN=arn, Key="a")
    w.refused("PreconditionFailed", control.update_key_value_store, Name="route", Comment="x", IfMatch="stale")
    other = control.update_key_value_store(Name="route", Comment="elsewhere", IfMatch=made["ETag"])
    w.holds("a comment is changed", other["KeyValueStore"]["Comment"] == "elsewhere" and other["ETag"] != made["ETag"])
    w.refused("PreconditionFailed", control.delete_key_value_store, Name="route", IfMatch=made["ETag"])
    control.delete_key_value_store(Name="route", IfMatch=other["ETag"])
