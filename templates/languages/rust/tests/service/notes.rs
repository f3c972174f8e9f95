//! Notes, and writing them once.

use serde_json::{Value, json};

use crate::running::{Service, problem};

#[tokio::test]
async fn a_note_is_kept_and_found() {
    let Some(service) = Service::with_store(&[]).await else {
        return;
    };
    let made = service
        .post("/v1/notes")
        .json(&json!({ "title": " hello ", "text": " there\n" }))
        .send()
        .await;
    let made = made.expect("answers");
    assert_eq!(made.status(), 201);
    let location = made.headers()["location"]
        .to_str()
        .expect("text")
        .to_owned();
    let note: Value = made.json().await.expect("is JSON");
    assert_eq!(
        (&note["title"], &note["text"]),
        (&json!("hello"), &json!(" there\n"))
    );
    assert_eq!(note["id"].as_str().expect("text").len(), 32);
    assert_eq!(
        location,
        format!("/v1/notes/{}", note["id"].as_str().expect("text"))
    );
    let found: Value = service.get(&location).await.json().await.expect("is JSON");
    assert_eq!(found, note);
    problem(service.get("/v1/notes/none").await, 404).await;
}

#[tokio::test]
async fn pages_hold_every_note_once_in_the_order_made() {
    let Some(service) = Service::with_store(&[]).await else {
        return;
    };
    for number in 0..5 {
        service.note(&format!("n{number}")).await;
    }
    let (mut titles, mut cursor) = (Vec::new(), String::new());
    loop {
        let page: Value = service
            .get(&format!("/v1/notes?limit=2{cursor}"))
            .await
            .json()
            .await
            .expect("is JSON");
        titles.extend(
            page["items"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|note| note["title"].clone()),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(titles, ["n0", "n1", "n2", "n3", "n4"]);
}

#[tokio::test]
async fn a_repeated_write_is_answered_and_not_done_again() {
    let Some(service) = Service::with_store(&[]).await else {
        return;
    };
    let send = async |title: &str, key: &str| {
        let request = service
            .post("/v1/notes")
            .header("idempotency-key", key)
            .json(&json!({ "title": title }));
        request.send().await.expect("answers")
    };
    let first = send("one", "k").await;
    assert!(!first.headers().contains_key("idempotency-replayed"));
    let again = send("one", "k").await;
    assert_eq!(
        (
            again.status().as_u16(),
            &again.headers()["idempotency-replayed"]
        ),
        (201, &"true".parse().expect("text"))
    );
    let (first, again): (Value, Value) = (
        first.json().await.expect("JSON"),
        again.json().await.expect("JSON"),
    );
    assert_eq!(first, again);
    for refused in [send("two", "k").await, send("one", "").await] {
        let said = problem(refused, 422).await;
        assert_eq!(said["errors"][0]["field"], "header.idempotency-key");
    }
    let page: Value = service
        .get("/v1/notes")
        .await
        .json()
        .await
        .expect("is JSON");
    assert_eq!(page["items"].as_array().expect("a list").len(), 1);
}

#[tokio::test]
async fn the_same_write_at_the_same_time_is_done_once() {
    let Some(service) = Service::with_store(&[]).await else {
        return;
    };
    let send = || {
        service
            .post("/v1/notes")
            .header("idempotency-key", "k")
            .json(&json!({ "title": "one" }))
            .send()
    };
    let mut sending = tokio::task::JoinSet::new();
    for _ in 0..20 {
        sending.spawn(send());
    }
    for answer in sending.join_all().await {
        let status = answer.expect("answers").status().as_u16();
        // On a busy machine some may get no answer in time; none is done twice all the same.
        assert!(matches!(status, 201 | 409 | 502..=504), "{status}");
    }
    let page: Value = service
        .get("/v1/notes")
        .await
        .json()
        .await
        .expect("is JSON");
    assert_eq!(page["items"].as_array().expect("a list").len(), 1);
}
