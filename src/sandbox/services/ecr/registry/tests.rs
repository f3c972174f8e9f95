//! No address and no digest leads the registry out of its directory, or makes it panic.

use std::{fs, path::Path};

use base64::Engine as _;
use proptest::prelude::*;

use super::*;
use crate::sandbox::testing::cases;

const WORD: &str = "what nobody may read";

fn files(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .expect("reads")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn request(method: &str, path: String, query: String, body: Vec<u8>, password: &str) -> RawRequest {
    let given = base64::prelude::BASE64_STANDARD.encode(format!("AWS:{password}"));
    RawRequest {
        method: method.to_owned(),
        path,
        query,
        headers: [("authorization".to_owned(), format!("Basic {given}"))].into(),
        body: body.into(),
    }
}

#[test]
fn no_address_leads_out_of_its_directory() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("secret"), WORD).expect("writes");
    let store = Store::open(&dir.path().join("ecr")).expect("opens");
    store
        .index
        .update(|index| {
            index.repositories.insert("app".to_owned(), Default::default());
            Ok::<_, std::io::Error>(())
        })
        .expect("keeps");
    let digest = store.put_blob(b"a blob").expect("keeps");
    let piece = "(/v2|/|app|blobs|uploads|manifests|\\.\\.|%2e%2e|%2F|%00|sha256:|secret|é|latest|0{64}|\\?)";
    let path = proptest::string::string_regex(&format!("/v2{piece}{{0,14}}")).expect("a pattern");
    let digests = prop_oneof![
        Just(format!("digest={digest}")),
        "digest=(sha256:)?(\\.\\./|%2e%2e%2f|secret|0|é){0,20}",
        "[a-z=&%]{0,20}"
    ];
    let body = prop_oneof![
        Just(b"a blob".to_vec()),
        Just(format!("{{\"config\":{{\"digest\":\"{digest}\"}}}}").into_bytes()),
        Just(br#"{"config":{"digest":"sha256:../../secret"},"layers":[]}"#.to_vec()),
        Just(br#"[{"config":1}]"#.to_vec()),
        proptest::collection::vec(any::<u8>(), 0..30),
    ];
    let method =
        prop_oneof![Just("GET"), Just("HEAD"), Just("PUT"), Just("POST"), Just("PATCH"), Just("DELETE")];
    proptest!(cases(), |(path in path, query in digests, body in body, method in method, known in proptest::bool::weighted(0.9))| {
        let password = if known { "token" } else { "guess" };
        let answer = handle(&store, "token", &request(method, path, query, body, password));
        prop_assert!(known || answer.status == 401);
        prop_assert!(answer.status < 500, "{answer:?}");
        prop_assert!(!String::from_utf8_lossy(&answer.body).contains(WORD));
    });
    assert_eq!(files(dir.path()), ["ecr", "secret"]);
    let blobs = files(&dir.path().join("ecr/blobs"));
    assert!(
        blobs.iter().all(|name| name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit())),
        "{blobs:?}"
    );
}
