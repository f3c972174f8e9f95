import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext } from "node:test";
import fastify from "fastify";
import { remainingMs } from "../src/context.ts";
import { Lifecycle } from "../src/lifecycle.ts";
import { installProblems } from "../src/problems.ts";
import { frameRequests } from "../src/request_frame.ts";
import { loadSettings } from "../src/settings.ts";
import { Client } from "./support/client.ts";
import { everything, eventually, socketTo } from "./support/neighbour.ts";
import { check, environmentFor, running } from "./support/running.ts";

/** Only the frame, with a handler that never answers and one that says how much time it has. */
async function framed(t: TestContext, environment: Record<string, string>): Promise<Client> {
  const settings = loadSettings({ ...(await environmentFor(t)), ...environment });
  const service = fastify();
  frameRequests(service, settings, new Lifecycle());
  installProblems(service);
  service.get("/hangs", () => new Promise(() => undefined));
  service.get("/left", () => ({ left: remainingMs() }));
  t.after(() => service.close());
  return new Client(await service.listen({ host: "127.0.0.1", port: 0 }));
}

check("a handler that hangs ends with 504", async (t) => {
  const service = await framed(t, { REQUEST_TIMEOUT_MS: "50" });
  const answer = await service.get("/hangs");
  assert.equal(answer.status, 504);
  assert.equal(answer.body.status, 504);
});

check("a caller may wait less long but not longer", async (t) => {
  const service = await framed(t, { REQUEST_TIMEOUT_MS: "10000" });
  assert.equal((await service.get("/hangs", { "x-request-timeout-ms": "20" })).status, 504);
  const left = async (asked: string) => (await service.get("/left", { "x-request-timeout-ms": asked })).body.left;
  assert.ok((await left("500")) <= 500);
  assert.ok((await left("60000")) <= 10_000);
  assert.ok((await left("nonsense")) > 5_000);
});

check("a body that never arrives ends with 408", async (t) => {
  const { service } = await running(t, { REQUEST_TIMEOUT_MS: "200" });
  const head = "POST /v1/notes HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{";
  assert.match(await everything(await socketTo(t, service.base, head)), /^HTTP\/1\.1 408/);
});

check("a head that never ends is cut off", async (t) => {
  const { service } = await running(t, { HEADER_TIMEOUT_MS: "200" });
  const began = performance.now();
  const answer = await everything(await socketTo(t, service.base, "GET /livez HTTP/1.1\r\nx-slow: "));
  assert.match(answer, /^$|^HTTP\/1\.1 408/);
  assert.ok(performance.now() - began < 5_000);
});

check("what is not HTTP is answered with a problem and cut off", async (t) => {
  const { service } = await running(t);
  const sent = {
    400: "nonsense\r\n\r\n",
    417: "GET /livez HTTP/1.1\r\nhost: x\r\nexpect: x\r\n\r\n",
    431: `GET /livez HTTP/1.1\r\nhost: x\r\nx: ${"x".repeat(20_000)}\r\n\r\n`,
  };
  for (const [status, text] of Object.entries(sent)) {
    const [head = "", body = ""] = (await everything(await socketTo(t, service.base, text))).split("\r\n\r\n");
    assert.ok(head.startsWith(`HTTP/1.1 ${status} `), head);
    assert.match(head, /content-type: application\/problem\+json/);
    assert.match(head, /content-security-policy: default-src 'none'/);
    const id = /x-request-id: (\S+)/.exec(head)?.[1];
    assert.ok(id && body.includes(`"request_id":"${id}"`), status);
  }
});

check("requests over the limit are shed and the service recovers", async (t) => {
  const { service } = await running(t, { MAX_CONCURRENCY: "1", REQUEST_TIMEOUT_MS: "20000" });
  const head = "POST /v1/notes HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{";
  const inside = await socketTo(t, service.base, head);
  const asked = (status: number) => async () => {
    const answer = await service.get("/v1/notes");
    return answer.status === status ? answer : undefined;
  };
  const shed = await eventually("a request that is shed", asked(503));
  assert.equal(shed.headers.get("retry-after"), "1");
  assert.equal((await service.get("/livez")).status, 200);
  inside.write("}");
  const [answer] = (await once(inside, "data")) as [Buffer];
  assert.match(String(answer), /^HTTP\/1\.1 422/);
  await eventually("the place given back", asked(200));
});
