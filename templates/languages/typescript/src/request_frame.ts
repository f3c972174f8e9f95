// What happens around every request, in this order: headers, trace and log, a place, a time limit, the handler.
import type { FastifyInstance, FastifyRequest } from "fastify";
import { requestContext } from "./context.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { allowedMs, limitTime, Places } from "./limits.ts";
import { Observer } from "./observer.ts";
import { Problem, sendProblem } from "./problems.ts";
import type { Settings } from "./settings.ts";

export const SECURITY_HEADERS = {
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "strict-transport-security": "max-age=31536000",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
};

/** Health checks are answered even when the service is full: it is busy, not dead. */
function isHealthCheck(request: FastifyRequest): boolean {
  return request.url === "/livez" || request.url === "/readyz";
}

/** Puts the frame around every route that is added afterwards. */
export function frameRequests(service: FastifyInstance, settings: Settings, lifecycle: Lifecycle): void {
  const places = new Places(settings.MAX_CONCURRENCY);
  const observer = new Observer(service.log);

  service.addHook("onRequest", (request, reply, done) => {
    reply.headers({ ...SECURITY_HEADERS, "x-request-id": request.id });
    if (isHealthCheck(request)) {
      done();
      return;
    }
    const milliseconds = allowedMs(request, settings.REQUEST_TIMEOUT_MS);
    const deadline = performance.now() + milliseconds;
    requestContext.run({ requestId: request.id, log: request.log, deadline, degraded: new Set() }, () => {
      observer.observe(request, reply, () => {
        if (places.take(reply)) {
          limitTime(request, reply, milliseconds);
          done();
        } else {
          request.log.warn("load shed");
          sendProblem(reply, new Problem(503, "too many requests at once", {}, { "retry-after": "1" }));
        }
      });
    });
  });

  service.addHook("onSend", (_, reply, payload, done) => {
    const degraded = requestContext.getStore()?.degraded;
    if (degraded?.size) reply.header("x-degraded", [...degraded].join(", "));
    // Who is leaving keeps no connection open.
    if (lifecycle.draining) reply.header("connection", "close");
    done(null, payload);
  });
}
