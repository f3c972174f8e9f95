// What belongs to the request at hand, wherever the code is: its id, its deadline.
import { AsyncLocalStorage } from "node:async_hooks";

export interface RequestContext {
  readonly requestId: string;
  /** Milliseconds on the clock of `performance.now()`. */
  readonly deadline: number;
  readonly signal: AbortSignal;
}

export const requestContext = new AsyncLocalStorage<RequestContext>();

/** Milliseconds left of the request at hand; without a request there is no limit. */
export function remainingMs(): number {
  const context = requestContext.getStore();
  return context ? Math.max(0, context.deadline - performance.now()) : Number.POSITIVE_INFINITY;
}
