// Notes with Fastify and nothing else: what a generated service is measured against.
import { randomUUID } from "node:crypto";
import fastify from "fastify";

interface NewNote {
  title: string;
  text: string;
}

interface Note extends NewNote {
  id: string;
  created_at: string;
}

const newNote = {
  type: "object",
  required: ["title"],
  properties: {
    title: { type: "string", minLength: 1, maxLength: 200 },
    text: { type: "string", maxLength: 10_000, default: "" },
  },
};
const pageQuery = {
  type: "object",
  properties: { limit: { type: "integer", minimum: 1, maximum: 100, default: 20 } },
};

const service = fastify();
const notes: Note[] = [];

service.post<{ Body: NewNote }>("/v1/notes", { schema: { body: newNote } }, async (request, reply) => {
  const { title, text } = request.body;
  const note = { id: randomUUID(), title, text, created_at: new Date().toISOString() };
  notes.push(note);
  return reply.code(201).header("location", `/v1/notes/${note.id}`).send(note);
});

service.get<{ Querystring: { limit: number } }>("/v1/notes", { schema: { querystring: pageQuery } }, async (request) => ({
  items: notes.slice(0, request.query.limit),
}));

await service.listen({ host: process.env["HOST"] ?? "127.0.0.1", port: Number(process.env["PORT"]) });
