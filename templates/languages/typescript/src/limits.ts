// Load shedding: above a number of requests at a time the service says so at once, while it still can.
import type { FastifyInstance } from "fastify";
import { Problem, sendProblem } from "./problems.ts";

/** Refuses requests above `limit` at a time; health checks always pass. */
export function installLoadShedding(service: FastifyInstance, limit: number): void {
  let running = 0;
  service.addHook("onRequest", (request, reply, done) => {
    if (request.url === "/livez" || request.url === "/readyz") return done();
    if (running >= limit) {
      request.log.warn("load shed");
      sendProblem(reply, new Problem(503, "too many requests at the same time", {}, { "retry-after": "1" }));
      return;
    }
    running += 1;
    // The socket's close is the one event that every request ends with.
    reply.raw.once("close", () => (running -= 1));
    done();
  });
}
