"""Traces and metrics. Without OTEL_EXPORTER_OTLP_ENDPOINT ids exist for the logs and nothing is sent."""

import threading
from uuid import uuid4

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from app.sampling import sampler
from app.settings import SERVICE, Settings

EXPORT_TIMEOUT_SECONDS = 2
METRICS_EVERY_MS = 15_000
# Seconds; the spread that OpenTelemetry's conventions ask for.
BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]


class Telemetry:
    """The two providers; given to whoever makes spans or metrics, so that nothing is global."""

    def __init__(self, settings: Settings) -> None:
        resource = Resource.create(
            {
                "service.name": SERVICE,
                "service.version": settings.release,
                "service.instance.id": str(uuid4()),
            }
        )
        readers: list[MetricReader] = []
        self.traces = TracerProvider(sampler(settings.traces_per_second), resource, shutdown_on_exit=False)
        if settings.otel_exporter_otlp_endpoint is not None:
            # Imported here because loading them costs a start-up that does not export.
            from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            base = str(settings.otel_exporter_otlp_endpoint).rstrip("/")
            spans = OTLPSpanExporter(endpoint=f"{base}/v1/traces", timeout=EXPORT_TIMEOUT_SECONDS)
            self.traces.add_span_processor(BatchSpanProcessor(spans))
            metrics = OTLPMetricExporter(endpoint=f"{base}/v1/metrics", timeout=EXPORT_TIMEOUT_SECONDS)
            readers.append(PeriodicExportingMetricReader(metrics, export_interval_millis=METRICS_EVERY_MS))
        self.metrics = MeterProvider(readers, resource=resource, shutdown_on_exit=False)

    def flush(self, seconds: float) -> None:
        """Sends what is left, but never holds the process longer than this: a collector may be down."""

        def shut_down() -> None:
            self.traces.shutdown()
            self.metrics.shutdown()

        worker = threading.Thread(target=shut_down, daemon=True)
        worker.start()
        worker.join(seconds)
