// Traces. Without OTEL_EXPORTER_OTLP_ENDPOINT ids exist for the logs and nothing is sent.
import { context, propagation, type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { SERVICE, type Settings } from "./settings.ts";

const EXPORT_TIMEOUT_MS = 2_000;
const FLUSH_MS = 1_000;

/** Starts tracing; `flush` sends what is left, but never holds the process long: a collector may be down. */
export function startTelemetry(settings: Settings): { flush(): Promise<void> } {
  process.env.OTEL_SERVICE_NAME ??= SERVICE;
  const endpoint = settings.OTEL_EXPORTER_OTLP_ENDPOINT?.replace(/\/$/, "");
  const exporter = endpoint && new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, timeoutMillis: EXPORT_TIMEOUT_MS });
  const provider = new NodeTracerProvider(exporter ? { spanProcessors: [new BatchSpanProcessor(exporter)] } : {});
  provider.register();
  const timer = () => new Promise<void>((resolve) => setTimeout(resolve, FLUSH_MS).unref());
  return { flush: () => Promise.race([provider.shutdown().catch(() => undefined), timer()]) };
}

const tracer = () => trace.getTracer(SERVICE);
const spans = new WeakMap<FastifyRequest, Span>();

/** The trace id of a request, for its log lines. */
export function traceIdOf(request: FastifyRequest): string | undefined {
  return spans.get(request)?.spanContext().traceId;
}

/** One span for each request, health checks left out; everything the request does runs inside it. */
export function installTracing(service: FastifyInstance): void {
  service.addHook("onRequest", (request, _, done) => {
    if (request.url === "/livez" || request.url === "/readyz") return done();
    const parent = propagation.extract(context.active(), request.headers);
    const attributes = { "http.request.method": request.method, "url.path": request.url.split("?")[0] ?? "" };
    const span = tracer().startSpan(request.method, { kind: SpanKind.SERVER, attributes }, parent);
    spans.set(request, span);
    context.with(trace.setSpan(parent, span), done);
  });
  service.addHook("onResponse", async (request, reply) => {
    const span = spans.get(request);
    if (!span) return;
    if (request.routeOptions.url) {
      span.updateName(`${request.method} ${request.routeOptions.url}`).setAttribute("http.route", request.routeOptions.url);
    }
    span.setAttribute("http.response.status_code", reply.statusCode);
    if (reply.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  });
}

/** Runs a call to a dependency in a span of its own; `headers` get the trace context. */
export async function inClientSpan<T>(name: string, headers: Record<string, string>, call: () => Promise<T>): Promise<T> {
  return tracer().startActiveSpan(name, { kind: SpanKind.CLIENT }, async (span) => {
    propagation.inject(context.active(), headers);
    try {
      return await call();
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}
