// The HTTP side of notes.
import type { FastifyInstance } from "fastify";
import { IdempotencyHeaders, NewNote, Note, NotePage, NoteParams, PageQuery } from "./model.ts";
import type { NoteStore } from "./store.ts";

/** `/v1/notes`. */
export function noteRoutes(service: FastifyInstance, store: NoteStore): void {
  service.post<{ Body: NewNote; Headers: IdempotencyHeaders }>(
    "/v1/notes",
    { schema: { summary: "Make a note", body: NewNote, headers: IdempotencyHeaders, response: { 201: Note } } },
    async (request, reply) => {
      const { note, replayed } = await store.add(request.body, request.headers["idempotency-key"]);
      if (replayed) reply.header("idempotency-replayed", "true");
      return reply.code(201).header("location", `/v1/notes/${note.id}`).send(note);
    },
  );

  service.get<{ Querystring: PageQuery }>(
    "/v1/notes",
    { schema: { summary: "Notes in the order made", querystring: PageQuery, response: { 200: NotePage } } },
    async (request) => store.page(request.query.cursor, request.query.limit),
  );

  service.get<{ Params: NoteParams }>(
    "/v1/notes/:id",
    { schema: { summary: "One note", params: NoteParams, response: { 200: Note } } },
    async (request) => store.get(request.params.id),
  );
}
