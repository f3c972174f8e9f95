// Bounds on every request: how many at once, how long.
import type { FastifyReply, FastifyRequest } from "fastify";
import { TIMEOUT_HEADER } from "./context.ts";
import { Problem, sendProblem } from "./problems.ts";

/** Places for requests. Over their number the service says so at once, so that those inside stay fast. */
export class Places {
  readonly #most: number;
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Takes a place until the answer is over; false when there is none. */
  take(reply: FastifyReply): boolean {
    if (this.#taken >= this.#most) return false;
    this.#taken += 1;
    // The one event that every request ends with, however it ends.
    reply.raw.once("close", () => {
      this.#taken -= 1;
    });
    return true;
  }
}

/** Milliseconds this request may take: ours, or less when its caller waits less long. */
export function allowedMs(request: FastifyRequest, most: number): number {
  const asked = request.headers[TIMEOUT_HEADER];
  const valid = typeof asked === "string" && /^[0-9]{1,6}$/.test(asked);
  return valid ? Math.min(most, Math.max(1, Number(asked))) : most;
}

/** Ends a request that takes too long: 408 while its body is still arriving, 504 after that. */
export function limitTime(request: FastifyRequest, reply: FastifyReply, milliseconds: number): void {
  const timer = setTimeout(() => {
    if (reply.sent) return;
    const problem = request.raw.complete
      ? new Problem(504, "the request took too long")
      : new Problem(408, "the body did not arrive in time", {}, { connection: "close" });
    sendProblem(reply, problem);
  }, milliseconds);
  reply.raw.once("close", () => {
    clearTimeout(timer);
  });
}
