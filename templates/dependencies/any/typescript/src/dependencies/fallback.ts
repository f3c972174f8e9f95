// What a caller gets when a dependency is down, as its policy says: an error, the last good answer, or a stand-in.
import { markDegraded } from "../context.ts";
import { DependencyFailure, Rejected } from "./failures.ts";
import type { Guard } from "./guard.ts";

const MOST_ANSWERS = 256;
const STALE_FOR_MS = 3_600_000;

/** What a dependency said, or what stands in for it. */
export interface Answer<T> {
  readonly value: T;
  readonly source: "live" | "stale" | "default";
  readonly reason?: string;
}

/** The fallback of one dependency. */
export class Fallback<T> {
  readonly #guard: Guard;
  readonly #lastGood = new Map<string, { at: number; value: T }>();

  constructor(guard: Guard) {
    this.#guard = guard;
  }

  /** The live answer to a question, or what the policy puts in its place; that is marked degraded. */
  async or(question: string, live: () => Promise<T>, standIn: () => T): Promise<Answer<T>> {
    try {
      const value = await live();
      this.#keep(question, value);
      return { value, source: "live" };
    } catch (error) {
      if (!(error instanceof DependencyFailure) || error instanceof Rejected) throw error;
      const answer = this.#instead(question, error, standIn);
      markDegraded(this.#guard.name);
      return answer;
    }
  }

  #keep(question: string, value: T): void {
    if (this.#guard.policy.fallback !== "stale") return;
    this.#lastGood.delete(question);
    this.#lastGood.set(question, { at: performance.now(), value });
    const oldest = this.#lastGood.keys().next().value;
    if (this.#lastGood.size > MOST_ANSWERS && oldest !== undefined) this.#lastGood.delete(oldest);
  }

  #instead(question: string, failure: DependencyFailure, standIn: () => T): Answer<T> {
    const { fallback } = this.#guard.policy;
    if (fallback === "default") return { value: standIn(), source: "default", reason: failure.reason };
    const kept = this.#lastGood.get(question);
    if (kept && performance.now() - kept.at <= STALE_FOR_MS) {
      return { value: kept.value, source: "stale", reason: failure.reason };
    }
    throw failure;
  }
}
