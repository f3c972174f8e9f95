// Notes read through the cache. Notes do not change, so nothing that is kept is ever wrong.
import { markDegraded } from "../../context.ts";
import type { NewNote, Note, NotePage } from "../../notes/model.ts";
import type { NoteStore, Written } from "../../notes/store.ts";
import { SERVICE } from "../../settings.ts";
import { DependencyFailure } from "../failures.ts";
import type { Cache } from "./cache.ts";

const KEPT_SECONDS = 60;

export class CachedNotes implements NoteStore {
  readonly #store: NoteStore;
  readonly #cache: Cache;

  constructor(store: NoteStore, cache: Cache) {
    this.#store = store;
    this.#cache = cache;
  }

  async get(id: string): Promise<Note> {
    const key = `${SERVICE}:note:${id}`;
    const kept = await this.#orDegraded(this.#cache.get(key));
    if (kept) return JSON.parse(kept) as Note;
    const note = await this.#store.get(id);
    // Undefined: the cache did not answer, so it is not asked again.
    if (kept === null) await this.#orDegraded(this.#cache.set(key, JSON.stringify(note), KEPT_SECONDS));
    return note;
  }

  add(made: NewNote, key?: string): Promise<Written> {
    return this.#store.add(made, key);
  }

  page(cursor: string | undefined, limit: number): Promise<NotePage> {
    return this.#store.page(cursor, limit);
  }

  newest(limit: number): Promise<Note[]> {
    return this.#store.newest(limit);
  }

  async #orDegraded<T>(asked: Promise<T>): Promise<T | undefined> {
    try {
      return await asked;
    } catch (error) {
      if (!(error instanceof DependencyFailure)) throw error;
      markDegraded(this.#cache.name);
      return undefined;
    }
  }
}
