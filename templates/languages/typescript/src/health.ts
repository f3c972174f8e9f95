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
      this.#running ??= this.#ask().finally(() => {
        this.#running = undefined;
      });
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
  const signal = AbortSignal.timeout(CHECK_MS);
  const tooSlow = new Promise<string>((resolve) => {
    signal.addEventListener("abort", () => {
      resolve(`no answer within ${CHECK_MS} ms`);
    });
  });
  let why: string | undefined;
  try {
    why = await Promise.race([dependency.whyNotReady(signal), tooSlow]);
  } catch (error) {
    // The kind of error only: its message may hold an address.
    why = error instanceof Error ? error.name : "unknown";
  }
  const { critical } = dependency;
  return why ? { status: "failing", critical, detail: why } : { status: "ok", critical };
}

/** The two routes. The balancer asks /livez; releases and alarms look at /readyz. */
export function healthRoutes(
  service: FastifyInstance,
  readiness: Readiness,
  lifecycle: Lifecycle,
  release: string,
): void {
  // Never looks further than the process: one failing shared dependency must not empty the fleet.
  service.get("/livez", { schema: { hide: true } }, () => ({ status: "ok", service: SERVICE, release }));

  service.get("/readyz", { schema: { hide: true } }, async (_, reply) => {
    // Leaving must be told at once, so nothing is asked any more.
    const dependencies = lifecycle.draining ? readiness.last : await readiness.states();
    const failing = Object.values(dependencies).some((one) => one.critical && one.status !== "ok");
    const status = lifecycle.draining ? "draining" : failing ? "failing" : "ok";
    return reply.code(status === "ok" ? 200 : 503).send({ status, service: SERVICE, release, dependencies });
  });
}
