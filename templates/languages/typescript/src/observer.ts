// A span, the golden signals and one log line for every request.
import { context, metrics, propagation, type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from "fastify";
import { SERVICE } from "./settings.ts";
import { SECONDS } from "./telemetry.ts";

/** Sees requests from their head to the last byte of their answer. */
export class Observer {
  readonly #log: FastifyBaseLogger;
  readonly #tracer = trace.getTracer(SERVICE);
  readonly #active = metrics
    .getMeter(SERVICE)
    .createUpDownCounter("http.server.active_requests", { unit: "{request}" });
  readonly #duration = metrics.getMeter(SERVICE).createHistogram("http.server.request.duration", SECONDS);

  constructor(log: FastifyBaseLogger) {
    this.#log = log;
  }

  /** Runs the request inside a span, as part of its caller's trace if it came with one. */
  observe(request: FastifyRequest, reply: FastifyReply, run: () => void): void {
    const began = performance.now();
    const method = { "http.request.method": request.method };
    const path = request.url.split("?")[0] ?? "";
    const caller = propagation.extract(context.active(), request.headers);
    const attributes = { ...method, "url.path": path };
    const span = this.#tracer.startSpan(request.method, { kind: SpanKind.SERVER, attributes }, caller);
    this.#active.add(1, method);
    context.with(trace.setSpan(caller, span), () => {
      const inside = context.bind(context.active(), () => {
        const milliseconds = performance.now() - began;
        // Without an end of its answer the caller hung up: 499 is what proxies log for that.
        const status = reply.raw.writableFinished ? reply.statusCode : 499;
        const line = { method: request.method, path, status, duration_ms: Math.round(milliseconds * 10) / 10 };
        this.#log.info(line, "request");
        this.#active.add(-1, method);
        const route = request.routeOptions.url;
        this.#duration.record(milliseconds / 1_000, {
          ...method,
          "http.response.status_code": status,
          ...(route ? { "http.route": route } : {}),
        });
        endSpan(span, request, status);
      });
      reply.raw.once("close", inside);
      run();
    });
  }
}

function endSpan(span: Span, request: FastifyRequest, status: number): void {
  const route = request.routeOptions.url;
  if (route) span.updateName(`${request.method} ${route}`).setAttribute("http.route", route);
  span.setAttribute("http.response.status_code", status);
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}
