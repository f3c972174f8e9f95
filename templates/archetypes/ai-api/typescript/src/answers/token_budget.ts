// Bounds what the model may cost: tokens per minute, for this process.
import { Problem } from "../problems.ts";

const CHARACTERS_PER_TOKEN = 3; // fewer than usual, so that the guess is rather too high

/** About how many tokens a text has. */
export function guessed(text: string): number {
  return Math.ceil(text.length / CHARACTERS_PER_TOKEN);
}

/**
 * A bucket that holds one minute's tokens and fills all the time. A request takes what it may cost before it is made, and
 * gives back afterwards what it did not.
 */
export class TokenBudget {
  readonly #most: number;
  readonly #clock: () => number;
  #tokens: number;
  #filledAt: number;

  constructor(perMinute: number, clock: () => number = () => performance.now()) {
    this.#most = perMinute;
    this.#clock = clock;
    this.#tokens = perMinute;
    this.#filledAt = clock();
  }

  /** Takes them, or answers 429 with the time after which there will be enough. What was taken. */
  take(tokens: number): number {
    this.#fill();
    // More than a minute's worth waits for the whole bucket.
    const wanted = Math.min(tokens, this.#most);
    if (wanted > this.#tokens) {
      const seconds = Math.max(1, Math.ceil(((wanted - this.#tokens) / this.#most) * 60));
      throw new Problem(429, "the model has answered enough for now", {}, { "retry-after": String(seconds) });
    }
    this.#tokens -= wanted;
    return wanted;
  }

  /** Gives back what was taken too much, or takes what was too little. */
  settle(taken: number, used: number): void {
    this.#tokens = Math.min(this.#most, this.#tokens + taken - used);
  }

  #fill(): void {
    const now = this.#clock();
    this.#tokens = Math.min(this.#most, this.#tokens + ((now - this.#filledAt) / 60_000) * this.#most);
    this.#filledAt = now;
  }
}
