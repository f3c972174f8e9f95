//! The sandbox seen by AWS's own clients: the SDK in process, the AWS CLI from outside.

mod support;

use std::process::Command;

use aws_sdk_s3::{config::Credentials, primitives::ByteStream};
use support::{Mini, Place, have};

async fn config(place: &Place, secret: Option<&str>) -> aws_config::SdkConfig {
    let env = place.aws_env();
    let secret = secret.unwrap_or(&env["AWS_SECRET_ACCESS_KEY"]);
    aws_config::defaults(aws_config::BehaviorVersion::latest())
        .endpoint_url(&env["AWS_ENDPOINT_URL"])
        .region(aws_config::Region::new(env["AWS_REGION"].clone()))
        .credentials_provider(Credentials::new(&env["AWS_ACCESS_KEY_ID"], secret, None, None, "test"))
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .load()
        .await
}

fn s3(config: &aws_config::SdkConfig) -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(config).force_path_style(true).build())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_conditional_writers_exactly_one_wins() {
    let place = Place::new();
    place.pave(&["sandbox", "up"]).expect(0);
    let client = s3(&config(&place, None).await);
    client.create_bucket().bucket("races").send().await.expect("a bucket");
    let writers = (0..32).map(|i| {
        let put = client.put_object().bucket("races").key("k").if_none_match("*");
        put.body(ByteStream::from(format!("writer {i}").into_bytes())).send()
    });
    let results = futures_util::future::join_all(writers).await;
    assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 1);
    let tag = results.into_iter().find_map(Result::ok).and_then(|r| r.e_tag).expect("an ETag");
    let replacers = (0..32).map(|i| {
        let put = client.put_object().bucket("races").key("k").if_match(&tag);
        put.body(ByteStream::from(format!("replacer {i}").into_bytes())).send()
    });
    let results = futures_util::future::join_all(replacers).await;
    assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_object_goes_in_parts_and_survives_a_restart() {
    let place = Place::new();
    place.pave(&["sandbox", "up"]).expect(0);
    let client = s3(&config(&place, None).await);
    client.create_bucket().bucket("parts").send().await.expect("a bucket");
    let upload = client.create_multipart_upload().bucket("parts").key("a/b").send().await.expect("an upload");
    let id = upload.upload_id().expect("an id");
    let mut parts = Vec::new();
    for number in 1..=3 {
        let body = ByteStream::from(vec![number as u8; 6 * 1024 * 1024]);
        let part = client
            .upload_part()
            .bucket("parts")
            .key("a/b")
            .upload_id(id)
            .part_number(number)
            .body(body)
            .send();
        let tag = part.await.expect("a part").e_tag;
        parts.push(aws_sdk_s3::types::CompletedPart::builder().part_number(number).set_e_tag(tag).build());
    }
    let whole = aws_sdk_s3::types::CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    client
        .complete_multipart_upload()
        .bucket("parts")
        .key("a/b")
        .upload_id(id)
        .multipart_upload(whole)
        .send()
        .await
        .expect("whole");
    place.pave(&["sandbox", "down"]).expect(0);
    place.pave(&["sandbox", "up"]).expect(0);
    let got = client
        .get_object()
        .bucket("parts")
        .key("a/b")
        .range("bytes=6291455-6291456")
        .send()
        .await
        .expect("a range");
    assert_eq!(got.body.collect().await.expect("bytes").to_vec(), [1, 2]);
    let listed = client.list_objects_v2().bucket("parts").prefix("a/").send().await.expect("a list");
    assert_eq!(listed.contents()[0].size(), Some(18 * 1024 * 1024));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_service_refuses_a_wrong_secret_in_its_own_words() {
    use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;
    let place = Place::new();
    place.pave(&["sandbox", "up"]).expect(0);
    let wrong = config(&place, Some("wrong")).await;
    let apprunner = aws_sdk_apprunner::Client::new(&wrong).list_services().send().await.expect_err("refused");
    assert_eq!(apprunner.code(), Some("InvalidSignatureException"));
    let ecr = aws_sdk_ecr::Client::new(&wrong).describe_repositories().send().await.expect_err("refused");
    assert_eq!(ecr.code(), Some("InvalidSignatureException"));
    let codebuild =
        aws_sdk_codebuild::Client::new(&wrong).batch_get_builds().ids("x").send().await.expect_err("refused");
    assert_eq!(codebuild.code(), Some("InvalidSignatureException"));
    let logs =
        aws_sdk_cloudwatchlogs::Client::new(&wrong).describe_log_groups().send().await.expect_err("refused");
    assert_eq!(logs.code(), Some("InvalidSignatureException"));
    let sts = aws_sdk_sts::Client::new(&wrong).get_caller_identity().send().await.expect_err("refused");
    assert_eq!(sts.code(), Some("SignatureDoesNotMatch"));
    let s3 = s3(&wrong).list_buckets().send().await.expect_err("refused");
    assert_eq!(s3.code(), Some("SignatureDoesNotMatch"));
    let cloudfront =
        aws_sdk_cloudfront::Client::new(&wrong).list_key_value_stores().send().await.expect_err("refused");
    assert_eq!(cloudfront.code(), Some("SignatureDoesNotMatch"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_in_the_sandbox_is_said_and_never_made_up() {
    use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;
    let place = Place::new();
    place.pave(&["sandbox", "up"]).expect(0);
    let config = config(&place, None).await;
    let error =
        aws_sdk_apprunner::Client::new(&config).list_connections().send().await.expect_err("not there");
    assert_eq!(error.code(), Some("UnknownOperationException"));
    assert!(error.message().is_some_and(|m| m.contains("not in the sandbox")), "{error:?}");
}

#[test]
fn a_request_without_a_signature_or_for_another_host_is_refused() {
    use std::io::{Read as _, Write as _};
    let place = Place::new();
    place.pave(&["sandbox", "up"]).expect(0);
    let port = place.json(&["sandbox", "status"])["running"]["api"].as_u64().expect("a port") as u16;
    let ask = |host: &str| {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).expect("connects");
        write!(stream, "POST / HTTP/1.1\r\nhost: {host}\r\nx-amz-target: AppRunner.ListServices\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}").expect("writes");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("reads");
        answer
    };
    let unsigned = ask(&format!("127.0.0.1:{port}"));
    assert!(
        unsigned.starts_with("HTTP/1.1 403") && unsigned.contains("MissingAuthenticationToken"),
        "{unsigned}"
    );
    let rebound = ask("evil.example");
    assert!(rebound.starts_with("HTTP/1.1 403") && rebound.contains("loopback"), "{rebound}");
}

#[test]
fn the_aws_cli_sees_what_a_deploy_made() {
    if !have("the AWS CLI", Command::new("aws").arg("--version").output().is_ok_and(|o| o.status.success())) {
        return;
    }
    let place = Place::new();
    let _mini = Mini::new(&place, "1s");
    place.pave(&["deploy"]).expect(0);
    let aws = |secret: Option<&str>, arguments: &[&str]| {
        let mut command = Command::new("aws");
        command.args(arguments).envs(place.aws_env()).env("AWS_PAGER", "").env("HOME", place.path());
        if let Some(secret) = secret {
            command.env("AWS_SECRET_ACCESS_KEY", secret);
        }
        let out = command.output().expect("runs");
        (out.status.success(), String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned())
    };
    let builds = aws(None, &["codebuild", "list-builds", "--query", "ids[0]", "--output", "text"]).1;
    let calls: [(&[&str], &str); 7] = [
        (&["apprunner", "list-services"], "mini-sandbox-blue"),
        (&["s3", "ls"], "pave-"),
        (&["ecr", "describe-images", "--repository-name", "mini-sandbox"], "release-1"),
        (&["codebuild", "batch-get-builds", "--ids", builds.trim()], "SUCCEEDED"),
        (&["sts", "get-caller-identity"], "user/sandbox"),
        (&["cloudfront", "list-key-value-stores"], "mini-sandbox"),
        (&["logs", "describe-log-groups"], "/aws/apprunner/mini-sandbox-blue"),
    ];
    for (arguments, expected) in calls {
        let (good, text) = aws(None, arguments);
        assert!(good && text.contains(expected), "{arguments:?}: {text}");
        let (good, text) = aws(Some("wrong"), arguments);
        assert!(!good && text.to_lowercase().contains("signature"), "{arguments:?}: {text}");
    }
}
