// The base of every client: HTTP with JSON under a `Guard`, and the fallback its policy names.
import { remainingMs, requestContext } from "../context.ts";
import type { Checked } from "../health.ts";
import { DependencyFailure, Guard, type Policy, Rejected, Transient } from "../resilience.ts";
import { inClientSpan } from "../telemetry.ts";

const MOST_STALE_ANSWERS = 256;
const STALE_FOR_MS = 3_600_000;
const TRANSIENT = new Set([429, 500, 502, 503, 504]);

/** What a dependency said, or what stands in for it. */
export interface Answer {
  readonly value: unknown;
  readonly source: "live" | "stale" | "default";
  readonly reason?: string;
}

/** One dependency that speaks HTTP. */
export class HttpDependency implements Checked {
  readonly name: string;
  readonly critical: boolean;
  readonly guard: Guard;
  readonly #url: string;
  readonly #standIn: unknown;
  readonly #lastGood = new Map<string, { at: number; value: unknown }>();

  constructor(name: string, url: string, policy: Policy, standIn: unknown) {
    this.name = name;
    this.critical = policy.critical;
    this.guard = new Guard(name, policy);
    this.#url = url.replace(/\/$/, "");
    this.#standIn = standIn;
  }

  /** GET. Retried; falls back as the policy says. */
  async getJson(path: string): Promise<Answer> {
    let value: unknown;
    try {
      value = await this.guard.call((signal) => this.#send("GET", path, signal), true);
    } catch (error) {
      if (error instanceof DependencyFailure && !(error instanceof Rejected)) return this.#fallBack(path, error);
      throw error;
    }
    this.#lastGood.delete(path);
    this.#lastGood.set(path, { at: performance.now(), value });
    const oldest = this.#lastGood.keys().next().value;
    if (this.#lastGood.size > MOST_STALE_ANSWERS && oldest !== undefined) this.#lastGood.delete(oldest);
    return { value, source: "live" };
  }

  /** POST. Retried only with a key, which the dependency must honour. A write has no fallback. */
  async postJson(path: string, body: unknown, idempotencyKey?: string): Promise<unknown> {
    const headers: Record<string, string> = { "content-type": "application/json" };
    if (idempotencyKey) headers["idempotency-key"] = idempotencyKey;
    const text = JSON.stringify(body);
    return this.guard.call((signal) => this.#send("POST", path, signal, headers, text), idempotencyKey !== undefined);
  }

  /** Asks the dependency itself, past circuit and retries: any answer below 500 will do. */
  async whyNotReady(signal: AbortSignal): Promise<string | undefined> {
    const response = await fetch(this.#url, { signal });
    await response.body?.cancel();
    return response.status >= 500 ? `answers ${response.status}` : undefined;
  }

  async #send(method: string, path: string, signal: AbortSignal, extra: Record<string, string> = {}, body?: string): Promise<unknown> {
    const left = Math.floor(Math.min(this.guard.policy.timeoutMs, remainingMs()));
    const headers: Record<string, string> = { ...extra, "x-request-timeout-ms": String(left) };
    const context = requestContext.getStore();
    if (context) headers["x-request-id"] = context.requestId;
    return inClientSpan(`${method} ${this.name}`, headers, async () => {
      try {
        const response = await fetch(this.#url + path, { method, headers, signal, ...(body === undefined ? {} : { body }) });
        const text = await response.text();
        if (TRANSIENT.has(response.status)) throw new Transient(this.name, `answered ${response.status}`);
        if (!response.ok) throw new Rejected(this.name, `answered ${response.status}`);
        return parsed(text);
      } catch (error) {
        if (error instanceof DependencyFailure || signal.aborted) throw error;
        throw new Transient(this.name, error instanceof Error ? error.name : "failed");
      }
    });
  }

  #fallBack(path: string, failure: DependencyFailure): Answer {
    const { fallback } = this.guard.policy;
    if (fallback === "default") return { value: this.#standIn, source: "default", reason: failure.reason };
    const kept = this.#lastGood.get(path);
    if (fallback === "stale" && kept && performance.now() - kept.at <= STALE_FOR_MS) {
      return { value: kept.value, source: "stale", reason: failure.reason };
    }
    throw failure;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
