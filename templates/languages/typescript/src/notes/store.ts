// Where notes live: in memory, newest kept. Its methods are what a database behind it would offer.
import { randomUUID } from "node:crypto";
import { Problem } from "../problems.ts";
import type { NewNote, Note, NotePage } from "./model.ts";

const MOST_NOTES = 10_000; // a process has no disk to grow into

export class NoteStore {
  readonly #notes = new Map<string, { number: number; note: Note }>();
  #number = 0;

  /** Keeps a note; drops the oldest when there are too many. */
  async add(made: NewNote): Promise<Note> {
    const note = { id: randomUUID(), title: made.title.trim(), text: made.text, created_at: new Date().toISOString() };
    this.#number += 1;
    this.#notes.set(note.id, { number: this.#number, note });
    const oldest = this.#notes.keys().next().value;
    if (this.#notes.size > MOST_NOTES && oldest !== undefined) this.#notes.delete(oldest);
    return note;
  }

  /** One note, or 404. */
  async get(id: string): Promise<Note> {
    const found = this.#notes.get(id);
    if (!found) throw new Problem(404, "there is no such note");
    return found.note;
  }

  /** Notes after the cursor. A note made meanwhile never shifts or repeats another. */
  async page(cursor: string | undefined, limit: number): Promise<NotePage> {
    const after = numberOf(cursor);
    const found = [];
    for (const entry of this.#notes.values()) {
      if (entry.number > after) found.push(entry);
      if (found.length > limit) break;
    }
    const last = found.length > limit ? found[limit - 1] : undefined;
    return {
      items: found.slice(0, limit).map((entry) => entry.note),
      next_cursor: last ? Buffer.from(String(last.number)).toString("base64url") : null,
    };
  }
}

function numberOf(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  const number = Number(Buffer.from(cursor, "base64url").toString());
  if (!Number.isSafeInteger(number)) throw new Problem(400, "cursor: not one that this service gave out");
  return number;
}
