// The HTTP side of notes.
import type { FastifyInstance } from "fastify";
import type { IdempotencyKeys } from "../idempotency.ts";
import { NewNote, type Note, PageQuery } from "./model.ts";
import type { NoteStore } from "./store.ts";

const headers = {
  type: "object",
  properties: { "idempotency-key": { type: "string", minLength: 1, maxLength: 255 } },
};

/** `/v1/notes`. */
export function noteRoutes(service: FastifyInstance, store: NoteStore, keys: IdempotencyKeys<Note>): void {
  // With an Idempotency-Key a repeated request gets the first answer again.
  service.post<{ Body: NewNote; Headers: { "idempotency-key"?: string } }>(
    "/v1/notes",
    { schema: { body: NewNote, headers } },
    async (request, reply) => {
      const key = request.headers["idempotency-key"];
      const { answer, replayed } = await keys.once(key, request.body, () => store.add(request.body));
      if (replayed) reply.header("idempotency-replayed", "true");
      return reply.code(201).header("location", `/v1/notes/${answer.id}`).send(answer);
    },
  );

  service.get<{ Querystring: PageQuery }>("/v1/notes", { schema: { querystring: PageQuery } }, async (request) =>
    store.page(request.query.cursor, request.query.limit),
  );

  service.get<{ Params: { id: string } }>("/v1/notes/:id", async (request) => store.get(request.params.id));
}
