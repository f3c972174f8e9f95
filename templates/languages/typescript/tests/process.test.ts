import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { Client } from "./support/client.ts";
import { eventually, neighbour, socketTo } from "./support/neighbour.ts";
import { check, environmentFor } from "./support/running.ts";

interface Process {
  readonly child: ChildProcess;
  /** Its log so far. */
  readonly lines: Record<string, unknown>[];
}

async function started(t: TestContext, environment: Record<string, string>): Promise<Process> {
  const env = { PATH: process.env["PATH"], ...(await environmentFor(t)), LOG_LEVEL: "info", ...environment };
  const child = spawn(process.execPath, ["src/main.ts"], { env, stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const lines: Record<string, unknown>[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(JSON.parse(line)));
  return { child, lines };
}

/** The service, once it says where it listens. */
function address({ lines }: Process): Promise<Client> {
  return eventually("an address", () => {
    const found = lines.map((line) => /http:\/\/[0-9.:]+/.exec(String(line["message"]))?.[0]).find(Boolean);
    return found ? new Client(found) : undefined;
  });
}

check("the bill of materials names what is installed", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ["src/main.ts", "sbom"]);
  const { components } = JSON.parse(stdout) as { components: { name: string; version: string }[] };
  const version = (name: string) => components.find((one) => one.name === name)?.version;
  assert.match(version("fastify") ?? "none", /^5\./);
  assert.equal(version("eslint"), undefined, "what only tests need is not shipped");
});

check("one line for each request, with the ids of its trace", async (t) => {
  const running = await started(t, {});
  const service = await address(running);
  const trace = "0af7651916cd43dd8448eb211c80319c";
  const headers = { traceparent: `00-${trace}-b7ad6b7169203331-01`, "x-request-id": "me-1" };
  await service.get("/v1/notes?cursor=hunter2", headers);
  const found = await eventually("its line", () => running.lines.find((line) => line["path"] === "/v1/notes"));
  const { method, status, level, request_id, trace_id } = found;
  const expected = { method: "GET", status: 400, level: "info", request_id: "me-1", trace_id: trace };
  assert.deepEqual({ method, status, level, request_id, trace_id }, expected);
  for (const member of ["timestamp", "service", "release", "span_id", "duration_ms"])
    assert.ok(member in found, member);
  assert.ok(!JSON.stringify(running.lines).includes("hunter2"));
});

check("spans and metrics reach the collector, the last ones at the end", async (t) => {
  const received: Record<string, Buffer> = {};
  const collector = await neighbour(t, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const key = `${request.url} ${request.headers["content-type"]}`;
      received[key] = Buffer.concat([received[key] ?? Buffer.alloc(0), ...chunks]);
      response.end();
    });
  });
  const running = await started(t, { OTEL_EXPORTER_OTLP_ENDPOINT: collector, DRAIN_DELAY_MS: "0" });
  const service = await address(running);
  const trace = "0af7651916cd43dd8448eb211c80319c";
  await service.get("/v1/notes", { traceparent: `00-${trace}-b7ad6b7169203331-01` });
  running.child.kill("SIGTERM");
  assert.deepEqual(await once(running.child, "exit"), [0, null]);
  assert.ok(received["/v1/traces application/x-protobuf"]?.includes(Buffer.from(trace, "hex")));
  assert.ok(received["/v1/metrics application/x-protobuf"]?.includes("http.server.request.duration"));
});

check("a collector that is gone holds nothing up", async (t) => {
  const running = await started(t, { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9", DRAIN_DELAY_MS: "0" });
  const service = await address(running);
  assert.equal((await service.get("/v1/notes")).status, 200);
  const began = performance.now();
  running.child.kill("SIGTERM");
  assert.deepEqual(await once(running.child, "exit"), [0, null]);
  assert.ok(performance.now() - began < 9_000);
});

check("a request in flight is finished before the process leaves", async (t) => {
  const running = await started(t, { DRAIN_DELAY_MS: "2000" });
  const service = await address(running);
  const body = JSON.stringify({ title: "last" });
  const head = `POST /v1/notes HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  const inside = await socketTo(t, service.base, head);
  running.child.kill("SIGTERM");
  await eventually("draining", () => running.lines.find((line) => line["message"] === "draining"));
  assert.equal((await service.get("/readyz")).status, 503);
  await eventually("the door closed", async () =>
    service.get("/livez").then(
      () => undefined,
      () => true,
    ),
  );
  inside.write(body);
  const [answer] = (await once(inside, "data")) as [Buffer];
  assert.match(String(answer), /^HTTP\/1\.1 201/);
  assert.deepEqual(await once(running.child, "exit"), [0, null]);
});

check("the process does not start with a wrong configuration, and says which", async (t) => {
  const running = await started(t, { PORT: "hunter2" });
  assert.deepEqual(await once(running.child, "exit"), [78, null]);
  const line = await eventually("the reason", () => running.lines[0]);
  assert.match(String(line["message"]), /PORT/);
  assert.ok(!JSON.stringify(running.lines).includes("hunter2"));
});
