// A Redis cache under a `Guard`. The connection comes back by itself; while it is away, calls fail at once.
import { once } from "node:events";
import { createClient, type RedisClientType, SimpleError } from "@redis/client";
import type { Settings } from "../../settings.ts";
import { Dependency } from "../dependency.ts";
import { DependencyFailure, Transient } from "../failures.ts";
import type { Policy } from "../guard.ts";

const CONNECT_MS = 1_000;
const RECONNECT_MS = 200;
const LONGEST_PAUSE_MS = 1_000;

export class Cache extends Dependency {
  readonly kind = "redis";
  readonly #url: string;
  #client: RedisClientType;

  constructor(name: string, url: string, policy: Policy, settings: Settings) {
    super(name, policy, settings);
    this.#url = url;
    this.#client = connected(url);
  }

  get(key: string): Promise<string | null> {
    return this.#call("GET", (client) => client.get(key));
  }

  async set(key: string, value: string, seconds: number): Promise<void> {
    await this.#call("SET", (client) => client.set(key, value, { expiration: { type: "EX", value: seconds } }));
  }

  async whyNotReady(signal: AbortSignal): Promise<string | undefined> {
    await this.#client.withAbortSignal(signal).ping();
    return undefined;
  }

  close(): Promise<void> {
    this.#client.destroy();
    return Promise.resolve();
  }

  #call<T>(operation: string, command: (client: RedisClientType) => Promise<T>): Promise<T> {
    const attempt = async (signal: AbortSignal) => {
      const client = this.#client;
      signal.addEventListener("abort", () => {
        this.#renew(client);
      });
      try {
        // A connection that was lost needs a moment to come back; one that is refused fails at once.
        if (!client.isReady) await once(client, "ready", { signal: AbortSignal.timeout(RECONNECT_MS) });
        return await command(client);
      } catch (error) {
        if (error instanceof SimpleError) throw new DependencyFailure(this.name, "answered with an error");
        throw new Transient(this.name, "cannot be reached");
      }
    };
    return this.guard.call({ operation, idempotent: true, attempt });
  }

  /** Answers come in the order of the questions: a connection that owes one is of no use to the next call. */
  #renew(late: RedisClientType): void {
    if (this.#client !== late) return;
    this.#client = connected(this.#url);
    late.destroy();
  }
}

function connected(url: string): RedisClientType {
  const reconnectStrategy = (failures: number) => Math.random() * Math.min(LONGEST_PAUSE_MS, 50 * 2 ** failures);
  const client: RedisClientType = createClient({
    url,
    disableOfflineQueue: true,
    socket: { connectTimeout: CONNECT_MS, reconnectStrategy },
  });
  // The call that meets the error says so.
  client.on("error", () => undefined);
  client.connect().catch(() => undefined);
  return client;
}
