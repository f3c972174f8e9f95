// What a note is, and what a caller may send.
import { type Static, Type } from "typebox";

/** The name of the format of text that is Unicode throughout. */
export const WELL_FORMED = "well-formed";

// Some text cannot be stored everywhere: NUL is refused, and half of a surrogate pair.
export const NewNote = Type.Object(
  {
    title: Type.String({
      minLength: 1,
      maxLength: 200,
      pattern: "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$",
      format: WELL_FORMED,
    }),
    text: Type.Optional(Type.String({ default: "", maxLength: 10_000, pattern: "^[^\\u0000]*$", format: WELL_FORMED })),
  },
  { additionalProperties: false },
);
/** As handlers see it: what was left out has its default. */
export type NewNote = Required<Static<typeof NewNote>>;

export const Note = Type.Object({
  id: Type.String(),
  title: Type.String(),
  text: Type.String(),
  created_at: Type.String({ format: "date-time" }),
});
export type Note = Static<typeof Note>;

/** Part of a list; `next_cursor` is null on the last page. */
export const NotePage = Type.Object({
  items: Type.Array(Note),
  next_cursor: Type.Union([Type.String(), Type.Null()]),
});
export type NotePage = Static<typeof NotePage>;

export const PageQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ default: 20, minimum: 1, maximum: 100 })),
  cursor: Type.Optional(Type.String({ maxLength: 100 })),
});
export type PageQuery = Static<typeof PageQuery> & { limit: number };

/** With it a repeated request gets the first answer again. */
export const IdempotencyHeaders = Type.Object({
  "idempotency-key": Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
});
export type IdempotencyHeaders = Static<typeof IdempotencyHeaders>;

export const NoteParams = Type.Object({ id: Type.String({ pattern: "^[0-9a-f]{32}$" }) });
export type NoteParams = Static<typeof NoteParams>;
