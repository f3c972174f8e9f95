// Serving and leaving: on SIGTERM readiness fails first, then the door closes, then work in flight ends.
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import type { Settings } from "./settings.ts";

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

/** Serves until told to stop. False when the service could not start. */
export async function serve(service: FastifyInstance, settings: Settings, lifecycle: Lifecycle): Promise<boolean> {
  const stop = signalled();
  try {
    await service.listen({ host: settings.HOST, port: settings.PORT });
  } catch (error) {
    service.log.fatal({ err: error }, "cannot listen");
    return false;
  }
  const signal = await stop;
  lifecycle.draining = true;
  service.log.info({ signal }, "draining");
  // The balancer needs a moment to look away; a second signal closes the door at once.
  await Promise.race([sleep(settings.DRAIN_DELAY_MS), signalled()]);
  // Who has knocked already is let in before the door closes.
  await nextTurn();
  const closed = service.close().then(() => true);
  if (!(await Promise.race([closed, sleep(settings.DRAIN_TIMEOUT_MS, false)]))) {
    service.log.warn("requests were still running when the time to leave was over");
    service.server.closeAllConnections();
  }
  return true;
}
