//! One request is one trace, joined with the log; a collector that is gone costs nothing.

use std::time::{Duration, Instant};

use crate::{neighbour::Neighbour, running::Service};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|part| part == wanted)
}

#[tokio::test]
async fn the_callers_trace_is_taken_over_and_sent_with_the_metrics() {
    let collector = Neighbour::start(|_| "").await;
    let mut service = Service::start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url)]).await;
    let request = service
        .http
        .get(format!("{}/nowhere?secret=hunter2", service.base));
    let answer = request
        .header("traceparent", PARENT)
        .send()
        .await
        .expect("answers");
    let line = service.line(|line| line["message"] == "request").await;
    assert_eq!(line["trace_id"], TRACE);
    assert_eq!(
        line["request_id"],
        answer.headers()["x-request-id"].to_str().expect("text")
    );
    assert_eq!(
        (&line["method"], &line["path"], &line["status"]),
        (&"GET".into(), &"/nowhere".into(), &404.into())
    );
    assert!(
        line["duration_ms"].is_number()
            && line["span_id"].is_string()
            && line["timestamp"].is_string()
    );
    service.signal("TERM");
    service.child.wait().await.expect("ends");
    let calls = collector.calls.lock().expect("lock");
    let sent = |path: &str| -> Vec<u8> {
        calls
            .iter()
            .filter(|call| call.path == path)
            .flat_map(|call| call.body.clone())
            .collect()
    };
    let traces = sent("/v1/traces");
    let id: Vec<u8> = (0..16)
        .map(|i| u8::from_str_radix(&TRACE[2 * i..2 * i + 2], 16).expect("hex"))
        .collect();
    assert!(contains(&traces, &id) && !contains(&traces, b"hunter2"));
    let metrics = sent("/v1/metrics");
    for name in [
        "http.server.request.duration",
        "http.server.active_requests",
    ] {
        assert!(contains(&metrics, name.as_bytes()), "{name}");
    }
}

#[tokio::test]
async fn a_collector_that_is_gone_costs_neither_a_request_nor_the_end() {
    let mut service =
        Service::start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")]).await;
    let began = Instant::now();
    for _ in 0..20 {
        assert_eq!(service.get("/nowhere").await.status(), 404);
    }
    service.signal("TERM");
    assert_eq!(service.child.wait().await.expect("ends").code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(5));
}
