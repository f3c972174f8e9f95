import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { ConfigurationError, loadSettings } from "../src/settings.ts";
import { json, running } from "./running.ts";

test("health says which release it is, and readiness fails while leaving", async (t) => {
  const { base, lifecycle } = await running(t);
  assert.equal(((await (await fetch(`${base}/livez`)).json()) as any).release, "7");
  assert.equal((await fetch(`${base}/readyz`)).status, 200);
  lifecycle.draining = true;
  assert.equal((await fetch(`${base}/readyz`)).status, 503);
  assert.equal((await fetch(`${base}/livez`)).status, 200);
});

test("a sane request id is kept and another replaced", async (t) => {
  const { base } = await running(t);
  const ask = async (id: string) => (await fetch(`${base}/v1/notes`, { headers: { "x-request-id": id } })).headers.get("x-request-id");
  assert.equal(await ask("abc-1"), "abc-1");
  assert.notEqual(await ask("a b{}"), "a b{}");
});

test("a body over the limit is refused", async (t) => {
  const { base } = await running(t, { MAX_BODY_BYTES: "100" });
  const body = JSON.stringify({ title: "x", text: "y".repeat(200) });
  assert.equal((await fetch(`${base}/v1/notes`, { method: "POST", headers: json, body })).status, 413);
});

test("a wrong variable is named without its value", () => {
  assert.throws(() => loadSettings({ PORT: "hunter2" }), (error) => error instanceof ConfigurationError && /PORT/.test(error.message) && !/hunter2/.test(error.message));
});

test("the process serves, logs JSON and leaves in order on SIGTERM", async (t) => {
  const environment = { PATH: process.env.PATH, PORT: "0", HOST: "127.0.0.1", DRAIN_DELAY_MS: "50" };
  const child = spawn(process.execPath, ["src/main.ts"], { env: environment, stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = JSON.parse((await lines.next()).value as string);
  const base = /http:\/\/[0-9.:]+/.exec(first.message)?.[0];
  assert.ok(base, JSON.stringify(first));
  assert.equal((await fetch(`${base}/v1/notes`)).status, 200);
  child.kill("SIGTERM");
  const [code] = await once(child, "exit");
  assert.equal(code, 0);
});

test("the process does not start with a wrong configuration", async () => {
  const child = spawn(process.execPath, ["src/main.ts"], { env: { PATH: process.env.PATH, PORT: "nonsense" }, stdio: "ignore" });
  const [code] = await once(child, "exit");
  assert.equal(code, 78);
});
