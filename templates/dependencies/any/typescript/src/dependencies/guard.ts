// How the service calls what may fail. From the outside in:
//
//   time      the smaller of the dependency's own limit and what is left of the request
//   circuit   after failed calls in a row, calls fail at once for a while, then one may try
//   retries   idempotent calls only; exponential, full jitter; at most a tenth of calls
//
// Retries are cockatiel's, with its defaults (10 attempts and no limit on retries in all) overridden.
import { metrics, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { DelegateBackoff, handleWhen, retry } from "cockatiel";
import { remainingMs, requestContext } from "../context.ts";
import { Problem } from "../problems.ts";
import { SERVICE } from "../settings.ts";
import type { Circuit, Verdict } from "./circuit.ts";
import { CircuitOpen, DependencyFailure, Rejected, TooSlow, Transient } from "./failures.ts";
import { RetryBudget } from "./retry_budget.ts";

/** How times of calls are measured, with the spread that OpenTelemetry's conventions ask for. */
export const SECONDS = {
  unit: "s",
  advice: { explicitBucketBoundaries: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] },
};

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

const fullJitter = new DelegateBackoff<{ attempt: number }>(
  ({ attempt }) => Math.random() * Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1)),
);

/** An answer that we do not like is one all the same; a call that nobody waited for says nothing. */
function verdictOf(error: unknown): Verdict {
  if (error instanceof TooSlow && !error.hadFairTime) return "unknown";
  const answered = error instanceof Rejected || (error instanceof Problem && !(error instanceof DependencyFailure));
  return answered ? "worked" : "failed";
}

/** Everything above, for one dependency. */
export class Guard {
  readonly name: string;
  readonly policy: Policy;
  readonly circuit: Circuit;
  readonly #budget = new RetryBudget();
  readonly #duration;

  constructor(name: string, policy: Policy, circuit: Circuit) {
    this.name = name;
    this.policy = policy;
    this.circuit = circuit;
    const meter = metrics.getMeter(SERVICE);
    this.#duration = meter.createHistogram("dependency.call.duration", SECONDS);
    meter.createObservableGauge("dependency.circuit.open").addCallback((gauge) => {
      gauge.observe(circuit.state === "closed" ? 0 : 1, { dependency: name });
    });
  }

  /** Makes the call under the policy; a `DependencyFailure` says why there is no answer. */
  async call<T>(call: Call<T>): Promise<T> {
    const began = performance.now();
    let outcome: Outcome = "ok";
    try {
      return await this.#throughCircuit(call);
    } catch (error) {
      outcome = outcomeOf(error);
      if (error instanceof DependencyFailure) {
        const what = { dependency: this.name, outcome, reason: error.reason };
        requestContext.getStore()?.log.warn(what, "dependency call failed");
      }
      throw error;
    } finally {
      this.#duration.record((performance.now() - began) / 1_000, { dependency: this.name, outcome });
    }
  }

  async #throughCircuit<T>(call: Call<T>): Promise<T> {
    const leave = this.circuit.enter();
    if (!leave) throw new CircuitOpen(this.name, this.circuit.restMs);
    let verdict: Verdict = "worked";
    try {
      return await this.#inTime(call);
    } catch (error) {
      verdict = verdictOf(error);
      throw error;
    } finally {
      leave(verdict);
    }
  }

  async #inTime<T>(call: Call<T>): Promise<T> {
    const limit = timeLimit(Math.min(this.policy.timeoutMs, remainingMs()));
    try {
      return await untilAborted(limit.signal, this.#attempts(call, limit.signal));
    } catch (error) {
      throw limit.signal.aborted && !(error instanceof Rejected) ? this.#tooSlow(limit.milliseconds) : error;
    } finally {
      limit.clear();
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
