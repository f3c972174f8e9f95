// How the service calls what may fail. From the outside in:
//
//   time      the smaller of the dependency's own limit and what is left of the request
//   circuit   after failed calls in a row, calls fail at once for a while, then one may try
//   retries   idempotent calls only; exponential, full jitter; at most a tenth of calls
//
// Circuit and retries are cockatiel's, with its defaults (10 attempts and no limit on retries in all) overridden.
import { metrics, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import {
  BrokenCircuitError,
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  DelegateBackoff,
  handleWhen,
  retry,
} from "cockatiel";
import { remainingMs } from "../context.ts";
import { Problem } from "../problems.ts";
import { SERVICE } from "../settings.ts";
import { SECONDS } from "../telemetry.ts";
import { CircuitOpen, DependencyFailure, Rejected, TooSlow, Transient } from "./failures.ts";
import { RetryBudget } from "./retry_budget.ts";

/** What is done about one dependency's failures. Times in milliseconds. */
export interface Policy {
  readonly timeoutMs: number;
  readonly attempts: number;
  readonly fallback: "fail" | "stale" | "default";
  readonly critical: boolean;
}

/** One call: its name in traces, whether it may be made twice, and what it does until its signal ends. */
export interface Call<T> {
  readonly operation: string;
  readonly idempotent: boolean;
  readonly attempt: (signal: AbortSignal) => Promise<T>;
}

type Outcome = "ok" | "failed" | "rejected" | "open" | "timeout";

const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 1_000;
const FAILURES_TO_OPEN = 5;

const fullJitter = new DelegateBackoff<{ attempt: number }>(
  ({ attempt }) => Math.random() * Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1)),
);

/** An answer that we do not like says nothing about the dependency's health, nor does one that nobody waited for. */
function isFailure(error: unknown): boolean {
  if (error instanceof TooSlow) return error.hadFairTime;
  return !(error instanceof Problem) || (error instanceof DependencyFailure && !(error instanceof Rejected));
}

/** Everything above, for one dependency. */
export class Guard {
  readonly name: string;
  readonly policy: Policy;
  readonly #openForMs: number;
  readonly #budget = new RetryBudget();
  readonly #circuit;
  readonly #duration;

  constructor(name: string, policy: Policy, openForMs: number) {
    this.name = name;
    this.policy = policy;
    this.#openForMs = openForMs;
    const breaker = new ConsecutiveBreaker(FAILURES_TO_OPEN);
    this.#circuit = circuitBreaker(handleWhen(isFailure), { halfOpenAfter: openForMs, breaker });
    const meter = metrics.getMeter(SERVICE);
    this.#duration = meter.createHistogram("dependency.call.duration", SECONDS);
    meter.createObservableGauge("dependency.circuit.open").addCallback((gauge) => {
      gauge.observe(this.circuit === "closed" ? 0 : 1, { dependency: name });
    });
  }

  get circuit(): "closed" | "open" | "half-open" {
    const { state } = this.#circuit;
    if (state === CircuitState.Closed) return "closed";
    return state === CircuitState.HalfOpen ? "half-open" : "open";
  }

  /** Makes the call under the policy; a `DependencyFailure` says why there is no answer. */
  async call<T>(call: Call<T>): Promise<T> {
    const began = performance.now();
    const limit = timeLimit(Math.min(this.policy.timeoutMs, remainingMs()));
    const work = async () => {
      try {
        return await untilAborted(limit.signal, this.#attempts(call, limit.signal));
      } catch (error) {
        throw limit.signal.aborted && !(error instanceof Rejected) ? this.#tooSlow(limit.milliseconds) : error;
      }
    };
    let outcome: Outcome = "ok";
    try {
      // While one call tries whether the dependency is back, the others do not wait for it.
      if (this.#circuit.state === CircuitState.HalfOpen) throw new BrokenCircuitError();
      return await this.#circuit.execute(work);
    } catch (error) {
      const reason = error instanceof BrokenCircuitError ? new CircuitOpen(this.name, this.#openForMs) : error;
      outcome = outcomeOf(reason);
      throw reason;
    } finally {
      limit.clear();
      this.#duration.record((performance.now() - began) / 1_000, { dependency: this.name, outcome });
    }
  }

  async #attempts<T>({ operation, idempotent, attempt }: Call<T>, signal: AbortSignal): Promise<T> {
    this.#budget.callMade();
    const once = () => inSpan(`${operation} ${this.name}`, () => attempt(signal));
    if (!idempotent) return once();
    let failures = 0;
    const again = handleWhen((error) => {
      failures += 1;
      return error instanceof Transient && failures < this.policy.attempts && this.#budget.take();
    });
    return retry(again, { maxAttempts: this.policy.attempts, backoff: fullJitter }).execute(once, signal);
  }

  /** A caller may ask for next to no time: that must not open the circuit for all the others. */
  #tooSlow(milliseconds: number): TooSlow {
    return new TooSlow(this.name, milliseconds * 2 >= this.policy.timeoutMs);
  }
}

function outcomeOf(error: unknown): Outcome {
  if (error instanceof CircuitOpen) return "open";
  if (error instanceof TooSlow) return "timeout";
  if (error instanceof Rejected) return "rejected";
  return error instanceof Problem && !(error instanceof DependencyFailure) ? "ok" : "failed";
}

/** A signal that ends after this time, unless it is cleared before. */
function timeLimit(milliseconds: number): { milliseconds: number; signal: AbortSignal; clear: () => void } {
  const controller = new AbortController();
  const timer = setTimeout(
    () => {
      controller.abort(new DOMException("no answer in time", "TimeoutError"));
    },
    Math.max(1, milliseconds),
  );
  return {
    milliseconds,
    signal: controller.signal,
    clear: () => {
      clearTimeout(timer);
    },
  };
}

/** Ends with the signal even when the work does not. */
async function untilAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => {
      reject(signal.reason as DOMException);
    });
  });
  return Promise.race([work, aborted]);
}

/** One attempt is one span, so that a trace shows every one of them. */
function inSpan<T>(name: string, attempt: () => Promise<T>): Promise<T> {
  return trace.getTracer(SERVICE).startActiveSpan(name, { kind: SpanKind.CLIENT }, async (span) => {
    try {
      return await attempt();
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}
