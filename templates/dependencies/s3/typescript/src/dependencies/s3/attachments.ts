// `/v1/notes/{id}/attachment`: one file for each note, of any type, as large as a body may be.
import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import { NoteParams } from "../../notes/model.ts";
import type { NoteStore } from "../../notes/store.ts";
import { Problem } from "../../problems.ts";
import type { Bucket } from "./bucket.ts";

const Stored = Type.Null({ description: "It is stored" });
const PATH = "/v1/notes/:id/attachment";

export function attachmentRoutes(service: FastifyInstance, bucket: Bucket, notes: NoteStore): void {
  service.get<{ Params: NoteParams }>(
    PATH,
    { schema: { summary: "The attachment of a note", params: NoteParams } },
    async (request, reply) => {
      const { id } = await notes.get(request.params.id);
      const stored = await bucket.get(`notes/${id}`);
      if (!stored) throw new Problem(404, "this note has no attachment");
      // Never shown as a page: it is whatever somebody stored.
      reply.header("content-disposition", "attachment").type(stored.type);
      return reply.send(Buffer.from(stored.bytes));
    },
  );

  // A scope of its own, because here a body of any type is taken as it is.
  service.register((scope, _, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, parsed) => {
      parsed(null, body);
    });
    scope.put<{ Params: NoteParams; Body: Buffer | undefined }>(
      PATH,
      { schema: { summary: "Store the attachment of a note", params: NoteParams, response: { 204: Stored } } },
      async (request, reply) => {
        const { id } = await notes.get(request.params.id);
        const type = request.headers["content-type"] ?? "application/octet-stream";
        await bucket.put(`notes/${id}`, { type, bytes: request.body ?? Buffer.alloc(0) });
        return reply.code(204).send();
      },
    );
    done();
  });
}
