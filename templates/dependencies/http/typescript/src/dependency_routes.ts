// Looks at the dependencies through the service's own clients: the same limits, circuit and fallback.
import type { FastifyInstance } from "fastify";
import type { Client } from "./clients/index.ts";
import { Problem } from "./problems.ts";
import { DependencyFailure } from "./resilience.ts";

/** `/v1/dependencies`. */
export function dependencyRoutes(service: FastifyInstance, clients: ReadonlyMap<string, Client>): void {
  // Every dependency and the state of its circuit; calls nothing.
  service.get("/v1/dependencies", async () => [...clients.values()].map(summary));

  // Calls one dependency; the answer says whether it is its own or a fallback.
  service.get<{ Params: { name: string } }>("/v1/dependencies/:name/check", async (request, reply) => {
    const client = clients.get(request.params.name);
    if (!client) throw new Problem(404, "there is no such dependency");
    try {
      const { value, source, reason } = await client.root();
      const degraded = source !== "live";
      if (degraded) reply.header("x-degraded", client.name);
      return { ...summary(client), degraded, source, reason: reason ?? null, value };
    } catch (error) {
      if (!(error instanceof DependencyFailure)) throw error;
      const headers: Record<string, string> = error.status === 503 ? { "retry-after": "10" } : {};
      throw new Problem(error.status, error.message, { dependency: client.name }, headers);
    }
  });
}

function summary(client: Client) {
  const { critical, fallback } = client.guard.policy;
  return { dependency: client.name, critical, fallback, circuit: client.guard.circuit };
}
