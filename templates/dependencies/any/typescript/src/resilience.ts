// How the service calls what may fail. From the outside in:
//
//   time      the smaller of the dependency's own limit and what is left of the request
//   circuit   after failures in a row, calls fail at once for a while, then one may try
//   retries   idempotent calls only; exponential, full jitter; at most a tenth of calls
//
// The policies are cockatiel's, with its defaults (10 attempts and no limit on retries in all) overridden.
import {
  BrokenCircuitError,
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  DelegateBackoff,
  handleWhen,
  retry,
} from "cockatiel";
import { remainingMs, requestContext } from "./context.ts";

/** What is done about one dependency's failures. Times in milliseconds. */
export interface Policy {
  readonly timeoutMs: number;
  readonly attempts: number;
  readonly fallback: "fail" | "stale" | "default";
  readonly critical: boolean;
}

const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 1_000;
const FAILURES_TO_OPEN = 5;
const OPEN_FOR_MS = 10_000;

/** A call did not succeed. `status` is what our own caller should see when there is no fallback. */
export class DependencyFailure extends Error {
  readonly dependency: string;
  readonly reason: string;
  readonly status: number;

  constructor(dependency: string, reason: string, status = 502) {
    super(`${dependency}: ${reason}`);
    this.dependency = dependency;
    this.reason = reason;
    this.status = status;
  }
}

/** A failure that another attempt may not meet. */
export class Transient extends DependencyFailure {}

/** The dependency answered 4xx: it works, our request was wrong. Never retried, never covered up. */
export class Rejected extends DependencyFailure {}

/**
 * Lets retries be at most a share of calls, so that they cannot become the outage. Each call puts `share` of a token in,
 * each retry takes one out. The small reserve lets rare calls be retried.
 */
export class RetryBudget {
  readonly #share: number;
  readonly #reserve: number;
  #tokens: number;

  constructor(share = 0.1, reserve = 5) {
    this.#share = share;
    this.#reserve = reserve;
    this.#tokens = reserve;
  }

  callMade(): void {
    this.#tokens = Math.min(this.#reserve, this.#tokens + this.#share);
  }

  take(): boolean {
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

/** Everything above, for one dependency. */
export class Guard {
  readonly name: string;
  readonly policy: Policy;
  readonly budget = new RetryBudget();
  // A request of ours that is wrong says nothing about the dependency's health.
  readonly #circuit = circuitBreaker(
    handleWhen((error) => !(error instanceof Rejected)),
    { halfOpenAfter: OPEN_FOR_MS, breaker: new ConsecutiveBreaker(FAILURES_TO_OPEN) },
  );
  readonly #retries;

  constructor(name: string, policy: Policy) {
    this.name = name;
    this.policy = policy;
    const fullJitter = new DelegateBackoff<{ attempt: number }>(({ attempt }) => Math.random() * Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1)));
    this.#retries = retry(
      handleWhen((error) => error instanceof Transient && this.budget.take()),
      { maxAttempts: policy.attempts - 1, backoff: fullJitter },
    );
  }

  get circuit(): "closed" | "open" | "half-open" {
    return this.#circuit.state === CircuitState.Closed ? "closed" : this.#circuit.state === CircuitState.HalfOpen ? "half-open" : "open";
  }

  /** Runs `attempt` under the policy; it must end when its signal does. */
  async call<T>(attempt: (signal: AbortSignal) => Promise<T>, idempotent: boolean): Promise<T> {
    const limit = AbortSignal.timeout(Math.max(1, Math.ceil(Math.min(this.policy.timeoutMs, remainingMs()))));
    const request = requestContext.getStore()?.signal;
    const signal = request ? AbortSignal.any([limit, request]) : limit;
    try {
      return await this.#circuit.execute(async () => {
        this.budget.callMade();
        if (!idempotent) return await attempt(signal);
        return await this.#retries.execute(() => attempt(signal), signal);
      });
    } catch (error) {
      if (error instanceof BrokenCircuitError) {
        throw new DependencyFailure(this.name, "its circuit is open after repeated failures", 503);
      }
      if (signal.aborted) throw new DependencyFailure(this.name, "no answer in time", 504);
      throw error;
    }
  }
}
