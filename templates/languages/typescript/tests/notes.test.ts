import assert from "node:assert/strict";
import { check, running } from "./support/running.ts";

check("a note that was made can be read again", async (t) => {
  const { service } = await running(t);
  const made = await service.post("/v1/notes", { title: " hello ", text: " as it\n is \n" });
  assert.equal(made.status, 201);
  assert.equal(made.body.title, "hello");
  assert.equal(made.body.text, " as it\n is \n");
  assert.match(made.body.id, /^[0-9a-f]{32}$/);
  const read = await service.get(made.headers.get("location") ?? "");
  assert.deepEqual(read.body, made.body);
});

check("pages neither repeat nor lose a note", async (t) => {
  const { service } = await running(t);
  for (let i = 0; i < 5; i++) await service.post("/v1/notes", { title: `n${i}` });
  const titles: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const { body } = await service.get(`/v1/notes?limit=2${cursor && `&cursor=${cursor}`}`);
    titles.push(...body.items.map((note: { title: string }) => note.title));
    cursor = body.next_cursor;
  }
  assert.deepEqual(titles, ["n0", "n1", "n2", "n3", "n4"]);
});

check("a repeated write is answered and not done again", async (t) => {
  const { service } = await running(t);
  const send = (title: string) => service.post("/v1/notes", { title }, { "idempotency-key": "k" });
  const first = await send("one");
  assert.equal(first.headers.get("idempotency-replayed"), null);
  const again = await send("one");
  assert.equal(again.headers.get("idempotency-replayed"), "true");
  assert.deepEqual(again.body, first.body);
  assert.equal((await send("two")).status, 422);
  assert.equal((await service.get("/v1/notes")).body.items.length, 1);
});

check("the same write ten times at once is done once", async (t) => {
  const { service } = await running(t);
  const send = () => service.post("/v1/notes", { title: "x" }, { "idempotency-key": "k" });
  const answers = await Promise.all(Array.from({ length: 10 }, send));
  const statuses = answers.map((answer) => answer.status);
  assert.ok(statuses.includes(201), String(statuses));
  for (const { status, headers } of answers) {
    assert.ok(status === 201 || (status === 409 && headers.get("retry-after") === "1"), String(statuses));
  }
  assert.equal((await service.get("/v1/notes")).body.items.length, 1);
});

check("wrong input is a problem that names the field and not the value", async (t) => {
  const { service } = await running(t);
  const wrong: [unknown, string][] = [
    [{}, "body.title"],
    [{ title: "" }, "body.title"],
    [{ title: " " }, "body.title"],
    [{ title: 5 }, "body.title"],
    [{ title: "a\u0000" }, "body.title"],
    [{ title: "a\ud800" }, "body.title"],
    [{ title: "x", text: "\udc00 a" }, "body.text"],
    [{ title: "x", hunter2: "hunter3" }, "body.hunter2"],
    [{ title: "x".repeat(201) }, "body.title"],
    [[], "body"],
  ];
  for (const [body, field] of wrong) {
    const answer = await service.post("/v1/notes", body);
    assert.equal(answer.status, 422, JSON.stringify(body));
    assert.match(answer.headers.get("content-type") ?? "", /^application\/problem\+json/);
    assert.equal(answer.body.errors[0].field, field);
    assert.ok(answer.body.errors[0].message);
    assert.ok(!JSON.stringify(answer.body).includes("hunter3"));
  }
  const json = { "content-type": "application/json" };
  assert.equal((await service.send("POST", "/v1/notes", json, "{")).status, 400);
  const cut = Buffer.from('{"title":"é"}').filter((byte) => byte !== 0xa9);
  assert.equal((await service.send("POST", "/v1/notes", json, cut)).status, 400);
  const endless = await service.get("/v1/notes?limit=0");
  assert.deepEqual([endless.status, endless.body.errors[0].field], [422, "query.limit"]);
  const key = await service.post("/v1/notes", { title: "x" }, { "idempotency-key": "k".repeat(256) });
  assert.deepEqual([key.status, key.body.errors[0].field], [422, "header.idempotency-key"]);
  assert.equal((await service.get("/v1/notes?limit=x")).status, 422);
  assert.equal((await service.get("/v1/notes?cursor=nonsense")).status, 400);
  for (const id of ["none", "%00", "0".repeat(32)]) {
    for (let i = 0; i < 6; i++) assert.equal((await service.get(`/v1/notes/${id}`)).status, 404, id);
  }
});
