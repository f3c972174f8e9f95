// Serving and leaving: on SIGTERM readiness fails first, then the door closes, then work in flight ends.
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import type { Settings } from "./settings.ts";

// More than wait at the door; it closes also while others keep coming.
const MOST_TURNS = 1_000;

/** Where the process is in its life. */
export class Lifecycle {
  draining = false;
}

function signalled(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.once(signal, () => {
        resolve(signal);
      });
    }
  });
}

/** Accepts who has knocked already: Node takes one connection in each turn of its loop. */
async function letIn({ server }: FastifyInstance): Promise<void> {
  let accepted = 0;
  server.on("connection", () => (accepted += 1));
  for (let before = -1, turns = 0; before < accepted && turns < MOST_TURNS; turns += 1) {
    before = accepted;
    await nextTurn();
  }
}

/** Waits for the work to end, but no longer than this. */
export async function atMost(milliseconds: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([work, enough]).finally(() => {
    clearTimeout(timer);
  });
}

/** Serves until told to stop. False when the service could not start. */
export async function serve(service: FastifyInstance, settings: Settings, lifecycle: Lifecycle): Promise<boolean> {
  const stop = signalled();
  try {
    await service.listen({ host: settings.HOST, port: settings.PORT });
  } catch (error) {
    service.log.error({ err: error }, "cannot listen");
    return false;
  }
  const signal = await stop;
  lifecycle.draining = true;
  service.log.info({ signal }, "draining");
  // The balancer needs a moment to look away; a second signal closes the door at once.
  await Promise.race([sleep(settings.DRAIN_DELAY_MS), signalled()]);
  await letIn(service);
  const closed = service.close().then(() => true);
  if (!(await Promise.race([closed, sleep(settings.DRAIN_TIMEOUT_MS, false)]))) {
    service.log.warn("requests were still running when the time to leave was over");
    service.server.closeAllConnections();
  }
  return true;
}
