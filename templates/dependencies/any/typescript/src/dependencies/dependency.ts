// What every dependency is, whatever its kind.
import type { Checked } from "../health.ts";
import type { Settings } from "../settings.ts";
import { Circuit } from "./circuit.ts";
import { Guard, type Policy } from "./guard.ts";

export abstract class Dependency implements Checked {
  abstract readonly kind: string;
  readonly guard: Guard;

  constructor(name: string, policy: Policy, settings: Settings) {
    this.guard = new Guard(name, policy, new Circuit(settings.CIRCUIT_OPEN_MS));
  }

  get name(): string {
    return this.guard.name;
  }

  get critical(): boolean {
    return this.guard.policy.critical;
  }

  /** For people: its policy and the state of its circuit. */
  summary(): object {
    const { critical, fallback } = this.guard.policy;
    return { name: this.name, kind: this.kind, critical, fallback, circuit: this.guard.circuit.state };
  }

  /** Asks the dependency itself, past circuit and retries. */
  abstract whyNotReady(signal: AbortSignal): Promise<string | undefined>;

  /** Closes its connections. */
  abstract close(): Promise<void>;
}

/** All of one kind: there is at least one, or the kind would not be here. */
export type Some<T> = readonly [T, ...T[]];
