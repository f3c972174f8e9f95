// Idempotency keys (IETF draft `Idempotency-Key`): a repeated write is answered, not done again.
//
// Kept in memory next to the example store. When the store becomes a database, keep the keys in the same
// transaction as the write.
import { createHash } from "node:crypto";
import { Problem } from "./problems.ts";

const EXPIRES_MS = 24 * 3_600_000;
const MOST_KEYS = 10_000;

interface Entry<T> {
  fingerprint: string;
  expiresAt: number;
  answer?: T;
}

/** What was answered to each key. */
export class IdempotencyKeys<T extends object> {
  readonly #entries = new Map<string, Entry<T>>();

  /**
   * Runs `write` once per key. 422 when the key came with another payload before, 409 while the first
   * request still runs.
   */
  async once(key: string | undefined, payload: unknown, write: () => Promise<T>): Promise<{ answer: T; replayed: boolean }> {
    if (key === undefined) return { answer: await write(), replayed: false };
    const fingerprint = createHash("sha256").update(JSON.stringify(payload)).digest("hex");
    this.#forget();
    const known = this.#entries.get(key);
    if (known) {
      if (known.fingerprint !== fingerprint) throw new Problem(422, "this Idempotency-Key was used with another payload");
      if (!known.answer) throw new Problem(409, "the first request with this Idempotency-Key is still running");
      return { answer: known.answer, replayed: true };
    }
    const entry: Entry<T> = { fingerprint, expiresAt: performance.now() + EXPIRES_MS };
    this.#entries.set(key, entry);
    try {
      entry.answer = await write();
      return { answer: entry.answer, replayed: false };
    } finally {
      // It failed: the caller may try again.
      if (!entry.answer) this.#entries.delete(key);
    }
  }

  #forget(): void {
    for (const [key, oldest] of this.#entries) {
      if (oldest.expiresAt > performance.now() && this.#entries.size < MOST_KEYS) return;
      this.#entries.delete(key);
    }
  }
}
