import assert from "node:assert/strict";
import { ConfigurationError, loadSettings } from "../src/settings.ts";
import { check, environmentFor, running } from "./support/running.ts";

check("health says which release it is, and readiness fails while leaving", async (t) => {
  const { service, lifecycle } = await running(t);
  assert.deepEqual((await service.get("/livez")).body.release, "7");
  lifecycle.draining = true;
  const ready = await service.get("/readyz");
  assert.equal(ready.status, 503);
  assert.equal(ready.body.status, "draining");
  assert.equal((await service.get("/livez")).status, 200);
});

check("a sane request id is kept and another replaced", async (t) => {
  const { service } = await running(t);
  const ask = async (id: string) =>
    (await service.get("/v1/notes", { "x-request-id": id })).headers.get("x-request-id");
  assert.equal(await ask("abc-1"), "abc-1");
  assert.notEqual(await ask("a b{}"), "a b{}");
});

check("every answer tells browsers to be careful, and none says what made it", async (t) => {
  const { service } = await running(t);
  for (const path of ["/livez", "/v1/notes", "/nowhere"]) {
    const { headers } = await service.get(path);
    assert.equal(headers.get("x-content-type-options"), "nosniff", path);
    assert.ok(headers.get("content-security-policy")?.includes("frame-ancestors 'none'"), path);
    assert.ok(headers.has("strict-transport-security") && headers.has("referrer-policy"), path);
    assert.ok(!headers.has("server") && !headers.has("x-powered-by"), path);
  }
});

check("what cannot be answered is a problem of the right status", async (t) => {
  const { service } = await running(t, { MAX_BODY_BYTES: "100" });
  const long = { title: "x", text: "y".repeat(200) };
  assert.equal((await service.post("/v1/notes", long)).status, 413);
  assert.equal((await service.get("/nowhere")).status, 404);
  const text = await service.send("POST", "/v1/notes", { "content-type": "text/plain" }, "x");
  assert.equal(text.status, 415);
  const endless = await service.get(`/v1/notes/${"x".repeat(500)}`);
  assert.deepEqual([endless.status, endless.body.status], [414, 414]);
  const undecodable = await service.get("/v1/notes/%ff");
  assert.equal(undecodable.status, 400);
  assert.equal(undecodable.body.request_id, undecodable.headers.get("x-request-id"));
  assert.equal(undecodable.headers.get("x-content-type-options"), "nosniff");
  const deleted = await service.send("DELETE", "/v1/notes", {});
  assert.equal(deleted.status, 405);
  assert.match(deleted.headers.get("allow") ?? "", /GET.*POST|POST.*GET/);
  assert.equal(deleted.body.request_id, deleted.headers.get("x-request-id"));
});

check("the service describes itself", async (t) => {
  const { service } = await running(t);
  const { body } = await service.get("/openapi.json");
  assert.equal(body.openapi, "3.1.0");
  const { responses } = body.paths["/v1/notes/{id}"].get;
  assert.ok(responses["200"] && responses["404"].content["application/problem+json"]);
  assert.ok(body.paths["/v1/notes"].post.responses["201"]);
  assert.ok(!JSON.stringify(body).includes("well-formed"));
});

check("a level is one of four, however it is written", async (t) => {
  const environment = await environmentFor(t);
  const level = (LOG_LEVEL: string) => loadSettings({ ...environment, LOG_LEVEL }).LOG_LEVEL;
  assert.equal(level("WARN"), "warn");
  assert.equal(level(""), "info");
  for (const other of ["trace", "fatal", "silent", "hunter2"]) {
    assert.throws(() => level(other), /^Error: LOG_LEVEL must be equal to one of the allowed values$/);
  }
});

check("wrong variables are all named, without their values", async (t) => {
  const environment = await environmentFor(t);
  assert.throws(
    () => loadSettings({ ...environment, PORT: "hunter2", MAX_CONCURRENCY: "-1" }),
    (error) =>
      error instanceof ConfigurationError &&
      error.message.includes("PORT") &&
      error.message.includes("MAX_CONCURRENCY") &&
      !error.message.includes("hunter2"),
  );
});
