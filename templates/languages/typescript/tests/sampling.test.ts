import assert from "node:assert/strict";
import { test } from "node:test";
import { SamplingDecision } from "@opentelemetry/sdk-trace";
import { FirstOfEachSecond } from "../src/sampling.ts";

await test("each second has room for so many traces and no more", () => {
  let now = 0;
  const sampler = new FirstOfEachSecond(2, () => now);
  const recorded = [0, 10, 990, 1_000, 1_001, 1_999, 5_000].map((time) => {
    now = time;
    return sampler.shouldSample().decision === SamplingDecision.RECORD_AND_SAMPLED;
  });
  assert.deepEqual(recorded, [true, true, false, true, true, false, true]);
});
