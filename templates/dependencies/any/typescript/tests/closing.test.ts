import assert from "node:assert/strict";
import { test } from "node:test";
import { closeAll, type Connected } from "../src/dependencies/index.ts";

await test("a connection that cannot be closed holds nothing up", async () => {
  let closed = false;
  const hangs = { close: () => new Promise(() => undefined) };
  const closes = { close: () => Promise.resolve((closed = true)) };
  const began = performance.now();
  await closeAll({ any: [hangs, closes] } as unknown as Connected);
  assert.ok(closed);
  assert.ok(performance.now() - began < 5_000);
});
