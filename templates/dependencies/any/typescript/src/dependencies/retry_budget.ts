// Lets retries be at most a share of calls, so that they cannot become the outage.

const SHARE = 0.1;
const RESERVE = 5;

/** Each call puts a tenth of a token in, each retry takes one out. The small reserve lets rare calls be retried. */
export class RetryBudget {
  #tokens = RESERVE;

  callMade(): void {
    this.#tokens = Math.min(RESERVE, this.#tokens + SHARE);
  }

  /** True when a retry may be made now. */
  take(): boolean {
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
