import assert from "node:assert/strict";
import { test } from "node:test";
import { HttpDependency } from "../src/clients/http_dependency.ts";
import { DependencyFailure, type Policy, RetryBudget } from "../src/resilience.ts";
import { neighbour } from "./running.ts";

const POLICY: Policy = { timeoutMs: 500, attempts: 3, fallback: "fail", critical: false };

test("an idempotent call is tried again and a write without a key is not", async (t) => {
  let calls = 0;
  const url = await neighbour(t, (_, response) => {
    calls += 1;
    response.statusCode = calls < 3 ? 503 : 200;
    response.end("{}");
  });
  const client = new HttpDependency("n", url, POLICY, {});
  assert.equal((await client.getJson("/x")).source, "live");
  assert.equal(calls, 3);
  calls = 0;
  await assert.rejects(client.postJson("/x", {}), DependencyFailure);
  assert.equal(calls, 1);
});

test("a dependency that never answers costs its time limit and no more", async (t) => {
  const url = await neighbour(t, () => undefined);
  const client = new HttpDependency("n", url, { ...POLICY, timeoutMs: 200 }, {});
  const began = performance.now();
  await assert.rejects(client.getJson("/x"), (error) => error instanceof DependencyFailure && error.status === 504);
  assert.ok(performance.now() - began < 2_000);
});

test("after failures in a row calls fail at once", async (t) => {
  let calls = 0;
  const url = await neighbour(t, (_, response) => {
    calls += 1;
    response.statusCode = 500;
    response.end();
  });
  const client = new HttpDependency("n", url, { ...POLICY, attempts: 1 }, {});
  for (let i = 0; i < 8; i++) await client.getJson("/x").catch(() => undefined);
  assert.equal(calls, 5);
  assert.equal(client.guard.circuit, "open");
});

test("a wrong request of ours neither opens the circuit nor is covered up", async (t) => {
  const url = await neighbour(t, (_, response) => {
    response.statusCode = 404;
    response.end();
  });
  const client = new HttpDependency("n", url, { ...POLICY, fallback: "default" }, {});
  for (let i = 0; i < 8; i++) await assert.rejects(client.getJson("/x"), DependencyFailure);
  assert.equal(client.guard.circuit, "closed");
});

test("fallbacks are the last good answer or the stand-in, and say so", async (t) => {
  let broken = false;
  const url = await neighbour(t, (_, response) => {
    response.statusCode = broken ? 500 : 200;
    response.end('{"price":1}');
  });
  const stale = new HttpDependency("n", url, { ...POLICY, fallback: "stale" }, {});
  assert.deepEqual((await stale.getJson("/x")).value, { price: 1 });
  broken = true;
  assert.deepEqual(await stale.getJson("/x"), { value: { price: 1 }, source: "stale", reason: "answered 500" });
  await assert.rejects(stale.getJson("/never-seen"), DependencyFailure);
  const standIn = new HttpDependency("n", url, { ...POLICY, fallback: "default" }, { price: 0 });
  assert.equal((await standIn.getJson("/x")).source, "default");
});

test("retries are at most a tenth of calls", () => {
  const budget = new RetryBudget();
  let retries = 0;
  for (let call = 0; call < 1_000; call++) {
    budget.callMade();
    if (budget.take()) retries += 1;
  }
  assert.ok(retries <= 106, String(retries));
});
