//! The alerts of a generated project, played through by Prometheus's own `promtool`: who is told of what, when, and when nobody is.

mod support;

use std::{fs, process::Command};

use support::{Place, have};

/// Minutes of a healthy service, then what goes wrong. Each test says which alerts fire when.
const STORIES: &str = r#"
rule_files: [alerts.yaml]
evaluation_interval: 1m
tests:
  - name: a tenth of the requests fails after two good hours, for an hour
    interval: 1m
    input_series:
      - series: 'http_server_request_duration_seconds_count{job="orders",http_response_status_code="200"}'
        values: 0+60x300
      - series: 'http_server_request_duration_seconds_count{job="orders",http_response_status_code="500"}'
        values: 0x120 0+6x60 360x120
    promql_expr_test:
      - {expr: &firing 'count by (alertname, severity) (ALERTS{alertstate="firing",alertname=~"(Availability|Latency).*"})', eval_time: 121m, exp_samples: []}
      - {expr: *firing, eval_time: 124m, exp_samples: [{labels: '{alertname="AvailabilityBurnsSlowly",severity="ticket"}', value: 1}]}
      - {expr: *firing, eval_time: 135m, exp_samples: [{labels: '{alertname="AvailabilityBurnsFast",severity="page"}', value: 1}, {labels: '{alertname="AvailabilityBurns",severity="page"}', value: 1}, {labels: '{alertname="AvailabilityBurnsSlowly",severity="ticket"}', value: 1}]}
      # The short window is good again long before the long one is.
      - {expr: 'count(ALERTS{alertstate="firing",severity="page",alertname="AvailabilityBurnsFast"})', eval_time: 187m, exp_samples: []}

  - name: every request fails, but hardly any come
    interval: 1m
    input_series:
      - series: 'http_server_request_duration_seconds_count{job="orders",http_response_status_code="500"}'
        values: 0 0 1 1 1 1 2 2 2 2 3 3 3 3 4 4 4 4 5 5
    promql_expr_test:
      - {expr: 'count(ALERTS{alertstate="firing",severity="page",alertname=~"Availability.*"})', eval_time: 19m, exp_samples: []}

  - name: callers make mistakes
    interval: 1m
    input_series:
      - series: 'http_server_request_duration_seconds_count{job="orders",http_response_status_code="422"}'
        values: 0+60x120
    promql_expr_test:
      - {expr: 'count(ALERTS{alertstate="firing",alertname=~"Availability.*"})', eval_time: 2h, exp_samples: []}

  - name: another service fails
    interval: 1m
    input_series:
      - series: 'http_server_request_duration_seconds_count{job="bills",http_response_status_code="500"}'
        values: 0+60x120
    promql_expr_test:
      - {expr: 'count(ALERTS{alertstate="firing",alertname=~"Availability.*"})', eval_time: 2h, exp_samples: []}

  - name: half of the requests take longer than promised
    interval: 1m
    input_series:
      - {series: 'http_server_request_duration_seconds_bucket{job="orders",le="0.3"}', values: 0+60x60 3600+30x60}
      - {series: 'http_server_request_duration_seconds_bucket{job="orders",le="0.5"}', values: 0+60x121}
      - {series: 'http_server_request_duration_seconds_bucket{job="orders",le="+Inf"}', values: 0+60x121}
      - {series: 'http_server_request_duration_seconds_count{job="orders",http_response_status_code="200"}', values: 0+60x121}
    promql_expr_test:
      - {expr: 'count(ALERTS{alertstate="firing",alertname=~"Latency.*"})', eval_time: 60m, exp_samples: []}
      - {expr: 'count by (severity) (ALERTS{alertstate="firing",alertname="LatencyBurnsFast"})', eval_time: 100m, exp_samples: [{labels: '{severity="page"}', value: 1}]}

  - name: every request takes a little less than promised
    interval: 1m
    input_series:
      - {series: 'http_server_request_duration_seconds_bucket{job="orders",le="0.25"}', values: 0x400}
      - {series: 'http_server_request_duration_seconds_bucket{job="orders",le="0.3"}', values: 0+200x400}
      - {series: 'http_server_request_duration_seconds_bucket{job="orders",le="0.5"}', values: 0+200x400}
      - {series: 'http_server_request_duration_seconds_bucket{job="orders",le="+Inf"}', values: 0+200x400}
      - {series: 'http_server_request_duration_seconds_count{job="orders",http_response_status_code="200"}', values: 0+200x400}
    promql_expr_test:
      - {expr: 'count(ALERTS{alertstate="firing",alertname=~"Latency.*"})', eval_time: 400m, exp_samples: []}

  - name: one in two hundred requests takes longer than promised
    interval: 1m
    input_series:
      - {series: 'http_server_request_duration_seconds_bucket{job="orders",le="0.3"}', values: 0+199x400}
      - {series: 'http_server_request_duration_seconds_bucket{job="orders",le="0.5"}', values: 0+200x400}
      - {series: 'http_server_request_duration_seconds_bucket{job="orders",le="+Inf"}', values: 0+200x400}
      - {series: 'http_server_request_duration_seconds_count{job="orders",http_response_status_code="200"}', values: 0+200x400}
    promql_expr_test:
      - {expr: 'count(ALERTS{alertstate="firing",alertname=~"Latency.*"})', eval_time: 400m, exp_samples: []}

  - name: a circuit opened and since then nobody has asked anything
    interval: 1m
    input_series:
      - {series: 'dependency_circuit_open{job="orders",dependency="stripe"}', values: 0x9 1x60}
      - {series: 'dependency_call_duration_seconds_count{job="orders",dependency="stripe",outcome="failed"}', values: 0x8 5x60}
      - {series: 'dependency_call_duration_seconds_count{job="orders",dependency="stripe",outcome="ok"}', values: 0+6x70}
      - {series: 'http_server_active_requests{job="orders",instance="a"}', values: 0x70}
    promql_expr_test:
      - {expr: 'count(ALERTS{alertstate="firing"})', eval_time: 15m, exp_samples: []}
      - {expr: 'count(ALERTS{alertstate="firing"})', eval_time: 60m, exp_samples: []}

  - name: dependencies fail, one instance is full, then all is silent
    interval: 1m
    input_series:
      - {series: 'dependency_circuit_open{job="orders",dependency="stripe"}', values: 0x9 1x20}
      - {series: 'dependency_call_duration_seconds_count{job="orders",dependency="stripe",outcome="open"}', values: 0x9 1+2x20}
      - {series: 'dependency_circuit_open{job="orders",dependency="tax-rates"}', values: 0x9 1x3 0x20}
      - {series: 'http_server_active_requests{job="orders",instance="a"}', values: 5x60 _x60}
      - {series: 'http_server_active_requests{job="orders",instance="b"}', values: 79x40 5x20 _x60}
    promql_expr_test:
      - {expr: &told 'count by (alertname, dependency) (ALERTS{alertstate="firing"})', eval_time: 9m, exp_samples: []}
      - {expr: *told, eval_time: 16m, exp_samples: [{labels: '{alertname="CircuitOpen",dependency="stripe"}', value: 1}, {labels: '{alertname="LoadNearLimit"}', value: 1}]}
      - {expr: *told, eval_time: 50m, exp_samples: []}
      - {expr: *told, eval_time: 90m, exp_samples: [{labels: '{alertname="TelemetryMissing"}', value: 1}]}
"#;

#[test]
fn alerts_tell_whom_they_should_and_nobody_else() {
    let found = Command::new("promtool").arg("--version").output().is_ok_and(|out| out.status.success());
    if !have("promtool", found) {
        return;
    }
    let place = Place::new();
    let new = ["new", "orders", "--language", "python", "--owner", "me"];
    let http = ["--http", "stripe=https://api.stripe.com", "--http", "tax-rates=https://rates.shop.test"];
    place.pave(&[&new[..], &http].concat()).expect(0);
    let ops = place.path().join("orders/ops");
    fs::write(ops.join("stories.yaml"), STORIES).expect("writes");
    for arguments in [["check", "rules", "alerts.yaml"], ["test", "rules", "stories.yaml"]] {
        let out = Command::new("promtool").args(arguments).current_dir(&ops).output().expect("runs");
        let said = [out.stdout, out.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
        assert!(out.status.success(), "{said}");
    }
}
