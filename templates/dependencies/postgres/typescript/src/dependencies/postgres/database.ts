// A PostgreSQL database under a `Guard`: a small pool, a time limit on everything.
import { Client, type ClientConfig, DatabaseError, Pool, type PoolClient } from "pg";
import { Problem } from "../../problems.ts";
import { SERVICE, type Settings } from "../../settings.ts";
import { Dependency } from "../dependency.ts";
import { DependencyFailure, Rejected, Transient } from "../failures.ts";
import type { Policy } from "../guard.ts";
import { libpqAddress } from "./address.ts";
import { pendingMigrations } from "./migrations.ts";

const CONNECTIONS = 10;
const CONNECT_MS = 1_000;
// Shorter than balancers and firewalls leave a silent connection alone; long enough that a quiet service keeps some.
const IDLE_MS = 240_000;

// Classes of SQLSTATE that another attempt may not meet: connection, rollback, resources, locks, operators, system.
const TRANSIENT: ReadonlySet<string> = new Set(["08", "40", "53", "55", "57", "58"]);

// Those of the caller's data: its form, and constraints. The database works.
const OF_THE_DATA: ReadonlySet<string> = new Set(["22", "23"]);

/** The limit is for making a connection; for a free one of the pool a call waits as long as it has time. */
class QuickClient extends Client {
  constructor(config?: ClientConfig) {
    super({ ...config, connectionTimeoutMillis: CONNECT_MS });
  }
}

export class Database extends Dependency {
  readonly kind = "postgres";
  readonly #pool: Pool;

  constructor(name: string, url: string, policy: Policy, settings: Settings) {
    super(name, policy, settings);
    this.#pool = new Pool({
      Client: QuickClient,
      connectionString: libpqAddress(url),
      application_name: SERVICE,
      max: CONNECTIONS,
      idleTimeoutMillis: IDLE_MS,
      statement_timeout: policy.timeoutMs,
      idle_in_transaction_session_timeout: policy.timeoutMs,
    });
    // A connection that breaks fails its query, and the pool makes another one: there is nothing else to do.
    this.#pool.on("error", () => undefined);
    this.#pool.on("connect", (client) => client.on("error", () => undefined));
  }

  /** One query that changes nothing. */
  read<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const attempt = (signal: AbortSignal) => this.#withClient(signal, work);
    return this.guard.call({ operation: "read", idempotent: true, attempt });
  }

  /** One statement that changes something: a transaction by itself, made once. */
  async write(work: (client: PoolClient) => Promise<unknown>): Promise<void> {
    const attempt = (signal: AbortSignal) => this.#withClient(signal, work);
    await this.guard.call({ operation: "write", idempotent: false, attempt });
  }

  /** Several statements, of which all happen or none. It may be made again: doing it twice must be doing it once. */
  transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const attempt = (signal: AbortSignal) => this.#withClient(signal, (client) => inTransaction(client, work));
    return this.guard.call({ operation: "transaction", idempotent: true, attempt });
  }

  async whyNotReady(signal: AbortSignal): Promise<string | undefined> {
    const pending = await this.#withClient(signal, pendingMigrations);
    return pending.length > 0 ? `${pending.length} migrations pending` : undefined;
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #withClient<T>(signal: AbortSignal, work: (client: PoolClient) => Promise<T>): Promise<T> {
    let giveBack: (broken: boolean) => void = () => undefined;
    const abort = () => {
      giveBack(true);
    };
    signal.addEventListener("abort", abort);
    try {
      const client = await this.#pool.connect();
      giveBack = (broken) => {
        giveBack = () => undefined;
        client.release(broken);
      };
      // It came too late: nothing was asked of it, so the next call may have it.
      if (signal.aborted) giveBack(false);
      signal.throwIfAborted();
      const result = await work(client);
      giveBack(false);
      return result;
    } catch (error) {
      // A connection is used again only when it is known to be clean.
      giveBack(!(error instanceof Problem));
      throw this.#explained(error);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  #explained(error: unknown): unknown {
    if (error instanceof Problem) return error;
    if (!(error instanceof DatabaseError)) return new Transient(this.name, "cannot be reached");
    const code = error.code ?? "unknown";
    const reason = `refused with SQLSTATE ${code}`;
    if (OF_THE_DATA.has(code.slice(0, 2))) return new Rejected(this.name, reason);
    return TRANSIENT.has(code.slice(0, 2))
      ? new Transient(this.name, reason)
      : new DependencyFailure(this.name, reason);
  }
}

async function inTransaction<T>(client: PoolClient, work: (client: PoolClient) => Promise<T>): Promise<T> {
  await client.query("BEGIN");
  try {
    const result = await work(client);
    await client.query("COMMIT");
    return result;
  } catch (error) {
    // After any other error the connection is closed, and the transaction with it.
    if (error instanceof Problem) await client.query("ROLLBACK");
    throw error;
  }
}
