//! What is asked to go wrong does, in the words of the service, and no more often than it was asked for.

mod support;

use aws_sdk_s3::{config::Credentials, primitives::ByteStream};
use support::{Background, Mini, Place, until};

async fn s3(place: &Place) -> aws_sdk_s3::Client {
    let env = place.aws_env();
    let config = aws_config::defaults(aws_config::BehaviorVersion::latest())
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
        .await;
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
