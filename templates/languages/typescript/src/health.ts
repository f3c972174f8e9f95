// `/livez`: the process lives. `/readyz`: it can do its work, and if not, why.
import type { FastifyInstance } from "fastify";
import type { Lifecycle } from "./lifecycle.ts";
import { SERVICE } from "./settings.ts";

const CACHED_MS = 2_000;
const CHECK_MS = 1_000;

/** Something the service depends on. */
export interface Checked {
  readonly name: string;
  readonly critical: boolean;
  /** Undefined when it works, else what is wrong. */
  whyNotReady(signal: AbortSignal): Promise<string | undefined>;
}

interface State {
  status: "ok" | "failing";
  critical: boolean;
  detail?: string;
}

/** Asks every dependency at the same time, with a short limit, and remembers the answers briefly. */
export class Readiness {
  readonly #dependencies: readonly Checked[];
  #checkedAt = Number.NEGATIVE_INFINITY;
  #running: Promise<void> | undefined;
  last: Record<string, State> = {};

  constructor(dependencies: readonly Checked[]) {
    this.#dependencies = dependencies;
  }

  async states(): Promise<Record<string, State>> {
    if (performance.now() - this.#checkedAt > CACHED_MS) {
      this.#running ??= this.#ask().finally(() => (this.#running = undefined));
      await this.#running;
    }
    return this.last;
  }

  async #ask(): Promise<void> {
    const states = await Promise.all(this.#dependencies.map(async (one) => [one.name, await check(one)] as const));
    this.last = Object.fromEntries(states);
    this.#checkedAt = performance.now();
  }
}

async function check(dependency: Checked): Promise<State> {
  let why: string | undefined;
  try {
    why = await dependency.whyNotReady(AbortSignal.timeout(CHECK_MS));
  } catch (error) {
    why = error instanceof Error ? error.name : "unknown";
  }
  const state: State = { status: why ? "failing" : "ok", critical: dependency.critical };
  return why ? { ...state, detail: why } : state;
}

/** The two routes. The balancer asks /livez; releases and alarms look at /readyz. */
export function healthRoutes(service: FastifyInstance, readiness: Readiness, lifecycle: Lifecycle, release: string): void {
  // Never looks further than the process: one failing shared dependency must not empty the fleet.
  service.get("/livez", { logLevel: "warn" }, async () => ({ status: "ok", service: SERVICE, release }));

  service.get("/readyz", { logLevel: "warn" }, async (_, reply) => {
    // Leaving must be told at once, so nothing is asked any more.
    const dependencies = lifecycle.draining ? readiness.last : await readiness.states();
    const failing = Object.values(dependencies).some((one) => one.critical && one.status !== "ok");
    const status = lifecycle.draining ? "draining" : failing ? "failing" : "ok";
    return reply.code(status === "ok" ? 200 : 503).send({ status, service: SERVICE, release, dependencies });
  });
}
