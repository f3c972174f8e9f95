//! What strangers and broken clients send: it is refused, nothing leaks, nothing outside is touched, and everybody else is served.

mod support;

use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    time::Duration,
};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use support::Place;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A word that is in no answer: what a file beside the sandbox's directory holds.
const WORD: &str = "what nobody may read";

struct Target {
    place: Place,
    port: u16,
    secret: String,
}

impl Target {
    fn new() -> Self {
        let place = Place::new();
        fs::write(place.path().join("secret"), WORD).expect("writes");
        place.pave(&["sandbox", "up"]).expect(0);
        let env = place.aws_env();
        let port =
            env["AWS_ENDPOINT_URL"].rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        Self { port, secret: env["AWS_SECRET_ACCESS_KEY"].clone(), place }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("connects");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream
    }

    /// Sends bytes and reads until the sandbox closes.
    fn send(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        // A sandbox that refused already may have closed.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        if let Err(error) = stream.read_to_end(&mut answer) {
            assert_eq!(
                error.kind(),
                std::io::ErrorKind::ConnectionReset,
                "{:?}",
                String::from_utf8_lossy(bytes)
            );
        }
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Holds that an answer refuses, and tells nothing that its sender does not know.
    fn refused(&self, sent: &[u8], answer: &str) {
        let shown = String::from_utf8_lossy(&sent[..sent.len().min(300)]);
        let here = self.place.path().to_string_lossy();
        for hidden in [self.secret.as_str(), WORD, &here, "panicked", "src/sandbox"] {
            assert!(!answer.contains(hidden), "{hidden} is told after {shown}: {answer}");
        }
        // No answer is a refusal, too: of what is no HTTP.
        let status = answer.split(' ').nth(1).unwrap_or("400");
        assert!(status.starts_with('4'), "{status} after {shown}: {answer}");
    }

    /// Holds that it serves, that its log has no panic and no secret, and that nothing but its own directory changed.
    fn is_well(&self, before: &BTreeSet<PathBuf>) {
        assert!(self.place.json(&["sandbox", "status"])["running"].is_object());
        let log = fs::read_to_string(self.place.sandbox().join("sandbox.log")).expect("a log");
        assert!(!log.contains("panicked") && !log.contains(&self.secret), "{log}");
        assert_eq!(&self.outside(), before);
        assert_eq!(fs::read_to_string(self.place.path().join("secret")).expect("reads"), WORD);
    }

    /// All files beside the sandbox's directory, and one level above the place.
    fn outside(&self) -> BTreeSet<PathBuf> {
        let inside = self.place.sandbox();
        names(self.place.path()).into_iter().filter(|path| *path != inside).collect()
    }
}

fn names(dir: &Path) -> BTreeSet<PathBuf> {
    fs::read_dir(dir).expect("reads").map(|entry| entry.expect("an entry").path()).collect()
}

fn some<'a>(random: &mut StdRng, of: &[&'a str]) -> &'a str {
    of.choose(random).copied().unwrap_or_default()
}

/// A request that has no right signature; much of it is what clients send.
fn stranger(random: &mut StdRng, port: u16) -> Vec<u8> {
    let mut path = String::new();
    for _ in 0..random.random_range(0..6) {
        path.push_str(some(
            random,
            &[
                "/",
                "..",
                "%2e%2e",
                "%2F",
                "%00",
                "secret",
                "v2",
                "store",
                "blobs",
                "sha256:",
                "?",
                "&",
                "=",
                "list-type=2",
                "é",
            ],
        ));
    }
    let method = some(random, &["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH", "BREW"]);
    let mut head = format!("{method} /{path} HTTP/1.1\r\nconnection: close\r\n");
    let host = format!("127.0.0.1:{port}");
    head += &format!(
        "host: {}\r\n",
        some(
            random,
            &[
                &host,
                "localhost",
                "evil.example",
                "localhost.evil.example",
                "[::1",
                "",
                "127.0.0.1@evil.example"
            ]
        )
    );
    let service = some(
        random,
        &["s3", "sts", "ecr", "dynamodb", "monitoring", "logs", "bedrock", "cloudfront", "nothing", ""],
    );
    let scope = format!("20261121/us-east-1/{service}/aws4_request");
    for _ in 0..random.random_range(0..4) {
        head += &match random.random_range(0..9) {
            0 => format!("authorization: AWS4-HMAC-SHA256 Credential=AKIAX/{scope}, SignedHeaders=host, Signature={}\r\n", "0".repeat(64)),
            1 => format!("authorization: AWS4-ECDSA-P256-SHA256 Credential=AKIAX/20261121/{service}/aws4_request, SignedHeaders=host, Signature=30\r\n"),
            2 => format!("authorization: {}\r\n", some(random, &["Basic QVdTOng=", "Bearer x", "AWS4-HMAC-SHA256", "\u{e9}"])),
            3 => format!("x-amz-target: {}\r\n", some(random, &["AppRunner.ListServices", "..", "", "Logs_20140328.DescribeLogGroups"])),
            4 => "smithy-protocol: rpc-v2-cbor\r\n".to_owned(),
            5 => "content-type: application/x-www-form-urlencoded\r\n".to_owned(),
            6 => "content-encoding: gzip\r\n".to_owned(),
            7 => "x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\r\nx-amz-decoded-content-length: 9\r\n".to_owned(),
            _ => "x-amz-date: 20261121T000000Z\r\n".to_owned(),
        };
    }
    let mut bytes = head.into_bytes();
    let body: Vec<u8> = (0..random.random_range(0..40)).map(|_| random.random()).collect();
    bytes.extend(format!("content-length: {}\r\n\r\n", body.len()).bytes());
    bytes.extend(body);
    if random.random_range(0..10) == 0 {
        // One byte of it is another.
        let at = random.random_range(0..bytes.len().min(80));
        bytes[at] = random.random();
    }
    bytes
}

#[test]
fn whoever_signs_nothing_gets_nothing() {
    let target = Target::new();
    let before = target.outside();
    let rounds = if std::env::var_os("PAVE_TEST_WHOLE").is_some() { 50_000 } else { 2_000 };
    let mut random = StdRng::seed_from_u64(20_261_121);
    for _ in 0..rounds {
        let sent = stranger(&mut random, target.port);
        let mut stream = target.connect();
        let _ = stream.write_all(&sent);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        if let Err(error) = stream.read_to_end(&mut answer) {
            assert_eq!(
                error.kind(),
                std::io::ErrorKind::ConnectionReset,
                "{:?}",
                String::from_utf8_lossy(&sent)
            );
        }
        target.refused(&sent, &String::from_utf8_lossy(&answer));
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
