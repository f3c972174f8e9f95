import assert from "node:assert/strict";
import { test } from "node:test";
import { json, running } from "./running.ts";

test("a note that was made can be read again", async (t) => {
  const { base } = await running(t);
  const made = await fetch(`${base}/v1/notes`, { method: "POST", headers: json, body: JSON.stringify({ title: " hello " }) });
  assert.equal(made.status, 201);
  const note = await made.json();
  assert.equal(note.title, "hello");
  const read = await fetch(base + made.headers.get("location"));
  assert.deepEqual(await read.json(), note);
});

test("pages neither repeat nor lose a note", async (t) => {
  const { base } = await running(t);
  for (let i = 0; i < 5; i++) {
    await fetch(`${base}/v1/notes`, { method: "POST", headers: json, body: JSON.stringify({ title: `n${i}` }) });
  }
  const titles: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const page: any = await (await fetch(`${base}/v1/notes?limit=2${cursor && `&cursor=${cursor}`}`)).json();
    titles.push(...page.items.map((note: { title: string }) => note.title));
    cursor = page.next_cursor;
  }
  assert.deepEqual(titles, ["n0", "n1", "n2", "n3", "n4"]);
});

test("a repeated write is answered and not done again", async (t) => {
  const { base } = await running(t);
  const send = (title: string) =>
    fetch(`${base}/v1/notes`, { method: "POST", headers: { ...json, "idempotency-key": "k" }, body: JSON.stringify({ title }) });
  const first = await (await send("one")).json();
  const again = await send("one");
  assert.equal(again.headers.get("idempotency-replayed"), "true");
  assert.deepEqual(await again.json(), first);
  assert.equal((await send("two")).status, 422);
  const page: any = await (await fetch(`${base}/v1/notes`)).json();
  assert.equal(page.items.length, 1);
});

test("wrong input is a problem that names the field and not the value", async (t) => {
  const { base } = await running(t);
  for (const body of [{}, { title: "" }, { title: "x", secret: "hunter2" }, { title: "x".repeat(201) }]) {
    const answer = await fetch(`${base}/v1/notes`, { method: "POST", headers: json, body: JSON.stringify(body) });
    assert.equal(answer.status, 422, JSON.stringify(body));
    assert.equal(answer.headers.get("content-type"), "application/problem+json; charset=utf-8");
    assert.ok(!(await answer.text()).includes("hunter2"));
  }
  assert.equal((await fetch(`${base}/v1/notes`, { method: "POST", headers: json, body: "{" })).status, 400);
  assert.equal((await fetch(`${base}/v1/notes?limit=0`)).status, 422);
  assert.equal((await fetch(`${base}/v1/notes?cursor=nonsense`)).status, 400);
  assert.equal((await fetch(`${base}/v1/notes/none`)).status, 404);
  assert.equal((await fetch(`${base}/nowhere`)).status, 404);
});
