//! What strangers and broken clients send: it is refused, nothing leaks, nothing outside is touched, and everybody else is served.

#[path = "../support/mod.rs"]
mod support;

mod stranger;
mod target;

use std::{io::Write as _, net::TcpStream};

use rand::{SeedableRng as _, rngs::StdRng};
use stranger::stranger;
use target::Target;

#[test]
fn whoever_signs_nothing_gets_nothing() {
    let target = Target::new();
    let before = target.outside();
    let rounds = if std::env::var_os("PAVE_TEST_WHOLE").is_some() { 50_000 } else { 2_000 };
    let mut random = StdRng::seed_from_u64(20_261_121);
    for _ in 0..rounds {
        let sent = stranger(&mut random, target.port);
        target.refused(&sent, &target.send_all(&sent));
    }
    target.is_well(&before);
}

#[test]
fn a_page_of_another_origin_is_refused_and_told_so_by_no_header() {
    let target = Target::new();
    let before = target.outside();
    for method in ["OPTIONS", "GET", "POST", "PUT"] {
        for path in ["/", "/bucket/key", "/v2/", "/2020-05-31/key-value-store"] {
            let sent = format!(
                "{method} {path} HTTP/1.1\r\nhost: localhost:{}\r\norigin: http://evil.example\r\naccess-control-request-method: PUT\r\n\
                 access-control-request-headers: authorization\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
                target.port
            );
            let answer = target.send(sent.as_bytes());
            target.refused(sent.as_bytes(), &answer);
            assert!(!answer.to_ascii_lowercase().contains("access-control-allow"), "{answer}");
        }
    }
    target.is_well(&before);
}

/// The password of the registry: somebody who may push sends what follows.
async fn password(target: &Target) -> String {
    let env = target.place.aws_env();
    let keys =
        aws_sdk_ecr::config::Credentials::new(&env["AWS_ACCESS_KEY_ID"], &target.secret, None, None, "test");
    let config = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .region(aws_config::Region::new(env["AWS_REGION"].clone()))
        .endpoint_url(&env["AWS_ENDPOINT_URL"])
        .credentials_provider(keys)
        .load()
        .await;
    let client = aws_sdk_ecr::Client::new(&config);
    client.create_repository().repository_name("app").send().await.expect("a repository");
    let told = client.get_authorization_token().send().await.expect("a token");
    told.authorization_data()[0].authorization_token().expect("a token").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_and_no_digest_of_an_image_leads_out() {
    let target = Target::new();
    let before = target.outside();
    let given = password(&target).await;
    let up = "../".repeat(4);
    for method in ["GET", "HEAD", "PUT", "POST", "DELETE"] {
        for path in [
            format!("/v2/{up}secret"),
            format!("/v2/app/blobs/sha256:{up}secret"),
            "/v2/app/blobs/sha256:%2e%2e%2f%2e%2e%2fsecret".to_owned(),
            format!("/v2/{up}/manifests/latest"),
            format!("/v2/app/manifests/sha256:{up}secret"),
            format!("/v2/app/blobs/uploads/?digest=sha256:{up}secret"),
            format!("/v2/app/blobs/uploads/..%00?digest={up}"),
        ] {
            let sent = format!(
                "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Basic {given}\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{{}}"
            );
            let answer = target.send(sent.as_bytes());
            target.refused(sent.as_bytes(), &answer);
        }
    }
    target.is_well(&before);
}

#[test]
fn who_says_much_or_nothing_keeps_nobody_waiting() {
    let target = Target::new();
    let before = target.outside();
    let silent: Vec<TcpStream> = (0..100)
        .map(|n| {
            let mut stream = target.connect();
            let begun = [
                "",
                "P",
                "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n{",
            ];
            stream.write_all(begun[n % begun.len()].as_bytes()).expect("writes");
            stream
        })
        .collect();
    let long = 9 * 1024 * 1024;
    let mut sent = format!("POST / HTTP/1.1\r\nhost: localhost\r\nx-amz-target: AppRunner.ListServices\r\ncontent-length: {long}\r\n\r\n").into_bytes();
    sent.resize(sent.len() + long, b' ');
    let answer = target.send(&sent);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413"), "{answer}");
    let heads = format!("GET / HTTP/1.1\r\nhost: localhost\r\n{}\r\n", "a: b\r\n".repeat(2000));
    target.refused(heads.as_bytes(), &target.send(heads.as_bytes()));
    target.is_well(&before);
    drop(silent);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_at_once_on_one_connection_are_each_refused() {
    use http_body_util::{BodyExt as _, Full};
    use hyper_util::{client::legacy::Client, rt::TokioExecutor};
    let target = Target::new();
    let before = target.outside();
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http::<Full<bytes::Bytes>>();
    let asks = (0..2_000).map(|n| {
        let uri = format!("http://localhost:{}/bucket/{n}", target.port).replace("localhost", "127.0.0.1");
        let request = http::Request::put(uri).body(Full::from("x".repeat(n))).expect("a request");
        let client = client.clone();
        async move { client.request(request).await.map(|answer| answer.into_parts()) }
    });
    for answer in futures_util::future::join_all(asks).await {
        let (parts, body) = answer.expect("is answered");
        assert_eq!(parts.status, 403);
        let _ = body.collect().await;
    }
    target.is_well(&before);
}
