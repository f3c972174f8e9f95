// `POST /v1/notes/{id}/share`: asks for a note to be shared; who reads the queue does it.
import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import { IdempotencyHeaders, NoteParams } from "../../notes/model.ts";
import type { NoteStore } from "../../notes/store.ts";
import type { Queue } from "./queue.ts";

const Accepted = Type.Object({ message_id: Type.String() });

export function shareRoutes(service: FastifyInstance, queue: Queue, notes: NoteStore): void {
  service.post<{ Params: NoteParams; Headers: IdempotencyHeaders }>(
    "/v1/notes/:id/share",
    {
      schema: {
        summary: "Ask for a note to be shared",
        params: NoteParams,
        headers: IdempotencyHeaders,
        response: { 202: Accepted },
      },
    },
    async (request, reply) => {
      const { id } = await notes.get(request.params.id);
      const key = request.headers["idempotency-key"] ?? null;
      const message = { type: "note.shared", note_id: id, idempotency_key: key };
      return reply.code(202).send({ message_id: await queue.send(message) });
    },
  );
}
