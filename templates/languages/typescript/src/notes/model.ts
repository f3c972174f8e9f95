// What a note is, and what a caller may send.
import { Type, type Static } from "@sinclair/typebox";

export const NewNote = Type.Object(
  {
    title: Type.String({ minLength: 1, maxLength: 200, pattern: "\\S" }),
    text: Type.String({ default: "", maxLength: 10_000 }),
  },
  { additionalProperties: false },
);
export type NewNote = Static<typeof NewNote>;

export interface Note {
  id: string;
  title: string;
  text: string;
  created_at: string;
}

/** Part of a list; `next_cursor` is null on the last page. */
export interface NotePage {
  items: Note[];
  next_cursor: string | null;
}

export const PageQuery = Type.Object({
  limit: Type.Integer({ default: 20, minimum: 1, maximum: 100 }),
  cursor: Type.Optional(Type.String({ maxLength: 100 })),
});
export type PageQuery = Static<typeof PageQuery>;
