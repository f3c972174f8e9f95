// What belongs to the request at hand, wherever the code is: its id, its deadline, what it had to do without.
import { AsyncLocalStorage } from "node:async_hooks";
import type { FastifyBaseLogger } from "fastify";

/** Tells a callee in milliseconds how long its answer is of use to anyone. */
export const TIMEOUT_HEADER = "x-request-timeout-ms";

export interface RequestContext {
  readonly requestId: string;
  readonly log: Pick<FastifyBaseLogger, "warn">;
  /** Milliseconds on the clock of `performance.now()`. */
  readonly deadline: number;
  /** Names of the dependencies that something else stood in for. */
  readonly degraded: Set<string>;
}

export const requestContext = new AsyncLocalStorage<RequestContext>();

/** Milliseconds left of the request at hand; without a request there is no limit. */
export function remainingMs(): number {
  const context = requestContext.getStore();
  return context ? Math.max(0, context.deadline - performance.now()) : Number.POSITIVE_INFINITY;
}

/** The answer to the request at hand was made without this dependency: the caller is told in `x-degraded`. */
export function markDegraded(dependency: string): void {
  requestContext.getStore()?.degraded.add(dependency);
}
