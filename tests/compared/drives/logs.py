"""CloudWatch Logs."""

import time

from side import Side


def drive(on: Side) -> None:
    ask = on.client("logs")
    ask("CreateLogGroup", logGroupName="app/one", tags={"a": "b"})
    ask("CreateLogGroup", logGroupName="app/two")
    ask("CreateLogGroup", logGroupName="app/one")
    ask("CreateLogGroup", logGroupName="no spaces")
    ask.ask("DeleteLogGroup", logGroupName="no spaces")
    one = ask("DescribeLogGroups", logGroupNamePrefix="app/")["logGroups"][0]
    ask("DescribeLogGroups", logGroupNamePrefix="app/", limit=1)
    ask("DescribeLogGroups", logGroupNamePattern="ONE")
    ask("DescribeLogGroups", logGroupNamePattern="one", logGroupNamePrefix="app")
    arn = one["arn"].removesuffix(":*")
    ask("TagResource", resourceArn=arn, tags={"c": "d"})
    ask("TagResource", resourceArn=arn + "x", tags={"c": "d"})
    ask("UntagResource", resourceArn=arn, tagKeys=["a"])
    ask("UntagResource", resourceArn=arn + "x", tagKeys=["a"])
    ask("ListTagsForResource", resourceArn=arn)
    ask("ListTagsForResource", resourceArn=arn + "x")
    ask("PutRetentionPolicy", logGroupName="app/one", retentionInDays=1)
    ask("PutRetentionPolicy", logGroupName="app/two", retentionInDays=2)
    ask.ask("DeleteRetentionPolicy", logGroupName="app/two")
    ask("PutRetentionPolicy", logGroupName="nothing", retentionInDays=1)
    ask("DescribeLogGroups", logGroupNamePrefix="app/one")
    ask("DeleteRetentionPolicy", logGroupName="app/one")
    ask("DeleteRetentionPolicy", logGroupName="nothing")
    events(ask)
    filters(ask)
    ask("DeleteLogStream", logGroupName="app/one", logStreamName="b")
    ask("DeleteLogStream", logGroupName="app/one", logStreamName="b")
    ask("DeleteLogGroup", logGroupName="app/one")
    ask("DeleteLogGroup", logGroupName="app/one")
    ask("DescribeLogGroups")


def events(ask) -> None:  # noqa: ANN001
    now, day = int(time.time() * 1000), 86_400_000
    of = {"logGroupName": "app/one", "logStreamName": "a"}
    for stream in ("a", "b"):
        ask("CreateLogStream", logGroupName="app/one", logStreamName=stream)
    ask("CreateLogStream", **of)
    ask("CreateLogStream", logGroupName="nothing", logStreamName="a")
    ask("CreateLogStream", logGroupName="app/one", logStreamName="a:b")
    ask.ask("DeleteLogStream", logGroupName="app/one", logStreamName="a:b")
    event = lambda at, message: {"timestamp": at, "message": message}  # noqa: E731
    ask("PutLogEvents", **of, logEvents=[event(now - 1000 + n, f"line {n}") for n in range(5)])
    ask("PutLogEvents", logGroupName="app/one", logStreamName="b", logEvents=[event(now - 998, '{"status": 500}'), event(now, "10.0.0.1 GET 503")])
    ask("PutLogEvents", logGroupName="app/one", logStreamName="none", logEvents=[event(now, "x")])
    ask("PutLogEvents", logGroupName="nothing", logStreamName="a", logEvents=[event(now, "x")])
    ask("PutLogEvents", **of, logEvents=[event(now - 15 * day, "old")])
    ask("PutLogEvents", **of, logEvents=[event(now + day // 4, "later")])
    ask("PutLogEvents", **of, logEvents=[])
    ask("GetLogEvents", **of, startFromHead=True)
    ask("GetLogEvents", **of, limit=2)
    ask("GetLogEvents", **of, startTime=now - 999, endTime=now - 997)
    ask("GetLogEvents", **of, nextToken="x")
    ask("GetLogEvents", logGroupName="app/one", logStreamName="none")
    ask("GetLogEvents", logGroupName="nothing", logStreamName="a")
    for pattern in ("line", "line -4", '"line 3"', "?GET ?500", "{ $.status = 500 }", "[ip, verb, status = 5*]"):
        ask("FilterLogEvents", logGroupName="app/one", filterPattern=pattern)
    ask("FilterLogEvents", logGroupName="app/one", logStreamNames=["b"])
    ask("FilterLogEvents", logGroupName="app/one", filterPattern="{ $.a")
    ask("FilterLogEvents", logGroupName="nothing")
    ask("DescribeLogStreams", logGroupName="app/one")
    ask("DescribeLogStreams", logGroupName="app/one", logStreamNamePrefix="b")
    ask("DescribeLogStreams", logGroupName="app/one", orderBy="LastEventTime", descending=True)
    ask("DescribeLogStreams", logGroupName="app/one", orderBy="LastEventTime", logStreamNamePrefix="b")
    ask("DescribeLogStreams", logGroupName="nothing")


def filters(ask) -> None:  # noqa: ANN001
    into = {"metricName": "took", "metricNamespace": "Logged", "metricValue": "$.ms"}
    of = {"logGroupName": "app/two", "filterName": "took"}
    ask("PutMetricFilter", **of, filterPattern="{ $.ms = * }", metricTransformations=[into])
    ask("PutMetricFilter", logGroupName="nothing", filterName="took", filterPattern="", metricTransformations=[into])
    ask("PutMetricFilter", logGroupName="app/two", filterName="odd", filterPattern="[", metricTransformations=[into])
    ask.ask("DeleteMetricFilter", logGroupName="app/two", filterName="odd")
    ask("DescribeMetricFilters", logGroupName="app/two")
    ask("DescribeMetricFilters", metricName="took", metricNamespace="Logged")
    ask("DescribeMetricFilters", logGroupName="nothing")
    ask("TestMetricFilter", filterPattern="{ $.ms > 12 }", logEventMessages=['{"ms": 12}', '{"ms": 30}'])
    ask("DeleteMetricFilter", **of)
    ask("DeleteMetricFilter", **of)
