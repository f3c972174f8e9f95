// Why a call of a dependency has no answer. Each is a problem as our own caller sees it when nothing stands in.
import { Problem } from "../problems.ts";

export class DependencyFailure extends Problem {
  override readonly name: string = "DependencyFailure";
  readonly reason: string;

  constructor(dependency: string, reason: string, status = 502, headers: Record<string, string> = {}) {
    super(status, `${dependency}: ${reason}`, { dependency }, headers);
    this.reason = reason;
  }
}

/** A failure that another attempt may not meet. */
export class Transient extends DependencyFailure {
  override readonly name = "Transient";
}

/** It works, our request was wrong. Never retried, never covered up. */
export class Rejected extends DependencyFailure {
  override readonly name = "Rejected";
}

/** The time for the call is used up. */
export class TooSlow extends DependencyFailure {
  override readonly name = "TooSlow";
  /** Whether there was time enough to blame the dependency, and not a caller in a hurry. */
  readonly hadFairTime: boolean;

  constructor(dependency: string, hadFairTime = true) {
    super(dependency, "no answer in time", 504);
    this.hadFairTime = hadFairTime;
  }
}

/** The call was not made, because those before it failed. */
export class CircuitOpen extends DependencyFailure {
  override readonly name = "CircuitOpen";

  constructor(dependency: string, restMs: number) {
    const seconds = String(Math.max(1, Math.ceil(restMs / 1_000)));
    super(dependency, "its circuit is open after repeated failures", 503, { "retry-after": seconds });
  }
}
