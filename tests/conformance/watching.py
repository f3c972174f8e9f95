"""CloudWatch in each of the three protocols that clients of different ages speak; then Logs."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
import logged
from witness import Witness

ARN = "arn:aws:sns:eu-west-1:123456789012:nobody"


def until(what: Callable[[], bool], seconds: float = 25) -> bool:
    """Whether something came true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.2)
    return what()


def speaking(w: Witness, protocol: str) -> Any:
    """A client of CloudWatch that knows one protocol only."""
    known, session = w.session, botocore.session.get_session()
    model = session.get_component("data_loader").load_service_model("cloudwatch", "service-2")
    model["metadata"].update(protocol=protocol, protocols=[protocol], jsonVersion="1.0")
    w.session = session
    try:
        return w.client("cloudwatch")
    finally:
        w.session = known


def window() -> dict[str, datetime]:
    now = datetime.now(UTC)
    return {"StartTime": now - timedelta(minutes=30), "EndTime": now + timedelta(minutes=2)}


def stat(query: str, name: str, stat: str, **more: Any) -> dict[str, Any]:
    metric = {"Namespace": "Mine", "MetricName": name, "Dimensions": [{"Name": "By", "Value": more.pop("by", "x")}]}
    return {"Id": query, "MetricStat": {"Metric": metric, "Period": 60, "Stat": stat}, **more}


def metrics(w: Witness, client: Any, by: str) -> None:
    dimensions = [{"Name": "By", "Value": by}]
    then = datetime.now(UTC) - timedelta(minutes=10)
    then = then.replace(second=0, microsecond=0)
    base = {"MetricName": "took", "Dimensions": dimensions, "Timestamp": then, "Unit": "Milliseconds"}
    data = [
        {**base, "Values": [float(n) for n in range(1, 101)], "Counts": [2.0] * 100},
        {**base, "Value": 7.5, "StorageResolution": 1, "Timestamp": then + timedelta(seconds=61)},
        {**base, "MetricName": "set", "StatisticValues": {"SampleCount": 2, "Sum": 5, "Minimum": 1, "Maximum": 4}},
    ]
    client.put_metric_data(Namespace="Mine", MetricData=data)
    # Enough for the client to compress it.
    many = [{**base, "MetricName": "many", "Value": float(n)} for n in range(300)]
    client.put_metric_data(Namespace="Mine", MetricData=many)
    w.refused("InvalidParameterValue", client.put_metric_data, Namespace="AWS/Mine", MetricData=data)
    both = [{**base, "Value": 1.0, "Values": [1.0]}]
    w.refused("InvalidParameterCombination", client.put_metric_data, Namespace="Mine", MetricData=both)
    old = [{**base, "Value": 1.0, "Timestamp": then - timedelta(days=15)}]
    w.refused("InvalidParameterValue", client.put_metric_data, Namespace="Mine", MetricData=old)
    w.refused("MissingParameter", client.put_metric_data, Namespace="Mine", MetricData=[base])
    got = client.get_metric_statistics(
        Namespace="Mine", MetricName="took", Dimensions=dimensions, Period=60, Statistics=["Sum", "Average"], **window()
    )["Datapoints"]
    got.sort(key=lambda one: one["Timestamp"])
    w.holds(f"statistics are told: {got}", [one["Sum"] for one in got] == [10100.0, 7.5] and got[0]["Average"] == 50.5)
    w.holds(f"times are told: {got}", got[0]["Timestamp"] == then and got[0]["Unit"] == "Milliseconds")
    got = client.get_metric_statistics(
        Namespace="Mine", MetricName="took", Dimensions=dimensions, Period=60, ExtendedStatistics=["p50", "p99.9"], **window()
    )["Datapoints"]
    got.sort(key=lambda one: one["Timestamp"])
    found = got[0]["ExtendedStatistics"]
    w.holds(f"percentiles are told: {found}", abs(found["p50"] - 50) <= 0.5 and abs(found["p99.9"] - 100) <= 1)
    queries = [
        stat("m1", "took", "SampleCount", by=by),
        stat("m2", "set", "Maximum", by=by, ReturnData=False),
        {"Id": "e1", "Expression": "SUM(METRICS())", "Label": "all"},
        {"Id": "e2", "Expression": "IF(m1 > 100, FILL(m2, 0) * 10)"},
    ]
    results = client.get_metric_data(MetricDataQueries=queries, ScanBy="TimestampAscending", **window())["MetricDataResults"]
    values = {one["Id"]: one["Values"] for one in results}
    w.holds(f"expressions are told: {values}", values == {"m1": [200.0, 1.0], "e1": [204.0, 1.0], "e2": [40.0]})
    w.holds("labels are told", [one["Label"] for one in results] == ["took", "all", "e2"])
    w.holds("times are told", results[0]["Timestamps"][0] == then)
    time_window, pages, more = window(), [], {}
    while True:
        page = client.get_metric_data(MetricDataQueries=queries, MaxDatapoints=2, **time_window, **more)
        pages += [value for one in page["MetricDataResults"] for value in one["Values"]]
        if "NextToken" not in page:
            break
        more = {"NextToken": page["NextToken"]}
    w.holds(f"pages hold every value once: {pages}", pages == [1.0, 200.0, 1.0, 204.0, 40.0])
    fine = stat("m1", "took", "Sum", by=by)
    fine["MetricStat"]["Period"] = 1
    values = client.get_metric_data(MetricDataQueries=[fine], LabelOptions={"Timezone": "+0100"}, **window())
    w.holds("seconds are told", values["MetricDataResults"][0]["Timestamps"][0] == then + timedelta(seconds=61))
    band = [stat("m1", "took", "Sum"), {"Id": "e", "Expression": "ANOMALY_DETECTION_BAND(m1)"}]
    w.refused("ValidationError", client.get_metric_data, MetricDataQueries=band, **window())
    w.refused("InvalidNextToken", client.get_metric_data, MetricDataQueries=queries, NextToken="x", **window())
    listed = client.list_metrics(Namespace="Mine", Dimensions=dimensions, RecentlyActive="PT3H")["Metrics"]
    w.holds(f"metrics are listed: {listed}", [one["MetricName"] for one in listed] == ["many", "set", "took"])


def alarms(w: Witness, client: Any, by: str, patient: bool) -> None:
    name, dimensions = f"{by} high", [{"Name": "By", "Value": by}]
    common = {"EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold", "Threshold": 100.5}
    single = {"MetricName": "load", "Namespace": "Mine", "Dimensions": dimensions, "Period": 10}
    client.put_metric_alarm(
        AlarmName=name, Statistic="Maximum", AlarmActions=[ARN], Tags=[{"Key": "a", "Value": "b"}], **single, **common
    )
    client.put_metric_alarm(
        AlarmName=f"{by} slow", ExtendedStatistic="p99", TreatMissingData="notBreaching", DatapointsToAlarm=1, **single, **common
    )
    math = [
        {"Id": "e", "Expression": "m1 / 2", "Label": "half"},
        {**stat("m1", "load", "Sum", by=by), "ReturnData": False},
    ]
    client.put_metric_alarm(AlarmName=f"{by} math", Metrics=math, **common)
    w.refused("ValidationError", client.put_metric_alarm, AlarmName="x", Statistic="Sum", **{**single, "Period": 7}, **common)
    rule = f'ALARM("{name}") AND NOT ALARM("{by} slow")'
    client.put_composite_alarm(AlarmName=f"{by} both", AlarmRule=rule, AlarmActions=[ARN])
    w.refused("ValidationError", client.put_composite_alarm, AlarmName="x", AlarmRule="ALARM(nothing)")
    w.refused("ValidationError", client.put_composite_alarm, AlarmName="x", AlarmRule="ALARM(")
    described = client.describe_alarms(AlarmNamePrefix=by, AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    w.holds("both types are told", (len(described["MetricAlarms"]), len(described["CompositeAlarms"])) == (3, 1))
    pages = client.get_paginator("describe_alarms").paginate(AlarmNamePrefix=by, PaginationConfig={"PageSize": 1})
    w.holds("pages hold each once", len([one for page in pages for one in page["MetricAlarms"]]) == 3)
    one = described["MetricAlarms"][0]
    w.holds(f"an alarm is as it was made: {one}", one["Threshold"] == 100.5 and one["Dimensions"] == dimensions)
    found = client.describe_alarms_for_metric(MetricName="load", Namespace="Mine", Dimensions=dimensions)["MetricAlarms"]
    w.holds("alarms of a metric are told", [one["AlarmName"] for one in found] == [name, f"{by} slow"])

    def state(of: str) -> str:
        every = client.describe_alarms(AlarmNames=[of], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        return [*every["MetricAlarms"], *every["CompositeAlarms"]][0]["StateValue"]

    if patient:
        # The whole period before this one has a value that is too high, for p99 as well; the composite alarm is calm then.
        before = datetime.now(UTC) - timedelta(seconds=10)
        datum = {"MetricName": "load", "Dimensions": dimensions, "Value": 500.0, "StorageResolution": 1, "Timestamp": before}
        client.put_metric_data(Namespace="Mine", MetricData=[datum])
        w.holds("data raise the alarm", until(lambda: state(name) == "ALARM"))
        w.holds("and its percentile", until(lambda: state(f"{by} slow") == "ALARM"))
        w.holds("and not the composite one", until(lambda: state(f"{by} both") == "OK"))
        w.holds("no data calm it again", until(lambda: state(name) == "INSUFFICIENT_DATA", 45))
    client.set_alarm_state(AlarmName=f"{by} math", StateValue="ALARM", StateReason="by hand", StateReasonData="{}")
    w.holds("a state is set", state(f"{by} math") == "ALARM")
    w.refused("ResourceNotFound", client.set_alarm_state, AlarmName="nothing", StateValue="OK", StateReason="x")
    w.refused(
        "InvalidFormat", client.set_alarm_state, AlarmName=name, StateValue="OK", StateReason="x", StateReasonData="{"
    )
    if not patient:
        client.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="by hand")
    history = client.describe_alarm_history(AlarmName=name, ScanBy="TimestampAscending")["AlarmHistoryItems"]
    kinds = [one["HistoryItemType"] for one in history]
    w.holds(f"history is told: {kinds}", kinds[:3] == ["ConfigurationUpdate", "StateUpdate", "Action"])
    w.holds("with data", json.loads(history[1]["HistoryData"])["newState"]["stateValue"] == "ALARM")
    client.disable_alarm_actions(AlarmNames=[name])
    w.holds("actions are off", not client.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["ActionsEnabled"])
    client.enable_alarm_actions(AlarmNames=[name])
    arn = one["AlarmArn"]
    client.tag_resource(ResourceARN=arn, Tags=[{"Key": "c", "Value": "d"}])
    client.untag_resource(ResourceARN=arn, TagKeys=["a"])
    w.holds("tags are told", client.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "c", "Value": "d"}])
    w.refused("ResourceNotFoundException", client.list_tags_for_resource, ResourceARN=f"{arn}x")
    client.delete_alarms(AlarmNames=[f"{by} both", f"{by} math", f"{by} slow", name])
    w.refused("ResourceNotFound", client.delete_alarms, AlarmNames=[name])


def dashboards(w: Witness, client: Any) -> None:
    body = json.dumps({"widgets": [{"type": "text", "properties": {"markdown": "x"}}]})
    client.put_dashboard(DashboardName="mine", DashboardBody=body)
    w.refused("InvalidParameterInput", client.put_dashboard, DashboardName="mine", DashboardBody="{}")
    told = client.get_dashboard(DashboardName="mine")
    w.holds("a dashboard is told", told["DashboardBody"] == body)
    client.tag_resource(ResourceARN=told["DashboardArn"], Tags=[{"Key": "a", "Value": "b"}])
    entries = client.list_dashboards(DashboardNamePrefix="mi")["DashboardEntries"]
    w.holds(f"it is listed: {entries}", entries[0]["Size"] == len(body) and isinstance(entries[0]["LastModified"], datetime))
    client.delete_dashboards(DashboardNames=["mine"])
    w.refused("ResourceNotFound", client.get_dashboard, DashboardName="mine")


def apprunner(w: Witness) -> None:
    """What the service that `running` had left behind."""
    client = w.client("cloudwatch")
    listed = client.list_metrics(Namespace="AWS/AppRunner")["Metrics"]
    names = {one["MetricName"] for one in listed if len(one["Dimensions"]) == 2}
    expected = {"Requests", "2xxStatusResponses", "4xxStatusResponses", "5xxStatusResponses", "RequestLatency"}
    expected |= {"ActiveInstances", "Concurrency", "CPUUtilization", "MemoryUtilization"}
    w.holds(f"App Runner's metrics are there: {names}", names == expected)
    instances = [one for one in listed if any(of["Name"] == "Instance" for of in one["Dimensions"])]
    w.holds("and those of instances", {one["MetricName"] for one in instances} == {"CPUUtilization", "MemoryUtilization"})
    for name, stat in (("MemoryUtilization", "Maximum"), ("ActiveInstances", "Maximum"), ("RequestLatency", "p99")):
        metric = next(one for one in listed if one["MetricName"] == name and len(one["Dimensions"]) == 2)
        query = {"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": stat}}
        values = client.get_metric_data(MetricDataQueries=[query], **window())["MetricDataResults"][0]["Values"]
        w.holds(f"{name} has values: {values}", bool(values) and all(0 < value for value in values))


def run(w: Witness) -> None:
    """Everything of this page."""
    apprunner(w)
    for protocol in ("smithy-rpc-v2-cbor", "json", "query"):
        client = speaking(w, protocol)
        by = protocol.split("-")[0]
        metrics(w, client, by)
        # The wait for data to become an alarm is once enough: it is the same for all protocols.
        alarms(w, client, by, patient=protocol == "json")
        dashboards(w, client)
    logged.run(w)
