import assert from "node:assert/strict";
import { test } from "node:test";
import { type RequestContext, requestContext } from "../src/context.ts";
import { Circuit } from "../src/dependencies/circuit.ts";
import { CircuitOpen, Rejected, TooSlow, Transient } from "../src/dependencies/failures.ts";
import { Guard, type Policy } from "../src/dependencies/guard.ts";
import { RetryBudget } from "../src/dependencies/retry_budget.ts";
import { Problem } from "../src/problems.ts";

const POLICY: Policy = { timeoutMs: 500, attempts: 3, fallback: "fail", critical: false };

function guarded(policy: Partial<Policy> = {}, circuit = new Circuit(10_000)) {
  const guard = new Guard("n", { ...POLICY, ...policy }, circuit);
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
  const lines: unknown[] = [];
  await requestContext.run(waitingFor(50, lines), () => assert.rejects(guard.call(hangs), TooSlow));
  assert.deepEqual(lines, [{ dependency: "n", outcome: "timeout", reason: "no answer in time" }]);
});

/** A request whose caller waits so long. */
function waitingFor(milliseconds: number, lines: unknown[] = []): RequestContext {
  const log = { warn: (line: unknown) => lines.push(line) };
  return { requestId: "r", log, deadline: performance.now() + milliseconds, degraded: new Set<string>() };
}

/** A call that hangs, for a caller who waits so long. */
function hurried(guard: Guard, milliseconds: number): Promise<void> {
  return requestContext.run(waitingFor(milliseconds), () => assert.rejects(guard.call(hangs), TooSlow));
}

await test("a caller in a hurry does not open the circuit for the others", async () => {
  const { guard } = guarded({ timeoutMs: 50 });
  for (let i = 0; i < 6; i++) await hurried(guard, 2);
  assert.equal(guard.circuit.state, "closed");
  for (let i = 0; i < 5; i++) await hurried(guard, Infinity);
  assert.equal(guard.circuit.state, "open");
});

await test("after five failed calls in a row calls fail at once, then one may try", async () => {
  let now = 0;
  const { guard, call, attempts } = guarded({ attempts: 1 }, new Circuit(2_500, () => now));
  const refused = (seconds: string) => (error: unknown) =>
    error instanceof CircuitOpen && error.status === 503 && error.headers["retry-after"] === seconds;
  for (let i = 0; i < 5; i++) await assert.rejects(call(gone), Transient);
  await assert.rejects(call(undefined), refused("3"));
  now = 1_500;
  await assert.rejects(call(undefined), refused("1"));
  assert.equal(attempts(), 5);
  now = 2_500;
  assert.equal(guard.circuit.state, "half-open");
  const trial = guard.call({
    ...hangs,
    attempt: () => new Promise<string>((resolve) => setTimeout(resolve, 50, "back")),
  });
  await assert.rejects(call(undefined), refused("1"));
  assert.equal(await trial, "back");
  assert.equal(guard.circuit.state, "closed");
  assert.equal(await call(undefined), "fine");
});

await test("a trial that its caller cut off leaves the circuit as it was, and the next one may try", async () => {
  let now = 0;
  const { guard, call } = guarded({ attempts: 1, timeoutMs: 200 }, new Circuit(1_000, () => now));
  for (let i = 0; i < 5; i++) await assert.rejects(call(gone), Transient);
  now = 1_000;
  await hurried(guard, 2);
  assert.equal(guard.circuit.state, "half-open");
  await hurried(guard, Infinity);
  assert.equal(guard.circuit.state, "open");
  now = 2_000;
  assert.equal(await call(undefined), "fine");
  assert.equal(guard.circuit.state, "closed");
});

await test("what is wrong with our request neither opens the circuit nor is tried again", async () => {
  const { guard, call, attempts } = guarded();
  for (let i = 0; i < 8; i++) await assert.rejects(call(new Rejected("n", "answered 404")), Rejected);
  for (let i = 0; i < 8; i++) await assert.rejects(call(new Problem(409, "not now")), Problem);
  assert.equal(attempts(), 16);
  assert.equal(guard.circuit.state, "closed");
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
