//! What is asked to go wrong does, in the words of the service, and no more often than it was asked for.

mod support;

use std::{
    io::{Read as _, Write as _},
    time::{Duration, Instant, SystemTime},
};

use aws_sdk_cloudwatch::types::{Dimension, Statistic};
use aws_sdk_s3::{config::Credentials, primitives::ByteStream};
use support::{Background, Mini, Place, until};

async fn aws(place: &Place) -> aws_config::SdkConfig {
    let env = place.aws_env();
    aws_config::defaults(aws_config::BehaviorVersion::latest())
        .endpoint_url(&env["AWS_ENDPOINT_URL"])
        .region(aws_config::Region::new(env["AWS_REGION"].clone()))
        .credentials_provider(Credentials::new(
            &env["AWS_ACCESS_KEY_ID"],
            &env["AWS_SECRET_ACCESS_KEY"],
            None,
            None,
            "test",
        ))
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .load()
        .await
}

async fn s3(place: &Place) -> aws_sdk_s3::Client {
    let config = aws(place).await;
    aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build())
}

fn fault(place: &Place, arguments: &[&str]) {
    place.pave(&[&["sandbox", "fault", "add"], arguments].concat()).expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_of_a_call_that_was_made() {
    let place = Place::new();
    place.pave(&["sandbox", "up"]).expect(0);
    let client = s3(&place).await;
    client.create_bucket().bucket("faults").send().await.expect("a bucket");
    let put =
        |key: &str| client.put_object().bucket("faults").key(key).body(ByteStream::from_static(b"x")).send();
    fault(&place, &["lost-response", "--service", "s3", "--operation", "PutObject", "--times", "1"]);
    let lost = put("one").await.expect_err("no answer comes");
    assert!(lost.as_service_error().is_none(), "{lost:?}");
    client.head_object().bucket("faults").key("one").send().await.expect("it was written");
    put("two").await.expect("only once");
    fault(&place, &["throttle", "--service", "s3", "--times", "1"]);
    let throttled = put("three").await.expect_err("is refused").into_service_error();
    assert_eq!(throttled.meta().code(), Some("SlowDown"));
    let missing =
        client.head_object().bucket("faults").key("three").send().await.expect_err("was not written");
    assert!(missing.into_service_error().is_not_found());
    place.pave(&["sandbox", "fault", "list"]).expect(0).says("throttle of s3, used up");
    place.pave(&["sandbox", "fault", "clear"]).expect(0).says("2 taken away");
}

#[test]
fn an_instance_that_is_killed_is_replaced_and_a_build_can_fail() {
    let place = Place::new();
    let mini = Mini::new(&place, "1s");
    place.pave(&["deploy"]).expect(0);
    fault(&place, &["kill", "--service", "mini-sandbox-blue", "--times", "1"]);
    until("an instance is replaced", || {
        place.pave(&["logs"]).out.matches("mini listens as release 1").count() == 2
    });
    fault(&place, &["build-failure"]);
    mini.edit("FAIL_EVERY = 0", "FAIL_EVERY = 0  # 2");
    place.pave(&["deploy"]).expect(5).says("the build fails on purpose");
    place.pave(&["sandbox", "fault", "clear"]).expect(0);
    fault(&place, &["unhealthy", "--service", "mini-sandbox-green"]);
    let deploy = Background::start(place.command(&["deploy"])).end();
    assert_eq!(deploy.code, 6, "{deploy:?}");
    deploy.says("fails on purpose");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_instances_is_told_of_and_counted() {
    let place = Place::new();
    Mini::new(&place, "1s");
    place.pave(&["deploy"]).expect(0);
    let config = aws(&place).await;
    let (logs, metrics) =
        (aws_sdk_cloudwatchlogs::Client::new(&config), aws_sdk_cloudwatch::Client::new(&config));
    let groups =
        logs.describe_log_groups().log_group_name_prefix("/aws/apprunner/mini-sandbox-blue/").send().await;
    let groups = groups.expect("groups").log_groups.expect("groups");
    let group =
        groups.iter().filter_map(|group| group.log_group_name()).find(|name| name.ends_with("/service"));
    let group = group.expect("what happens to a service is logged").to_owned();
    let id = group.split('/').nth(4).expect("an id").to_owned();
    fault(&place, &["kill", "--service", "mini-sandbox-blue"]);
    let events = async || {
        let told = logs.filter_log_events().log_group_name(&group).send().await.expect("events");
        told.events.unwrap_or_default().into_iter().filter_map(|event| event.message).collect::<Vec<String>>()
    };
    let count = |all: &[String], words: &str| all.iter().filter(|event| event.contains(words)).count();
    let ends = Instant::now() + Duration::from_secs(60);
    let told = loop {
        let told = events().await;
        if count(&told, "could not be replaced: the instance was killed on purpose") >= 2 {
            break told;
        }
        assert!(Instant::now() < ends, "{told:#?}");
    };
    assert_eq!(count(&told, "it is being replaced"), 1, "{told:#?}");
    let host = format!("mini.sandbox.localhost:{}", place.edge());
    let sum = async |metric: &str, statistic: Statistic| {
        let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
        let now = aws_sdk_cloudwatch::primitives::DateTime::from(SystemTime::now());
        let since = aws_sdk_cloudwatch::primitives::DateTime::from_secs(now.secs() - 2);
        let asked = metrics.get_metric_statistics().namespace("AWS/AppRunner").metric_name(metric);
        let asked = asked
            .dimensions(dimension("ServiceName", "mini-sandbox-blue"))
            .dimensions(dimension("ServiceID", &id));
        let told = asked
            .start_time(since)
            .end_time(now)
            .period(1)
            .statistics(statistic)
            .send()
            .await
            .expect("a metric");
        told.datapoints.unwrap_or_default()
    };
    let mut failed = false;
    while !failed {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", place.edge())).expect("connects");
        write!(stream, "GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").expect("asks");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        failed = sum("5xxStatusResponses", Statistic::Sum).await.iter().any(|point| point.sum > Some(0.0));
        assert!(Instant::now() < ends, "503s are counted");
    }
    loop {
        let active = sum("ActiveInstances", Statistic::Maximum).await;
        if active.iter().any(|point| point.maximum == Some(0.0)) {
            break;
        }
        assert!(Instant::now() < ends, "{active:?}");
    }
}

#[test]
fn what_cannot_go_wrong_is_refused_with_a_suggestion() {
    let place = Place::new();
    for (arguments, words) in [
        (&["throtle"][..], "throttle"),
        (&["throttle", "--service", "s4"], "s3"),
        (&["throttle", "--service", "s3", "--operation", "PutObjekt"], "did you mean `PutObject`?"),
        (&["throttle", "--share", "2"], "at most 1"),
        (&["delay"], "--delay 2s"),
        (&["kill", "--operation", "PutObject"], "leave --operation out"),
        (&["throttle", "--operation", "PutObjekt"], "did you mean `PutObject`?"),
    ] {
        place.pave(&[&["sandbox", "fault", "add"], arguments].concat()).expect(64).says(words);
    }
    place.pave(&["sandbox", "fault", "add", "error", "--times", "0"]).expect(64).says("1..");
    place.pave(&["sandbox", "up"]).expect(0);
    fault(&place, &["throttle", "--operation", "PutObject"]);
    // What runs may be made later.
    let run = place.pave(&["sandbox", "fault", "add", "kill", "--service", "nothere"]).expect(0);
    run.says("there is no App Runner service `nothere` yet; those that are there: none");
    let run = place.pave(&["sandbox", "fault", "add", "build-failure", "--service", "nothere"]).expect(0);
    run.says("there is no build project `nothere` yet");
    place.pave(&["sandbox", "fault", "clear", "7"]).expect(3).says("there is no fault 7");
}
