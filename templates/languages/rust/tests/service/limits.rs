//! Time, size and number of requests.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::running::{Service, problem};

/// Sends this and reads until the service closes or has answered a head.
async fn raw(service: &Service, text: &str) -> (String, TcpStream) {
    let mut stream = TcpStream::connect(service.address())
        .await
        .expect("connects");
    stream.write_all(text.as_bytes()).await.expect("writes");
    let mut said = Vec::new();
    let mut part = [0; 4096];
    while !said.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => break,
            Ok(read) => said.extend(&part[..read]),
        }
    }
    (String::from_utf8_lossy(&said).into_owned(), stream)
}

/// Longest wait for what will surely come.
const PATIENCE: Duration = Duration::from_secs(30);

const SLOW_BODY: &str = "POST /v1/notes HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n{";

#[tokio::test]
async fn a_head_that_does_not_end_is_cut_off() {
    let service = Service::start(&[("HEADER_TIMEOUT_MS", "300")]).await;
    let began = Instant::now();
    let (said, _) = raw(&service, "GET / HTTP/1.1\r\nhost:").await;
    assert!(!said.starts_with("HTTP/1.1 2"), "{said}");
    assert!((Duration::from_millis(250)..Duration::from_secs(5)).contains(&began.elapsed()));
}

#[tokio::test]
async fn a_connection_outlives_the_limit_for_heads_between_two_requests() {
    let service = Service::start(&[("HEADER_TIMEOUT_MS", "200")]).await;
    let head = "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n";
    let (_, mut stream) = raw(&service, head).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    stream.write_all(head.as_bytes()).await.expect("is open");
    let mut part = [0; 4096];
    let read = stream.read(&mut part).await.expect("is open");
    assert!(String::from_utf8_lossy(&part[..read]).contains("200 OK"));
}

#[tokio::test]
async fn a_body_that_does_not_end_is_408() {
    let service = Service::start(&[("REQUEST_TIMEOUT_MS", "300")]).await;
    let began = Instant::now();
    let (said, _) = raw(&service, SLOW_BODY).await;
    assert!(said.starts_with("HTTP/1.1 408"), "{said}");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_caller_may_have_less_time() {
    let service = Service::start(&[]).await;
    let hurried = SLOW_BODY.replace("host: x", "host: x\r\nx-request-timeout-ms: 200");
    let began = Instant::now();
    let (said, _) = raw(&service, &hurried).await;
    assert!(said.starts_with("HTTP/1.1 408"), "{said}");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_body_that_is_too_large_is_413() {
    let service = Service::start(&[("MAX_BODY_BYTES", "1000")]).await;
    let send = |bytes| {
        service
            .post("/v1/notes")
            .header("content-type", "application/json")
            .body(vec![b' '; bytes])
    };
    problem(send(1001).send().await.expect("answers"), 413).await;
    problem(send(1000).send().await.expect("answers"), 400).await;
}

#[tokio::test]
async fn what_is_too_much_is_refused_and_health_is_not() {
    let service =
        Service::start(&[("MAX_CONCURRENCY", "1"), ("REQUEST_TIMEOUT_MS", "20000")]).await;
    let holding = async {
        loop {
            let mut slow = TcpStream::connect(service.address())
                .await
                .expect("connects");
            slow.write_all(SLOW_BODY.as_bytes()).await.expect("writes");
            // Either of the two may have the one place.
            let answer = service.get("/nowhere").await;
            if answer.status() == 503 {
                break (slow, answer);
            }
        }
    };
    let (first, refused) = timeout(PATIENCE, holding).await.expect("a refusal");
    assert_eq!(refused.headers()["retry-after"], "1");
    let said = problem(refused, 503).await;
    let line = service
        .line(|line| line["status"] == 503 && line["request_id"] == said["request_id"])
        .await;
    assert_eq!(line["level"], "error");
    assert_eq!(service.get("/livez").await.status(), 200);
    drop(first);
    // The place is free again once the service has noticed.
    let free = async { while service.get("/nowhere").await.status() != 404 {} };
    timeout(PATIENCE, free).await.expect("a free place");
}
