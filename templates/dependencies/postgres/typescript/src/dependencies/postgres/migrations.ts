// Migrations: `migrations/NNNN_<name>.up.sql` and `.down.sql`, each one transaction unless its first line is
// `-- no-transaction` (for CREATE INDEX CONCURRENTLY and the like), run by hand or by a release, never at start. Change in two steps: first what old and new code both live with, later what only the new code needs.
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, type ClientBase } from "pg";
import { logFatal } from "../../logs.ts";

const FOLDER = new URL("../../../migrations/", import.meta.url);
const CONNECT_MS = 10_000;
const WAIT_FOR_OTHERS_MS = 60_000;
const ASK_AGAIN_MS = 100;
// A migration that waits for a table's lock holds up every request that comes after it.
const WAIT_FOR_REQUESTS_MS = 5_000;
const EX_USAGE = 64;

export interface Status {
  readonly applied: string[];
  readonly pending: string[];
}

async function names(): Promise<string[]> {
  const files = await readdir(FOLDER);
  return files.flatMap((file) => /^([0-9]{4}_\w+)\.up\.sql$/.exec(file)?.[1] ?? []).sort();
}

async function status(client: ClientBase): Promise<Status> {
  const { rows: tables } = await client.query<{ there: boolean }>(
    "SELECT to_regclass('schema_migrations') IS NOT NULL AS there",
  );
  const sql = "SELECT name FROM schema_migrations ORDER BY name";
  const rows = tables[0]?.there ? (await client.query<{ name: string }>(sql)).rows : [];
  const applied = rows.map((row) => row.name);
  return { applied, pending: (await names()).filter((name) => !applied.includes(name)) };
}

export async function pendingMigrations(client: ClientBase): Promise<string[]> {
  return (await status(client)).pending;
}

async function step(client: ClientBase, file: string, record: string, name: string): Promise<void> {
  const sql = await readFile(new URL(file, FOLDER), "utf8");
  if (sql.startsWith("-- no-transaction")) {
    await client.query(sql);
    await client.query(record, [name]);
    return;
  }
  await client.query("BEGIN");
  await client.query(sql);
  await client.query(record, [name]);
  await client.query("COMMIT");
}

async function up(client: ClientBase): Promise<void> {
  await client.query(
    "CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())",
  );
  for (const name of await pendingMigrations(client)) {
    await step(client, `${name}.up.sql`, "INSERT INTO schema_migrations (name) VALUES ($1)", name);
  }
}

async function down(client: ClientBase): Promise<void> {
  const last = (await status(client)).applied.at(-1);
  if (last !== undefined) await step(client, `${last}.down.sql`, "DELETE FROM schema_migrations WHERE name = $1", last);
}

/** Asks again and again: CREATE INDEX CONCURRENTLY waits for every statement that runs, one that waits for us included. */
async function lock(client: ClientBase): Promise<void> {
  const began = performance.now();
  const sql = "SELECT pg_try_advisory_lock(hashtext('schema_migrations')) AS ours";
  while (!(await client.query<{ ours: boolean }>(sql)).rows[0]?.ours) {
    if (performance.now() - began > WAIT_FOR_OTHERS_MS) throw new Error("another migration runs and does not end");
    await sleep(ASK_AGAIN_MS);
  }
}

const COMMANDS = { up, down, status };

/** Runs one command; says where things stand afterwards. One at a time: a second one waits for the first. */
export async function migrate(url: string, command: keyof typeof COMMANDS): Promise<Status> {
  const limits = { connectionTimeoutMillis: CONNECT_MS, lock_timeout: WAIT_FOR_REQUESTS_MS };
  const client = new Client({ connectionString: url, ...limits });
  await client.connect();
  try {
    // The lock goes with the connection, however the process ends.
    await lock(client);
    await COMMANDS[command](client);
    return await status(client);
  } finally {
    await client.end();
  }
}

/** `migrate up`, `migrate down` (the last one) or `migrate status`; the exit code. */
export async function migrateCommand(url: string, words: readonly string[]): Promise<number> {
  const [command = ""] = words;
  if (words.length !== 1 || !(command in COMMANDS)) {
    logFatal("usage: migrate up | down | status");
    return EX_USAGE;
  }
  try {
    process.stdout.write(`${JSON.stringify(await migrate(url, command as keyof typeof COMMANDS))}\n`);
    return 0;
  } catch (error) {
    logFatal(`migrate ${command}: ${error instanceof Error ? error.message : "failed"}`);
    return 1;
  }
}
