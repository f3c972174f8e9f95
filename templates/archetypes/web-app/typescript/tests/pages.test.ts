// The pages as a browser without JavaScript sees them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { prefersHtml } from "../src/pages/problem_page.ts";
import type { Answer, Client } from "./support/client.ts";
import { check, running } from "./support/running.ts";

const BROWSER = { accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" };

function send(service: Client, form: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> {
  const type = { "content-type": "application/x-www-form-urlencoded" };
  return service.send("POST", "/notes", { ...type, ...headers }, new URLSearchParams(form).toString());
}

/** The hidden key of the form. */
function keyOf(page: Answer): string {
  return /name="key" value="([0-9a-f]{32})"/.exec(page.body)?.[1] ?? assert.fail("no key");
}

check("a note is made once however often the form is sent", async (t) => {
  const { service } = await running(t);
  const form = { title: "<b>milk</b>", text: "two\nlitres", key: keyOf(await service.get("/")) };
  const first = await send(service, form);
  const second = await send(service, form);
  assert.deepEqual([first.status, second.status], [303, 303]);
  assert.equal(first.headers.get("location"), second.headers.get("location"));
  const page = await service.get(first.headers.get("location") ?? "");
  assert.ok(page.body.includes("&#60;b&#62;milk&#60;/b&#62;"));
  assert.ok(!page.body.includes("<b>"));
  assert.equal((await service.get("/")).body.split("&#60;b&#62;milk").length, 2);
  assert.equal((await service.get("/v1/notes")).body.items[0].title, "<b>milk</b>");
});

check("what was typed is shown again with what is wrong", async (t) => {
  const { service } = await running(t);
  const answer = await send(service, { title: "", text: 'keep "me" & mine' });
  assert.equal(answer.status, 422);
  assert.ok(answer.body.includes("<li>title: is empty</li>"), answer.body);
  assert.ok(answer.body.includes("keep &#34;me&#34; &#38; mine</textarea>"), answer.body);
});

check("a form that was changed after it was sent is asked about", async (t) => {
  const { service } = await running(t);
  const key = keyOf(await service.get("/"));
  assert.equal((await send(service, { title: "one", key })).status, 303);
  const again = await send(service, { title: "two", key });
  assert.equal(again.status, 422);
  assert.match(again.body, /value="two"/);
  assert.equal((await send(service, { title: "two", key: keyOf(again) })).status, 303);
});

check("a key that cannot be kept is none", async (t) => {
  const { service } = await running(t);
  assert.equal((await send(service, { title: "x", key: "\u0000" })).status, 303);
});

check("only forms of this site are taken", async (t) => {
  const { service } = await running(t);
  const host = new URL(service.base).host;
  const cases: [Record<string, string>, number][] = [
    [{ "sec-fetch-site": "same-origin" }, 303],
    [{ "sec-fetch-site": "cross-site" }, 403],
    [{ "sec-fetch-site": "same-site" }, 403],
    [{ origin: "https://evil.example" }, 403],
    [{ origin: "null" }, 403],
    [{ origin: `http://${host}` }, 303],
    [{ origin: "https://notes.example", "x-forwarded-host": "notes.example" }, 303],
    [{}, 303],
  ];
  for (const [headers, status] of cases) {
    assert.equal((await send(service, { title: "x" }, headers)).status, status, JSON.stringify(headers));
  }
  assert.equal((await service.post("/notes", { title: "x" })).status, 415);
});

check("static files have a digest and are kept for a year", async (t) => {
  const { service } = await running(t);
  const address = /href="(\/static\/style\.[0-9a-f]{16}\.css)"/.exec((await service.get("/")).body)?.[1];
  const style = await service.get(address ?? assert.fail("no style"));
  assert.match(style.headers.get("content-type") ?? "", /^text\/css/);
  assert.equal(style.headers.get("cache-control"), "public, max-age=31536000, immutable");
  for (const other of ["style.css", "..%2Froutes.ts", "style.0000000000000000.css"]) {
    assert.equal((await service.get(`/static/${other}`)).status, 404);
  }
});

check("pages may load their own files and nothing else", async (t) => {
  const { service } = await running(t);
  const { headers } = await service.get("/");
  const expected = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
  assert.equal(headers.get("content-security-policy"), expected);
  assert.equal(headers.get("cache-control"), "no-store");
  assert.equal(headers.get("referrer-policy"), "same-origin", "else forms come from nowhere");
  assert.match((await service.get("/v1/notes")).headers.get("content-security-policy") ?? "", /^default-src 'none'/);
});

check("errors are pages for browsers and problems for programs", async (t) => {
  const { service } = await running(t);
  assert.equal((await service.get("/notes/%00", BROWSER)).status, 404);
  const page = await service.get("/notes/nothing", BROWSER);
  assert.equal(page.status, 404);
  assert.equal(page.headers.get("content-type"), "text/html; charset=utf-8");
  assert.ok(page.body.includes(page.headers.get("x-request-id")));
  for (const accept of ["*/*", "application/json"]) {
    const answer = await service.get("/notes/nothing", { accept });
    assert.match(answer.headers.get("content-type") ?? "", /^application\/problem\+json/);
  }
  assert.equal((await service.get("/?cursor=!")).status, 400);
});

check("a long list is read page by page", async (t) => {
  const { service } = await running(t);
  for (let number = 0; number < 25; number++) await service.post("/v1/notes", { title: `number ${number}.` });
  const first = await service.get("/");
  assert.ok(first.body.includes("number 19.") && !first.body.includes("number 20."));
  const following = /href="(\/\?cursor=[^"]+)"/.exec(first.body)?.[1];
  const second = await service.get(following ?? assert.fail("no second page"));
  assert.ok(second.body.includes("number 24.") && !second.body.includes("More notes"));
});

await test("what a caller prefers", () => {
  assert.ok(prefersHtml("text/html"));
  assert.ok(prefersHtml("application/json;q=0.5, text/html;q=0.9"));
  assert.ok(!prefersHtml("text/html;q=0.5, application/json"));
  assert.ok(!prefersHtml("text/html, application/problem+json"));
  assert.ok(!prefersHtml(""));
  assert.ok(!prefersHtml("text/html;q=0"));
});
