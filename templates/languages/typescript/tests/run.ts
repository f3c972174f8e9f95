// Runs the tests. What they need and this machine has is started first, once, and stopped afterwards.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A server for tests: the variables that say where it is, and how to end it. */
export interface Server {
  readonly environment: Record<string, string>;
  readonly stop: () => Promise<void>;
}

/** Every file in `servers` has a function that starts one, or says why it cannot. */
interface ServerModule {
  start(directory: string): Promise<Server | string>;
}

async function startServers(directory: string): Promise<Server[]> {
  const folder = join(import.meta.dirname, "servers");
  const started: Server[] = [];
  for (const file of existsSync(folder) ? await readdir(folder) : []) {
    const module = (await import(join(folder, file))) as ServerModule;
    const server = await module.start(directory);
    if (typeof server === "string") console.log(`some tests cannot run: ${server}`);
    else started.push(server);
  }
  return started;
}

async function runTests(environment: NodeJS.ProcessEnv): Promise<number> {
  const files = process.argv.length > 2 ? process.argv.slice(2) : ["tests/**/*.test.ts"];
  const child = spawn(process.execPath, ["--test", "--test-timeout=60000", ...files], {
    env: environment,
    stdio: "inherit",
  });
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 1;
}

const directory = await mkdtemp(join(tmpdir(), "tests-"));
const servers = await startServers(directory);
try {
  const found = servers.map((server) => server.environment);
  process.exitCode = await runTests(Object.assign({}, process.env, ...found) as NodeJS.ProcessEnv);
} finally {
  await Promise.all(servers.map((server) => server.stop()));
  await rm(directory, { recursive: true, force: true });
}
