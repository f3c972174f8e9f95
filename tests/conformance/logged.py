"""CloudWatch Logs: groups, streams, events, and the metrics that filters make of them."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from witness import Witness


def log_groups(w: Witness, logs: Any) -> None:
    logs.create_log_group(logGroupName="app/one", tags={"a": "b"})
    logs.create_log_group(logGroupName="app/two")
    w.refused("InvalidParameterException", logs.create_log_group, logGroupName="no spaces")
    page = logs.describe_log_groups(logGroupNamePrefix="app/", limit=1)
    rest = logs.describe_log_groups(logGroupNamePrefix="app/", limit=1, nextToken=page["nextToken"])
    names = [one["logGroupName"] for one in [*page["logGroups"], *rest["logGroups"]]]
    w.holds(f"groups are told by page: {names}", names == ["app/one", "app/two"] and "nextToken" not in rest)
    arn = page["logGroups"][0]["logGroupArn"]
    logs.tag_resource(resourceArn=arn, tags={"c": "d"})
    logs.untag_resource(resourceArn=arn, tagKeys=["a"])
    w.holds("tags are told", logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"c": "d"})
    w.refused("ResourceNotFoundException", logs.list_tags_for_resource, resourceArn=f"{arn}x")
    logs.put_retention_policy(logGroupName="app/one", retentionInDays=1)
    w.refused("InvalidParameterException", logs.put_retention_policy, logGroupName="app/one", retentionInDays=2)
    told = logs.describe_log_groups(logGroupNamePattern="ONE")["logGroups"][0]
    w.holds("retention is told", told["retentionInDays"] == 1)


def log_events(w: Witness, logs: Any) -> None:
    now, day = int(time.time() * 1000), 86_400_000
    for stream in ("b", "a"):
        logs.create_log_stream(logGroupName="app/one", logStreamName=stream)
    w.refused("ResourceAlreadyExistsException", logs.create_log_stream, logGroupName="app/one", logStreamName="a")
    event = lambda at, message: {"timestamp": at, "message": message}  # noqa: E731
    put = lambda stream, *events: logs.put_log_events(logGroupName="app/one", logStreamName=stream, logEvents=list(events))  # noqa: E731
    put("a", *[event(now - 1000 + n, f"line {n}") for n in range(5)])
    put("b", event(now - 998, '{"status": 500, "path": "/x/1"}'), event(now, "10.0.0.1 GET 503 17"))
    refused = put("a", event(now - 2 * day, "expired"))["rejectedLogEventsInfo"]
    w.holds(f"what is too old is refused: {refused}", refused == {"expiredLogEventEndIndex": 1})
    refused = put("a", event(now, "now"), event(now + day // 4, "later"))["rejectedLogEventsInfo"]
    w.holds(f"what is too new is refused: {refused}", refused == {"tooNewLogEventStartIndex": 1})
    for wrong in ([event(now, "x"), event(now - 1, "y")], [event(now, "x" * 262_144)], [event(now, "x" * 200_000)] * 6):
        w.refused("InvalidParameterException", logs.put_log_events, logGroupName="app/one", logStreamName="a", logEvents=wrong)
    of = {"logGroupName": "app/one", "logStreamName": "a"}
    told = lambda page: [one["message"] for one in page["events"]]  # noqa: E731
    page = logs.get_log_events(**of, limit=2)
    w.holds(f"the last events come first: {told(page)}", told(page) == ["line 4", "now"])
    back = logs.get_log_events(**of, limit=3, nextToken=page["nextBackwardToken"])
    w.holds(f"then those before: {told(back)}", told(back) == ["line 1", "line 2", "line 3"])
    end = logs.get_log_events(**of, nextToken=page["nextForwardToken"])
    w.holds("the end tells the same token again", end["nextForwardToken"] == page["nextForwardToken"] and not end["events"])
    head = logs.get_log_events(**of, limit=1, startFromHead=True)
    first = logs.get_log_events(**of, nextToken=head["nextBackwardToken"])
    w.holds("and so does the beginning", told(first) == [] and first["nextBackwardToken"] == head["nextBackwardToken"])
    part = logs.get_log_events(**of, startTime=now - 999, endTime=now - 997)
    w.holds(f"times are held to: {told(part)}", told(part) == ["line 1", "line 2"])
    w.refused("InvalidParameterException", logs.get_log_events, **of, nextToken="x")
    for pattern, expected in {
        "line -4": ["line 0", "line 1", "line 2", "line 3"],
        "?now ?GET": ["now", "10.0.0.1 GET 503 17"],
        '{ $.status = 500 && $.path = "/x*" }': ['{"status": 500, "path": "/x/1"}'],
        "[ip, ..., status = 5*, ms > 10]": ["10.0.0.1 GET 503 17"],
        '"line 3"': ["line 3"],
    }.items():
        found = told(logs.filter_log_events(logGroupName="app/one", filterPattern=pattern))
        w.holds(f"{pattern} finds {found}", found == expected)
    w.refused("InvalidParameterException", logs.filter_log_events, logGroupName="app/one", filterPattern="{ $.a")
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName="app/one", PaginationConfig={"PageSize": 3})
    messages = [one["message"] for page in pages for one in page["events"]]
    w.holds(f"pages are of all streams in order of time: {messages}", len(messages) == 8 and messages[3].startswith("{"))
    streams = logs.describe_log_streams(logGroupName="app/one", orderBy="LastEventTime", descending=True, limit=1)
    w.holds("streams are told in order of time", len(streams["logStreams"]) == 1 and "nextToken" in streams)
    streams = logs.describe_log_streams(logGroupName="app/one", logStreamNamePrefix="a")["logStreams"]
    w.holds(f"with their times: {streams}", streams[0]["firstEventTimestamp"] == now - 1000)
    logs.delete_log_stream(logGroupName="app/one", logStreamName="b")
    w.refused("ResourceNotFoundException", logs.get_log_events, logGroupName="app/one", logStreamName="b")


def metric_filters(w: Witness, logs: Any, metrics: Any) -> None:
    into = {"metricName": "took", "metricNamespace": "Logged", "metricValue": "$.ms", "unit": "Milliseconds"}
    of = {"logGroupName": "app/two", "filterName": "took"}
    logs.put_metric_filter(**of, filterPattern="{ $.ms = * }", metricTransformations=[{**into, "dimensions": {"Path": "$.path"}}])
    w.refused("InvalidParameterException", logs.put_metric_filter, **of, filterPattern="[", metricTransformations=[into])
    told = logs.describe_metric_filters(metricName="took", metricNamespace="Logged")["metricFilters"]
    w.holds("a filter is told", told[0]["filterPattern"] == "{ $.ms = * }")
    messages = ['{"ms": 12, "path": "/a"}', "no", '{"ms": 30, "path": "/a"}']
    matches = logs.test_metric_filter(filterPattern="{ $.ms > 12 }", logEventMessages=messages)["matches"]
    w.holds(f"it is tested: {matches}", [(m["eventNumber"], m["extractedValues"]) for m in matches] == [(3, {"$.ms": "30"})])
    logs.create_log_stream(logGroupName="app/two", logStreamName="s")
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": message} for message in messages]
    logs.put_log_events(logGroupName="app/two", logStreamName="s", logEvents=events)
    at = datetime.now(UTC)
    around = {"StartTime": at - timedelta(minutes=5), "EndTime": at + timedelta(minutes=2)}
    sums = metrics.get_metric_statistics(
        Namespace="Logged", MetricName="took", Dimensions=[{"Name": "Path", "Value": "/a"}], Period=60, Statistics=["Sum"], **around
    )["Datapoints"]
    w.holds(f"it feeds a metric: {sums}", [one["Sum"] for one in sums] == [42.0])
    logs.delete_metric_filter(**of)
    w.refused("ResourceNotFoundException", logs.delete_metric_filter, **of)
    logs.delete_retention_policy(logGroupName="app/one")
    for name in ("app/one", "app/two"):
        logs.delete_log_group(logGroupName=name)


def run(w: Witness) -> None:
    """Everything of this page."""
    logs = w.client("logs")
    log_groups(w, logs)
    log_events(w, logs)
    metric_filters(w, logs, w.client("cloudwatch"))
