//! Requests that nobody signed, made up of what clients send.

use rand::{Rng as _, rngs::StdRng, seq::IndexedRandom as _};

fn some<'a>(random: &mut StdRng, of: &[&'a str]) -> &'a str {
    of.choose(random).copied().unwrap_or_default()
}

/// A request that has no right signature; much of it is what clients send.
pub fn stranger(random: &mut StdRng, port: u16) -> Vec<u8> {
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
