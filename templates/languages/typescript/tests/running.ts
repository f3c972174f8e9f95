// Starts the real service on a free port, and misbehaving neighbours for it to call.
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { Lifecycle } from "../src/lifecycle.ts";
import { createService } from "../src/service.ts";
import { loadSettings } from "../src/settings.ts";

export interface Running {
  base: string;
  lifecycle: Lifecycle;
}

/** The service with these variables set; it ends with the test. */
export async function running(test: TestContext, environment: Record<string, string> = {}): Promise<Running> {
  const lifecycle = new Lifecycle();
  const settings = loadSettings({ PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "silent", PAVE_RELEASE: "7", ...environment });
  const service = createService(settings, lifecycle);
  const base = await service.listen({ host: settings.HOST, port: settings.PORT });
  test.after(() => service.close());
  return { base, lifecycle };
}

/** A neighbour that answers as it is told. */
export async function neighbour(test: TestContext, listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export const json = { "content-type": "application/json" };
