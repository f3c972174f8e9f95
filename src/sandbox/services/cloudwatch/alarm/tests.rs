//! Alarms and the data they watch, at times that the tests choose.

use serde_json::{Value, json};

use super::{super::bucket::Bucket, *};
use crate::sandbox::testing::caller;

/// The beginning of a minute.
const T: i64 = 1_800_000_000;

struct Scene {
    cloudwatch: CloudWatch,
    dir: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("dir");
        Self { cloudwatch: CloudWatch::open(dir.path()).expect("opens"), dir }
    }

    fn call(&self, operation: &str, input: Value) -> Answer {
        handle(&self.cloudwatch, operation, &input, &caller())
    }

    /// An alarm on the sums of periods.
    fn alarm(&self, name: &str, period: i64, m: i64, n: i64, more: Value) {
        let mut input = json!({
            "AlarmName": name, "Namespace": "N", "MetricName": "m", "Statistic": "Sum", "Period": period,
            "EvaluationPeriods": n, "DatapointsToAlarm": m, "Threshold": 10, "AlarmActions": ["arn:aws:sns:a"],
            "ComparisonOperator": "GreaterThanThreshold",
        });
        input.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        self.call("PutMetricAlarm", input).expect("is made");
    }

    fn value(&self, at: i64, value: f64) {
        let metric = super::super::stat::Metric::new("N", "m", &[]);
        lock(&self.cloudwatch.store).put(&metric, "None", at, true, &Bucket::of(value, 1.0));
    }

    fn state(&self, name: &str, now: i64) -> State {
        self.cloudwatch.alarms.evaluate(&self.cloudwatch, now as f64);
        lock(&self.cloudwatch.alarms.all).map()[name].state
    }
}

#[test]
fn a_period_counts_when_it_is_over() {
    let scene = Scene::new();
    scene.alarm("a", 10, 1, 1, json!({}));
    assert_eq!(scene.state("a", T), State::InsufficientData);
    scene.value(T + 1, 11.0);
    assert_eq!(scene.state("a", T + 9), State::InsufficientData);
    assert_eq!(scene.state("a", T + 10), State::Alarm);
    scene.value(T + 11, 3.0);
    assert_eq!(scene.state("a", T + 20), State::Ok);
    // Two more periods are looked at than have to be evaluated.
    assert_eq!(scene.state("a", T + 40), State::Ok);
    assert_eq!(scene.state("a", T + 50), State::InsufficientData);
}

#[test]
fn so_many_of_the_periods_have_to_be_over_the_threshold() {
    let scene = Scene::new();
    scene.alarm("a", 60, 2, 3, json!({ "TreatMissingData": "notBreaching" }));
    for (minute, value) in [(0, 11.0), (1, 1.0), (2, 1.0), (3, 12.0), (4, 1.0), (5, 13.0)] {
        scene.value(T + minute * 60, value);
    }
    assert_eq!(scene.state("a", T + 61), State::Ok);
    assert_eq!(scene.state("a", T + 240), State::Ok);
    assert_eq!(scene.state("a", T + 360), State::Alarm);
}

#[test]
fn long_periods_roll_on_by_the_minute() {
    let scene = Scene::new();
    scene.alarm("a", 300, 1, 1, json!({}));
    scene.value(T, 1.0);
    scene.value(T + 240, 5.0);
    scene.value(T + 360, 6.0);
    // No five minutes of the clock have more than 10, those before the seventh minute do.
    assert_eq!(scene.state("a", T + 360), State::Ok);
    assert_eq!(scene.state("a", T + 420), State::Alarm);
}

#[test]
fn alarms_watch_expressions() {
    let scene = Scene::new();
    let metric = json!({ "Metric": { "Namespace": "N", "MetricName": "m" }, "Period": 60, "Stat": "Sum" });
    let input = json!({
        "AlarmName": "a", "EvaluationPeriods": 1, "Threshold": "10", "ComparisonOperator": "LessThanThreshold",
        "Metrics": [{ "Id": "e", "Expression": "FILL(m1, 0) * 2" }, { "Id": "m1", "MetricStat": metric, "ReturnData": false }],
    });
    scene.call("PutMetricAlarm", input).expect("is made");
    scene.value(T, 5.0);
    assert_eq!(scene.state("a", T + 60), State::Ok);
    assert_eq!(scene.state("a", T + 120), State::Alarm);
}

#[test]
fn composite_alarms_follow_on_every_level() {
    let scene = Scene::new();
    scene.alarm("low", 10, 1, 1, json!({}));
    for (name, rule) in [("mid", "ALARM(low)"), ("a-top", "NOT OK(mid)"), ("circle", "NOT ALARM(low)")] {
        scene.call("PutCompositeAlarm", json!({ "AlarmName": name, "AlarmRule": rule })).expect("is made");
    }
    // A rule that goes in circles comes to an end.
    scene
        .call("PutCompositeAlarm", json!({ "AlarmName": "circle", "AlarmRule": "NOT ALARM(circle)" }))
        .expect("is changed");
    scene.value(T + 1, 11.0);
    assert_eq!(scene.state("a-top", T + 10), State::Alarm);
    assert_eq!(scene.state("mid", T + 10), State::Alarm);
}

#[test]
fn what_became_of_an_alarm_outlives_the_process() {
    let scene = Scene::new();
    scene.alarm("a", 10, 1, 1, json!({}));
    scene.value(T + 1, 11.0);
    assert_eq!(scene.state("a", T + 10), State::Alarm);
    let again = CloudWatch::open(scene.dir.path()).expect("opens");
    let told =
        handle(&again, "DescribeAlarmHistory", &json!({ "AlarmName": "a" }), &caller()).expect("answers");
    let items: Vec<&str> = told["AlarmHistoryItems"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|item| item["HistoryItemType"].as_str().expect("text"))
        .collect();
    assert_eq!(items, ["Action", "StateUpdate", "ConfigurationUpdate"]);
    let told =
        handle(&again, "DescribeAlarms", &json!({ "StateValue": "ALARM" }), &caller()).expect("answers");
    let reason = told["MetricAlarms"][0]["StateReason"].as_str().expect("text");
    assert_eq!(
        reason,
        "Threshold Crossed: 1 datapoint [11.0 (15/01/27 08:00:00)] was greater than the threshold (10.0)."
    );
}
