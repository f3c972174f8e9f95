// The pages of notes: they work without JavaScript.
import { randomUUID } from "node:crypto";
import formbody from "@fastify/formbody";
import type { ErrorObject } from "ajv";
import type { FastifyInstance, FastifyReply } from "fastify";
import { NewNote, NoteParams } from "../notes/model.ts";
import type { NoteStore } from "../notes/store.ts";
import { Problem } from "../problems.ts";
import { asItIs } from "../validation.ts";
import { sendPage } from "./answers.ts";
import { onlyFromThisSite } from "./same_site.ts";
import { staticFile } from "./static_files.ts";
import { listPage, notePage, type Typed } from "./views.ts";

const PAGE_SIZE = 20;
// Unlike a header, a field of a form can hold what no database keeps.
const SANE_KEY = /^\P{C}{1,255}$/u;
const A_YEAR = "public, max-age=31536000, immutable";
const WORDS: Readonly<Record<string, string>> = {
  minLength: "is empty",
  maxLength: "is too long",
  pattern: "is blank, or holds a character that cannot be kept",
};
const EMPTY: Typed = { title: "", text: "" };

const valid = asItIs.compile<NewNote>(NewNote);

type Form = Record<string, string | string[] | undefined>;

function field(form: Form, name: string): string {
  const value = form[name];
  return typeof value === "string" ? value : "";
}

/** One line for each field that is wrong. */
function wordsFor(faults: readonly ErrorObject[]): string[] {
  const words = new Map<string, string>();
  for (const { instancePath, keyword } of faults) {
    const name = instancePath.slice(1);
    if (!words.has(name)) words.set(name, `${name}: ${WORDS[keyword] ?? "is wrong"}`);
  }
  return [...words.values()];
}

export async function pageRoutes(service: FastifyInstance, notes: NoteStore): Promise<void> {
  // A scope of its own: only here a body is a form, and nothing else.
  await service.register(async (pages) => {
    pages.removeAllContentTypeParsers();
    await pages.register(formbody);
    addPages(pages, notes);
  });
}

function addPages(pages: FastifyInstance, notes: NoteStore): void {
  const schema = { hide: true };

  async function sendList(reply: FastifyReply, cursor: string | undefined, typed = EMPTY, wrong: string[] = []) {
    const page = await notes.page(cursor, PAGE_SIZE);
    const key = randomUUID().replaceAll("-", "");
    return sendPage(reply, wrong.length > 0 ? 422 : 200, listPage(page, key, typed, wrong));
  }

  pages.get<{ Querystring: { cursor?: string } }>("/", { schema }, (request, reply) =>
    sendList(reply, request.query.cursor),
  );

  pages.get<{ Params: NoteParams }>(
    "/notes/:id",
    { schema: { ...schema, params: NoteParams } },
    async (request, reply) => sendPage(reply, 200, notePage(await notes.get(request.params.id))),
  );

  pages.post<{ Body: Form | undefined }>("/notes", { schema }, async (request, reply) => {
    onlyFromThisSite(request);
    const form = request.body ?? {};
    const typed = { title: field(form, "title"), text: field(form, "text") };
    if (!valid(typed)) {
      const wrong = wordsFor(valid.errors ?? []);
      return sendList(reply, undefined, typed, wrong);
    }
    const key = field(form, "key");
    try {
      const { note } = await notes.add(typed, SANE_KEY.test(key) ? key : undefined);
      return await reply.redirect(`/notes/${note.id}`, 303);
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 422) throw error;
      // The form was sent, changed and sent again: what is typed now is another note.
      return sendList(reply, undefined, typed, ["This form was sent before. Send it again to make another note."]);
    }
  });

  pages.get<{ Params: { file: string } }>("/static/:file", { schema }, (request, reply) => {
    const file = staticFile(request.params.file);
    if (!file) throw new Problem(404, "there is no such file");
    return reply.header("cache-control", A_YEAR).type(file.type).send(file.content);
  });
}
