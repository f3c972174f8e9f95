//! Configuration, draining, exit status.

use std::time::Duration;

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::running::{Service, program};

#[tokio::test]
async fn wrong_variables_end_the_start_and_are_named_without_their_values() {
    let out = program(&[("PORT", "hunter2"), ("MAX_CONCURRENCY", "0")])
        .output()
        .await
        .expect("runs");
    assert_eq!(out.status.code(), Some(78));
    let said = String::from_utf8_lossy(&out.stdout);
    assert_eq!(said.lines().count(), 1);
    assert!(
        said.contains("PORT") && said.contains("MAX_CONCURRENCY") && !said.contains("hunter2"),
        "{said}"
    );
}

#[tokio::test]
async fn what_is_no_command_gets_the_usage() {
    let out = program(&[]).arg("nonsense").output().await.expect("runs");
    assert_eq!(out.status.code(), Some(64));
    assert!(out.stdout.is_empty());
    assert!(String::from_utf8_lossy(&out.stderr).starts_with("usage: "));
}

#[tokio::test]
async fn the_bill_of_materials_names_what_is_linked() {
    let out = program(&[]).arg("sbom").output().await.expect("runs");
    let bill: Value = serde_json::from_slice(&out.stdout).expect("is JSON");
    let components = bill["components"].as_array().expect("a list");
    let named = |name: &str| components.iter().any(|one| one["name"] == name);
    assert!(named("axum") && named("tokio"), "{bill}");
    assert!(!named("app"), "the program is no part of itself");
}

#[tokio::test]
async fn the_program_can_ask_whether_it_is_healthy() {
    let service = Service::start(&[]).await;
    let port = service.address().rsplit(':').next().expect("a port");
    let check = |port: &str| {
        let mut command = program(&[("PORT", port)]);
        async move {
            command
                .arg("healthcheck")
                .status()
                .await
                .expect("runs")
                .success()
        }
    };
    assert!(check(port).await);
    assert!(!check("9").await);
}

#[tokio::test]
async fn sigterm_fails_readiness_finishes_what_runs_and_exits_with_0() {
    let mut service = Service::start(&[("DRAIN_DELAY_MS", "400")]).await;
    let mut slow = TcpStream::connect(service.address())
        .await
        .expect("connects");
    let head = "POST /v1/notes HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{";
    slow.write_all(head.as_bytes()).await.expect("writes");
    service.signal("TERM");
    service.line(|line| line["message"] == "draining").await;
    let ready = service.get("/readyz").await;
    assert_eq!(ready.status(), 503);
    assert!(ready.text().await.expect("text").contains("draining"));
    assert_eq!(service.get("/livez").await.status(), 200);
    let closed = async {
        while TcpStream::connect(service.address()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(30), closed)
        .await
        .expect("a closed door");
    slow.write_all(b"}").await.expect("is open");
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.expect("reads");
    assert!(answer.starts_with("HTTP/1.1 422"), "{answer}");
    let ended = timeout(Duration::from_secs(10), service.child.wait())
        .await
        .expect("in time");
    assert_eq!(ended.expect("ends").code(), Some(0));
}

#[tokio::test]
async fn what_takes_too_long_is_cut_off_when_draining() {
    let mut service = Service::start(&[("DRAIN_TIMEOUT_MS", "300")]).await;
    let mut stuck = TcpStream::connect(service.address())
        .await
        .expect("connects");
    let head = "POST /v1/notes HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{";
    stuck.write_all(head.as_bytes()).await.expect("writes");
    service.signal("TERM");
    let ended = timeout(Duration::from_secs(5), service.child.wait())
        .await
        .expect("in time");
    assert_eq!(ended.expect("ends").code(), Some(0));
}
