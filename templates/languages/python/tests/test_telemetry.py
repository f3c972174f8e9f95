"""What a collector receives, and what it costs when there is none."""

import signal
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from app.telemetry import BUCKETS
from process import process
from serving import FreshSettings

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


class Collector:
    """Takes OTLP over HTTP with protobuf."""

    def __init__(self) -> None:
        self.traces = ExportTraceServiceRequest()
        self.metrics = ExportMetricsServiceRequest()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                {"/v1/traces": collector.traces, "/v1/metrics": collector.metrics}[self.path].MergeFromString(body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Stays quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def measured(self) -> dict[str, Metric]:
        """Metrics by their names."""
        return {
            metric.name: metric
            for resource in self.metrics.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector that listens."""
    collector = Collector()
    yield collector
    collector.server.shutdown()
    collector.server.server_close()


def test_a_request_is_one_trace_and_counted_and_health_is_neither(
    collector: Collector, fresh_settings: FreshSettings
) -> None:
    settings = fresh_settings() | {"otel_exporter_otlp_endpoint": collector.url, "drain_delay_ms": 0}
    with process(settings) as (child, url):
        httpx2.get(f"{url}/livez")
        httpx2.get(f"{url}/readyz")
        httpx2.get(f"{url}/v1/notes", headers={"traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01"})
        child.send_signal(signal.SIGTERM)
        assert child.wait(10) == 0
    spans = [
        span for resource in collector.traces.resource_spans for scope in resource.scope_spans for span in scope.spans
    ]
    assert {span.trace_id.hex() for span in spans} == {TRACE_ID}
    assert [span.name for span in spans if span.kind == span.SPAN_KIND_SERVER] == ["GET /v1/notes"]
    durations = collector.measured()["http.server.request.duration"]
    assert durations.unit == "s"
    (point,) = durations.histogram.data_points
    assert point.count == 1
    assert list(point.explicit_bounds) == BUCKETS


def test_that_nobody_is_inside_is_told_before_the_first_request(
    collector: Collector, fresh_settings: FreshSettings
) -> None:
    settings = fresh_settings() | {"otel_exporter_otlp_endpoint": collector.url, "drain_delay_ms": 0}
    with process(settings) as (child, _):
        child.send_signal(signal.SIGTERM)
        assert child.wait(10) == 0
    assert [point.as_int for point in collector.measured()["http.server.active_requests"].sum.data_points] == [0]


def test_a_collector_that_is_gone_costs_neither_requests_nor_the_exit(fresh_settings: FreshSettings) -> None:
    settings = fresh_settings() | {"otel_exporter_otlp_endpoint": "http://127.0.0.1:9", "drain_delay_ms": 0}
    with process(settings) as (child, url):
        began = time.monotonic()
        with httpx2.Client(base_url=url) as client:
            for _ in range(20):
                assert client.get("/v1/notes").status_code == 200
        assert time.monotonic() - began < 10  # an export alone may take 2 s
        child.send_signal(signal.SIGTERM)
        assert child.wait(10) == 0
