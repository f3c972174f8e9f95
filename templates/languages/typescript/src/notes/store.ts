// What the service asks of the place where notes live.
import { randomUUID } from "node:crypto";
import { Problem } from "../problems.ts";
import type { NewNote, Note, NotePage } from "./model.ts";

export interface Written {
  readonly note: Note;
  /** The same request was made before: this is its answer. */
  readonly replayed: boolean;
}

export interface NoteStore {
  /** Keeps a note; with a key, once: 409 while the first request runs, 422 when it had another payload. */
  add(made: NewNote, key?: string): Promise<Written>;
  /** One note, or 404. */
  get(id: string): Promise<Note>;
  /** Notes after the cursor, in the order made. */
  page(cursor: string | undefined, limit: number): Promise<NotePage>;
  /** The last ones, newest first. */
  newest(limit: number): Promise<Note[]>;
}

export function newNote(made: NewNote): Note {
  const id = randomUUID().replaceAll("-", "");
  return { id, title: made.title.trim(), text: made.text.trim(), created_at: new Date().toISOString() };
}

export function noSuchNote(): Problem {
  return new Problem(404, "there is no such note");
}

/** A cursor is the number of the last note that was shown. */
export function cursorAt(number: number): string {
  return Buffer.from(String(number)).toString("base64url");
}

export function numberAt(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  const text = Buffer.from(cursor, "base64url").toString();
  if (!/^[0-9]{1,15}$/.test(text)) throw new Problem(400, "cursor: not one that this service gave out");
  return Number(text);
}
