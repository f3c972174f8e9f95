//! No address and no digest leads the registry out of its directory, or makes it panic.

use std::{fs, path::Path};

use base64::Engine as _;
use http_body_util::Full;
use proptest::prelude::*;

use super::*;
use crate::sandbox::testing::{cases, world};

const WORD: &str = "what nobody may read";

fn files(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .expect("reads")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn request(
    method: &str,
    path: &str,
    query: &str,
    body: Vec<u8>,
    password: &str,
) -> Option<Request<Full<Bytes>>> {
    let given = base64::prelude::BASE64_STANDARD.encode(format!("AWS:{password}"));
    let request = Request::builder().method(method).uri(format!("{path}?{query}"));
    // What is no address to the HTTP library comes never this far.
    request.header("authorization", format!("Basic {given}")).body(Full::from(body)).ok()
}

#[test]
fn no_address_leads_out_of_its_directory() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("secret"), WORD).expect("writes");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let _inside = runtime.enter();
    let world = world(&dir.path().join("sandbox"));
    let (store, token) = (&world.ecr.store, &world.ecr.token);
    store
        .index
        .update(|index| {
            index.repositories.insert("app".to_owned(), Default::default());
            Ok::<_, std::io::Error>(())
        })
        .expect("keeps");
    let digest = store.put_blob("app", b"a blob").expect("keeps");
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
        let Some(request) = request(method, &path, &query, body, if known { token } else { "guess" }) else { return Ok(()) };
        let (status, said) = runtime.block_on(async {
            let answer = handle(&world, request).await;
            (answer.status().as_u16(), answer.into_body().collect().await.expect("a body").to_bytes())
        });
        let said = String::from_utf8_lossy(&said);
        prop_assert!(known || status == 401);
        prop_assert!(status < 500, "{status}: {said}");
        prop_assert!(!said.contains(WORD));
    });
    assert_eq!(files(dir.path()), ["sandbox", "secret"]);
    let blobs = files(&dir.path().join("sandbox/ecr/blobs"));
    assert!(
        blobs.iter().all(|name| name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit())),
        "{blobs:?}"
    );
}

#[tokio::test]
async fn a_name_may_begin_as_the_address_does() {
    let dir = tempfile::tempdir().expect("a directory");
    let world = world(dir.path());
    let store = &world.ecr.store;
    store
        .index
        .update(|index| {
            index.repositories.insert("v2/v2ray".to_owned(), Default::default());
            Ok::<_, std::io::Error>(())
        })
        .expect("keeps");
    for (name, status) in [("v2/v2ray", 200), ("v2ray", 404), ("ray", 404)] {
        let path = format!("/v2/{name}/tags/list");
        let asked = request("GET", &path, "", Vec::new(), &world.ecr.token).expect("is one");
        assert_eq!(handle(&world, asked).await.status(), status, "{name}");
    }
}
