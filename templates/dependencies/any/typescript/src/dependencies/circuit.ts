// Closed; open after failed calls in a row; half-open for one trial call once it has rested.
// Not cockatiel's, which takes a trial that says nothing about the dependency for one that worked.

const FAILURES_TO_OPEN = 5;

/** What a call says about the dependency. */
export type Verdict = "worked" | "failed" | "unknown";

export class Circuit {
  readonly #openForMs: number;
  readonly #clock: () => number;
  #failures = 0;
  #openedAt: number | undefined;
  #trialRunning = false;

  /** `clock` tells milliseconds. */
  constructor(openForMs: number, clock = () => performance.now()) {
    this.#openForMs = openForMs;
    this.#clock = clock;
  }

  get state(): "closed" | "open" | "half-open" {
    if (this.#openedAt === undefined) return "closed";
    return this.restMs > 0 ? "open" : "half-open";
  }

  /** Milliseconds until a call may try again. */
  get restMs(): number {
    return this.#openedAt === undefined ? 0 : Math.max(0, this.#openedAt + this.#openForMs - this.#clock());
  }

  /** Undefined when the call must not be made, else what is to be told its verdict. */
  enter(): ((verdict: Verdict) => void) | undefined {
    const trial = this.#openedAt !== undefined;
    if (trial && (this.#trialRunning || this.restMs > 0)) return undefined;
    this.#trialRunning = trial;
    return (verdict) => {
      if (trial) this.#trialRunning = false;
      // A call that began before the circuit opened says nothing about now.
      if (trial || this.#openedAt === undefined) this.#learn(verdict, trial);
    };
  }

  #learn(verdict: Verdict, trial: boolean): void {
    if (verdict === "worked") {
      this.#failures = 0;
      this.#openedAt = undefined;
    } else if (verdict === "failed") {
      this.#failures += 1;
      if (trial || this.#failures >= FAILURES_TO_OPEN) this.#openedAt = this.#clock();
    }
  }
}
