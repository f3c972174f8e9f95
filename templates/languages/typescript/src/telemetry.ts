// Traces and metrics. Without OTEL_EXPORTER_OTLP_ENDPOINT ids exist for the logs and nothing is sent.
import { randomUUID } from "node:crypto";
import { context, metrics, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { atMost } from "./lifecycle.ts";
import { sampler } from "./sampling.ts";
import { SERVICE, type Settings } from "./settings.ts";

const EXPORT_TIMEOUT_MS = 2_000;
const METRICS_EVERY_MS = 15_000;
const FLUSH_MS = 1_000;

/** Sends what is left, but never holds the process long: a collector may be down. */
export type Flush = () => Promise<void>;

/** Starts both; to be called before anything makes a span or a metric. */
export function startTelemetry(settings: Settings): Flush {
  const resource = resourceFromAttributes({
    "service.name": SERVICE,
    "service.version": settings.PAVE_RELEASE,
    "service.instance.id": randomUUID(),
  });
  const endpoint = settings.OTEL_EXPORTER_OTLP_ENDPOINT?.replace(/\/$/, "");
  const traces = new TracerProvider({
    resource,
    sampler: sampler(settings.TRACES_PER_SECOND),
    spanProcessors: endpoint ? [spansTo(endpoint)] : [],
  });
  const meters = new MeterProvider({ resource, readers: endpoint ? [metricsTo(endpoint)] : [] });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(traces);
  metrics.setGlobalMeterProvider(meters);
  return () => atMost(FLUSH_MS, Promise.allSettled([traces.shutdown(), meters.shutdown()]));
}

function spansTo(endpoint: string): BatchSpanProcessor {
  const exporter = new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, timeoutMillis: EXPORT_TIMEOUT_MS });
  return new BatchSpanProcessor({ exporter, scheduledDelayMillis: 1_000, exportTimeoutMillis: EXPORT_TIMEOUT_MS });
}

function metricsTo(endpoint: string): PeriodicExportingMetricReader {
  const exporter = new OTLPMetricExporter({ url: `${endpoint}/v1/metrics`, timeoutMillis: EXPORT_TIMEOUT_MS });
  const times = { exportIntervalMillis: METRICS_EVERY_MS, exportTimeoutMillis: EXPORT_TIMEOUT_MS };
  return new PeriodicExportingMetricReader({ exporter, ...times });
}
