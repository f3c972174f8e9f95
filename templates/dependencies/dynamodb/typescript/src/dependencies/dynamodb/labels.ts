// `/v1/notes/{id}/labels`: words by which a note is found again.
import type { FastifyInstance } from "fastify";
import { type Static, Type } from "typebox";
import { NoteParams } from "../../notes/model.ts";
import type { NoteStore } from "../../notes/store.ts";
import type { Table } from "./table.ts";

const PATH = "/v1/notes/:id/labels";

const Labels = Type.Object(
  { labels: Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { maxItems: 50 }) },
  { additionalProperties: false },
);
type Labels = Static<typeof Labels>;

export function labelRoutes(service: FastifyInstance, table: Table, notes: NoteStore): void {
  service.put<{ Params: NoteParams; Body: Labels }>(
    PATH,
    {
      schema: { summary: "Replace the labels of a note", params: NoteParams, body: Labels, response: { 200: Labels } },
    },
    async (request) => {
      const { id } = await notes.get(request.params.id);
      await table.putLabels(`note#${id}`, request.body.labels);
      return request.body;
    },
  );

  service.get<{ Params: NoteParams }>(
    PATH,
    { schema: { summary: "The labels of a note", params: NoteParams, response: { 200: Labels } } },
    async (request) => {
      const { id } = await notes.get(request.params.id);
      const { value } = await table.labels(`note#${id}`);
      return { labels: value };
    },
  );
}
