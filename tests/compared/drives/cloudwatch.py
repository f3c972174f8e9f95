"""CloudWatch: metrics, alarms, dashboards."""

import json
from datetime import UTC, datetime, timedelta

from side import Side

BY = [{"Name": "By", "Value": "x"}]


def drive(on: Side) -> None:
    ask = on.client("cloudwatch")
    metrics(ask)
    alarms(ask)
    body = json.dumps({"widgets": [{"type": "text", "properties": {"markdown": "x"}}]})
    ask("PutDashboard", DashboardName="mine", DashboardBody=body)
    ask("PutDashboard", DashboardName="other", DashboardBody="{}")
    ask("PutDashboard", DashboardName="no spaces", DashboardBody=body)
    ask.ask("DeleteDashboards", DashboardNames=["other", "no spaces"])
    ask("GetDashboard", DashboardName="mine")
    ask("GetDashboard", DashboardName="nothing")
    ask("ListDashboards", DashboardNamePrefix="mi")
    ask("DeleteDashboards", DashboardNames=["mine"])
    ask("DeleteDashboards", DashboardNames=["mine"])


def metrics(ask) -> None:  # noqa: ANN001
    then = (datetime.now(UTC) - timedelta(minutes=10)).replace(second=0, microsecond=0)
    window = {"StartTime": then - timedelta(minutes=5), "EndTime": then + timedelta(minutes=5)}
    one = {"MetricName": "took", "Dimensions": BY, "Timestamp": then, "Unit": "Milliseconds"}
    data = [{**one, "Value": float(n)} for n in range(1, 11)]
    ask("PutMetricData", Namespace="Mine", MetricData=data)
    ask("PutMetricData", Namespace="Mine", MetricData=[{**one, "MetricName": "many", "Values": [1.0, 2.0], "Counts": [2.0, 1.0]}])
    ask("PutMetricData", Namespace="Mine", MetricData=[{**one, "MetricName": "set", "StatisticValues": {"SampleCount": 2, "Sum": 5, "Minimum": 1, "Maximum": 4}}])
    ask("PutMetricData", Namespace="AWS/Mine", MetricData=[{**one, "MetricName": "odd", "Value": 1.0}])
    ask("PutMetricData", Namespace="Mine", MetricData=[{**one, "MetricName": "odd", "Value": 1.0, "Values": [1.0]}])
    ask("PutMetricData", Namespace="Mine", MetricData=[{**one, "MetricName": "none"}])
    ask("PutMetricData", Namespace="Mine", MetricData=[{**one, "MetricName": "old", "Value": 1.0, "Timestamp": then - timedelta(days=15)}])
    of = {"Namespace": "Mine", "Dimensions": BY, "Period": 60, **window}
    ask("GetMetricStatistics", MetricName="took", Statistics=["Sum", "Average", "Minimum", "Maximum", "SampleCount"], **of)
    ask("GetMetricStatistics", MetricName="many", Statistics=["Sum", "SampleCount"], **of)
    ask("GetMetricStatistics", MetricName="set", Statistics=["Sum", "Maximum"], **of)
    ask("GetMetricStatistics", MetricName="took", ExtendedStatistics=["p50"], **of)
    ask("GetMetricStatistics", MetricName="took", **of)
    ask("GetMetricStatistics", MetricName="nothing", Statistics=["Sum"], **of)
    ask("GetMetricStatistics", MetricName="took", Statistics=["Sum"], **{**of, "Period": 7})
    ask("GetMetricStatistics", MetricName="took", Statistics=["Sum"], **{**of, "EndTime": of["StartTime"]})
    stat = lambda name, kind, **more: {  # noqa: E731
        "Id": "m", "MetricStat": {"Metric": {"Namespace": "Mine", "MetricName": name, "Dimensions": BY}, "Period": 60, "Stat": kind}, **more
    }  # fmt: skip
    ask("GetMetricData", MetricDataQueries=[stat("took", "Sum")], **window)
    ask("GetMetricData", MetricDataQueries=[stat("took", "Average", Label="mean")], **window)
    ask("GetMetricData", MetricDataQueries=[stat("nothing", "Sum")], **window)
    ask("GetMetricData", MetricDataQueries=[{**stat("took", "Sum"), "ReturnData": False}, {"Id": "e", "Expression": "m * 2"}], **window)
    ask("GetMetricData", MetricDataQueries=[{"Id": "e", "Expression": "SUM("}], **window)
    ask("GetMetricData", MetricDataQueries=[stat("took", "Sum"), stat("took", "Sum")], **window)
    ask("GetMetricData", MetricDataQueries=[], **window)
    ask("ListMetrics", Namespace="Mine", MetricName="took", Dimensions=BY)
    ask("ListMetrics", Namespace="Mine", Dimensions=[{"Name": "By", "Value": "y"}])
    ask("ListMetrics", NextToken="x")


def alarms(ask) -> None:  # noqa: ANN001
    common = {"EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold", "Threshold": 100.5}
    single = {"MetricName": "load", "Namespace": "Mine", "Dimensions": BY, "Period": 60, "Statistic": "Maximum"}
    ask("PutMetricAlarm", AlarmName="high", Tags=[{"Key": "a", "Value": "b"}], **single, **common)
    ask("PutMetricAlarm", AlarmName="odd", **{**single, "Period": 7}, **common)
    ask("PutMetricAlarm", AlarmName="odd", **{**single, "Statistic": "Median"}, **common)
    ask.ask("DeleteAlarms", AlarmNames=["odd"])
    ask("PutCompositeAlarm", AlarmName="both", AlarmRule="ALARM(high)")
    ask("PutCompositeAlarm", AlarmName="odd", AlarmRule="ALARM(")
    ask.ask("DeleteAlarms", AlarmNames=["odd"])
    told = ask("DescribeAlarms", AlarmNames=["high"])
    ask("DescribeAlarms", AlarmTypes=["CompositeAlarm"])
    ask("DescribeAlarms", AlarmNamePrefix="x")
    ask("DescribeAlarms", StateValue="ALARM")
    ask("DescribeAlarmsForMetric", MetricName="load", Namespace="Mine", Dimensions=BY)
    ask("DescribeAlarmsForMetric", MetricName="nothing", Namespace="Mine")
    ask("SetAlarmState", AlarmName="high", StateValue="ALARM", StateReason="by hand", StateReasonData='{"a": 1}')
    ask("SetAlarmState", AlarmName="nothing", StateValue="OK", StateReason="x")
    ask("SetAlarmState", AlarmName="high", StateValue="GOOD", StateReason="x")
    ask("DescribeAlarmHistory", AlarmName="high")
    ask("DisableAlarmActions", AlarmNames=["high"])
    ask("DescribeAlarms", AlarmNames=["high"])
    ask("EnableAlarmActions", AlarmNames=["high"])
    arn = told["MetricAlarms"][0]["AlarmArn"]
    ask("TagResource", ResourceARN=arn, Tags=[{"Key": "c", "Value": "d"}])
    ask("TagResource", ResourceARN=arn + "x", Tags=[{"Key": "c", "Value": "d"}])
    ask("UntagResource", ResourceARN=arn, TagKeys=["a"])
    ask("UntagResource", ResourceARN=arn + "x", TagKeys=["a"])
    ask("ListTagsForResource", ResourceARN=arn)
    ask("ListTagsForResource", ResourceARN=arn + "x")
    ask("DeleteAlarms", AlarmNames=["both"])
    ask("DeleteAlarms", AlarmNames=["high"])
    ask("DeleteAlarms", AlarmNames=["high"])
