//! No body in any of the protocols makes its reader panic, and what was read can be written in each.

use std::io::Write as _;

use http::Request;
use proptest::prelude::*;

use super::*;
use crate::sandbox::testing::cases;

/// The heads by which the protocols are told apart.
const HEADS: [&[(&str, &str)]; 4] = [
    &[("x-amz-target", "Service.Operation"), ("content-type", "application/x-amz-json-1.0")],
    &[("smithy-protocol", "rpc-v2-cbor")],
    &[("content-type", "application/x-www-form-urlencoded; charset=utf-8")],
    &[],
];

fn head(which: usize, encoding: Option<&str>) -> Parts {
    let mut request = Request::builder().method("POST").uri("/service/S/operation/Operation");
    for (name, value) in HEADS[which] {
        request = request.header(*name, *value);
    }
    if let Some(encoding) = encoding {
        request = request.header("content-encoding", encoding);
    }
    request.body(()).expect("a request").into_parts().0
}

fn zipped(body: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(body).expect("memory can be written");
    writer.finish().expect("memory can be written")
}

/// Bytes that begin as CBOR does more often than chance would.
fn cbor() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(vec![0xa1, 0x61, b'a']),
        Just(vec![0x9f]),
        Just(vec![0xbf]),
        Just(vec![0xff]),
        Just(vec![0xc1]),
        Just(vec![0x82]),
        Just(vec![0xfb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0]),
        Just(vec![0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        Just(vec![0x7b, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff]),
        Just(vec![0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        proptest::collection::vec(any::<u8>(), 0..6),
    ];
    proptest::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        cbor(),
        "[{}\\[\\]\":,a1e+-]{0,40}".prop_map(String::into_bytes),
        "[a-c1-3.=&%]{0,40}".prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..60),
        // Deeper than any reader should follow.
        (prop_oneof![Just(0x81u8), Just(b'['), Just(0xc1), Just(0x9f)], 0..100_000usize)
            .prop_map(|(byte, depth)| vec![byte; depth]),
    ]
}

proptest! {
    #![proptest_config(cases())]
    #[test]
    fn no_body_makes_it_panic(body in bodies(), gzip in any::<bool>(), whole in any::<bool>()) {
        let body = if gzip && whole { zipped(&body) } else { body };
        for which in 0..HEADS.len() {
            let Ok(call) = read(&head(which, gzip.then_some("gzip")), &Bytes::from(body.clone())) else { continue };
            for protocol in [Protocol::Json("application/x-amz-json-1.0"), Protocol::Cbor, Protocol::Query] {
                let _ = write(protocol, &Dialect::plain("http://x"), &call.operation, "id", Ok(call.input.clone()));
            }
        }
    }
}

#[test]
fn a_small_body_that_becomes_a_large_one_is_refused() {
    let bomb = zipped(&vec![b' '; PLAIN_LIMIT as usize + 1]);
    assert!(bomb.len() < 100_000);
    assert!(read(&head(0, Some("gzip")), &Bytes::from(bomb)).is_err());
}
