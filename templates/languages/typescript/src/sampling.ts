// Which traces are recorded: those that a caller records already, and of the others the first ones of each second.
// So a quiet service loses none, and a busy one does not spend on telemetry what its users wait for.
import { ParentBasedSampler, type Sampler, SamplingDecision, type SamplingResult } from "@opentelemetry/sdk-trace";

/** Records so many traces a second and no more. */
export class FirstOfEachSecond implements Sampler {
  readonly #most: number;
  readonly #clock: () => number;
  #second = 0;
  #recorded = 0;

  /** `clock` tells milliseconds. */
  constructor(most: number, clock = () => performance.now()) {
    this.#most = most;
    this.#clock = clock;
  }

  /** Asked once a trace, where it begins. */
  shouldSample(): SamplingResult {
    const second = Math.floor(this.#clock() / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#recorded = 0;
    }
    if (this.#recorded >= this.#most) return { decision: SamplingDecision.NOT_RECORD };
    this.#recorded += 1;
    return { decision: SamplingDecision.RECORD_AND_SAMPLED };
  }

  toString(): string {
    return `FirstOfEachSecond{${this.#most}}`;
  }
}

/** What the caller decided counts; where nobody did, the second's count does. */
export function sampler(tracesPerSecond: number): Sampler {
  return new ParentBasedSampler({ root: new FirstOfEachSecond(tracesPerSecond) });
}
