// JSON lines on standard output, each with the ids of the request it belongs to.
import { trace } from "@opentelemetry/api";
import type { FastifyLoggerOptions } from "fastify";
import { requestContext } from "./context.ts";
import { SERVICE, type Settings } from "./settings.ts";

/** Which request and trace a line belongs to. */
function ids(): Record<string, string> {
  const request = requestContext.getStore();
  const span = trace.getActiveSpan()?.spanContext();
  return {
    ...(request && { request_id: request.requestId }),
    ...(span && { trace_id: span.traceId, span_id: span.spanId }),
  };
}

/** An error without what an address in its message may hold. */
function errorFields(error: Error): { type: string; message: string; stack: string } {
  const clean = (text: string) => text.replace(/:\/\/[^@/\s]*@/g, "://[redacted]@");
  return { type: error.name, message: clean(error.message), stack: clean(error.stack ?? "") };
}

/** For Fastify's logger, which is pino. */
export function logOptions(settings: Settings): FastifyLoggerOptions & { mixin: () => object } {
  return {
    level: settings.LOG_LEVEL,
    base: { service: SERVICE, release: settings.PAVE_RELEASE },
    messageKey: "message",
    timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
    formatters: { level: (level: string) => ({ level }) },
    serializers: { err: errorFields },
    mixin: ids,
  } as FastifyLoggerOptions & { mixin: () => object };
}

/** A line for when there is no service yet. */
export function logError(message: string): void {
  const release = process.env["PAVE_RELEASE"] ?? "local";
  const line = { level: "error", timestamp: new Date().toISOString(), service: SERVICE, release, message };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
