import assert from "node:assert/strict";
import { test } from "node:test";
import { requestContext } from "../src/context.ts";
import { CircuitOpen, DependencyFailure, Rejected, TooSlow, Transient } from "../src/dependencies/failures.ts";
import { Fallback } from "../src/dependencies/fallback.ts";
import { Guard, type Policy } from "../src/dependencies/guard.ts";
import { RetryBudget } from "../src/dependencies/retry_budget.ts";
import { Problem } from "../src/problems.ts";

const POLICY: Policy = { timeoutMs: 500, attempts: 3, fallback: "fail", critical: false };

function guarded(policy: Partial<Policy> = {}, openForMs = 10_000) {
  const guard = new Guard("n", { ...POLICY, ...policy }, openForMs);
  let attempts = 0;
  const call = (error: Error | undefined, idempotent = true) => {
    const attempt = () => {
      attempts += 1;
      return error ? Promise.reject(error) : Promise.resolve("fine");
    };
    return guard.call({ operation: "ask", idempotent, attempt });
  };
  return { guard, call, attempts: () => attempts };
}

const hangs = { operation: "ask", idempotent: true, attempt: () => new Promise<never>(() => undefined) };
const gone = new Transient("n", "gone");

await test("an idempotent call is tried again and another is not", async () => {
  const { call, attempts } = guarded();
  await assert.rejects(call(gone), Transient);
  assert.equal(attempts(), 3);
  await assert.rejects(call(gone, false), Transient);
  assert.equal(attempts(), 4);
});

await test("a call that never ends costs its time limit and no more", async () => {
  const { guard } = guarded({ timeoutMs: 50 });
  const began = performance.now();
  await assert.rejects(guard.call(hangs), TooSlow);
  assert.ok(performance.now() - began < 5_000);
});

await test("a call has no more time than its request", async () => {
  const { guard } = guarded({ timeoutMs: 60_000 });
  const context = { requestId: "r", deadline: performance.now() + 50, degraded: new Set<string>() };
  await requestContext.run(context, () => assert.rejects(guard.call(hangs), TooSlow));
});

await test("a caller in a hurry does not open the circuit for the others", async () => {
  const { guard } = guarded({ timeoutMs: 50 });
  const ask = (milliseconds: number) => {
    const context = { requestId: "r", deadline: performance.now() + milliseconds, degraded: new Set<string>() };
    return requestContext.run(context, () => assert.rejects(guard.call(hangs), TooSlow));
  };
  for (let i = 0; i < 6; i++) await ask(2);
  assert.equal(guard.circuit, "closed");
  for (let i = 0; i < 5; i++) await ask(Infinity);
  assert.equal(guard.circuit, "open");
});

await test("after five failed calls in a row calls fail at once, then one may try", async (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: Date.now() });
  const { guard, call, attempts } = guarded({ attempts: 1 }, 1_000);
  for (let i = 0; i < 5; i++) await assert.rejects(call(gone), Transient);
  await assert.rejects(
    call(undefined),
    (error) => error instanceof CircuitOpen && error.headers["retry-after"] === "1",
  );
  assert.equal(attempts(), 5);
  t.mock.timers.tick(1_001);
  const trial = guard.call({
    ...hangs,
    attempt: () => new Promise<string>((resolve) => setTimeout(resolve, 50, "back")),
  });
  await assert.rejects(call(undefined), CircuitOpen);
  assert.equal(await trial, "back");
  assert.equal(guard.circuit, "closed");
  assert.equal(await call(undefined), "fine");
});

await test("what is wrong with our request neither opens the circuit nor is tried again", async () => {
  const { guard, call, attempts } = guarded();
  for (let i = 0; i < 8; i++) await assert.rejects(call(new Rejected("n", "answered 404")), Rejected);
  for (let i = 0; i < 8; i++) await assert.rejects(call(new Problem(409, "not now")), Problem);
  assert.equal(attempts(), 16);
  assert.equal(guard.circuit, "closed");
});

await test("retries are at most a tenth of calls", () => {
  const budget = new RetryBudget();
  let retries = 0;
  for (let call = 0; call < 1_000; call++) {
    budget.callMade();
    if (budget.take()) retries += 1;
  }
  assert.ok(retries >= 100 && retries <= 106, String(retries));
});

await test("without an answer the last good one or a stand-in is given, and says so", async () => {
  const works = () => Promise.resolve(1);
  const fails = () => Promise.reject<number>(gone);
  const degraded = new Set<string>();
  await requestContext.run({ requestId: "r", deadline: Infinity, degraded }, async () => {
    const stale = new Fallback<number>(guarded({ fallback: "stale" }).guard);
    assert.deepEqual(await stale.or("q", works, () => 0), { value: 1, source: "live" });
    assert.equal(degraded.size, 0);
    assert.deepEqual(await stale.or("q", fails, () => 0), { value: 1, source: "stale", reason: "gone" });
    assert.deepEqual([...degraded], ["n"]);
    await assert.rejects(
      stale.or("another", fails, () => 0),
      DependencyFailure,
    );
    const standIn = new Fallback<number>(guarded({ fallback: "default" }).guard);
    assert.equal((await standIn.or("q", fails, () => 0)).source, "default");
    const rejected = () => Promise.reject<number>(new Rejected("n", "answered 400"));
    await assert.rejects(
      standIn.or("q", rejected, () => 0),
      Rejected,
    );
  });
});
