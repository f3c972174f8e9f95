// The base of every client: HTTP with JSON under a `Guard`, and the fallback its policy names.
import { context, propagation } from "@opentelemetry/api";
import { Agent, fetch, type Response } from "undici";
import { remainingMs, requestContext, TIMEOUT_HEADER } from "../../context.ts";
import type { Settings } from "../../settings.ts";
import { Dependency } from "../dependency.ts";
import { DependencyFailure, Rejected, Transient } from "../failures.ts";
import { type Answer, Fallback } from "../fallback.ts";
import type { Policy } from "../guard.ts";

const CONNECT_MS = 1_000;
const LONGEST_ANSWER_BYTES = 1_048_576;
const TRANSIENT: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);

/** One dependency that speaks HTTP. */
export class HttpDependency extends Dependency {
  readonly kind = "http";
  readonly #url: string;
  readonly #standIn: unknown;
  readonly #fallback: Fallback<unknown>;
  readonly #agent = new Agent({ connect: { timeout: CONNECT_MS } });

  constructor(name: string, url: string, policy: Policy, standIn: unknown, settings: Settings) {
    super(name, policy, settings);
    this.#url = url.replace(/\/$/, "");
    this.#standIn = standIn;
    this.#fallback = new Fallback(this.guard);
  }

  /** GET. Retried; falls back as the policy says. */
  async getJson(path: string): Promise<Answer<unknown>> {
    const attempt = (signal: AbortSignal) => this.#send("GET", path, signal);
    const live = () => this.guard.call({ operation: "GET", idempotent: true, attempt });
    return this.#fallback.or(path, live, () => this.#standIn);
  }

  /** POST. Retried only with a key, which the dependency must honour. A write has no fallback. */
  async postJson(path: string, body: unknown, idempotencyKey?: string): Promise<unknown> {
    const headers: Record<string, string> = { "content-type": "application/json" };
    if (idempotencyKey !== undefined) headers["idempotency-key"] = idempotencyKey;
    const attempt = (signal: AbortSignal) => this.#send("POST", path, signal, headers, JSON.stringify(body));
    return this.guard.call({ operation: "POST", idempotent: idempotencyKey !== undefined, attempt });
  }

  /** Any answer below 500 will do. */
  async whyNotReady(signal: AbortSignal): Promise<string | undefined> {
    const response = await fetch(this.#url, { signal, redirect: "manual", dispatcher: this.#agent });
    await response.body?.cancel();
    return response.status >= 500 ? `answers ${response.status}` : undefined;
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #send(
    method: string,
    path: string,
    signal: AbortSignal,
    extra: Record<string, string> = {},
    body: string | null = null,
  ): Promise<unknown> {
    const headers = { ...extra, ...this.#aboutTheRequest() };
    try {
      // Where it points to is no address that we were given: it could be anything that this machine can reach.
      const redirect = "manual" as const;
      const options = { method, headers, body, signal, redirect, dispatcher: this.#agent };
      const response = await fetch(this.#url + path, options);
      const text = await this.#textOf(response);
      if (TRANSIENT.has(response.status)) throw new Transient(this.name, `answered ${response.status}`);
      if (!response.ok) throw new Rejected(this.name, `answered ${response.status}`);
      return parsed(text);
    } catch (error) {
      if (error instanceof DependencyFailure || signal.aborted) throw error;
      throw new Transient(this.name, "cannot be reached");
    }
  }

  /** The body as far as memory allows: counted as it is unpacked, because it may be packed a thousandfold. */
  async #textOf(response: Response): Promise<string> {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    // Leaving the loop ends the transfer.
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength;
      if (bytes > LONGEST_ANSWER_BYTES) throw new DependencyFailure(this.name, "its answer is too long");
      chunks.push(chunk);
    }
    return new TextDecoder().decode(Buffer.concat(chunks));
  }

  /** Which trace and request the call belongs to, and how long its answer is of use. */
  #aboutTheRequest(): Record<string, string> {
    const left = Math.floor(Math.min(this.guard.policy.timeoutMs, remainingMs()));
    const headers: Record<string, string> = { [TIMEOUT_HEADER]: String(left) };
    const request = requestContext.getStore();
    if (request) headers["x-request-id"] = request.requestId;
    propagation.inject(context.active(), headers);
    return headers;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
