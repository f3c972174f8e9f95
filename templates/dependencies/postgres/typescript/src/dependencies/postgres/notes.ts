// Notes in PostgreSQL. The row of an idempotency key is written in the transaction of its note: both are there or none.
import type { PoolClient } from "pg";
import type { NewNote, Note, NotePage } from "../../notes/model.ts";
import { cursorAt, newNote, type NoteStore, noSuchNote, numberAt, type Written } from "../../notes/store.ts";
import { Problem } from "../../problems.ts";
import type { Database } from "./database.ts";

interface Row {
  readonly number: string;
  readonly id: string;
  readonly title: string;
  readonly text: string;
  readonly created_at: Date;
}

const COLUMNS = "number, id, title, text, created_at";

const EXPIRED = "created_at < now() - interval '24 hours'";

const KEEP = `INSERT INTO idempotency_keys (key, payload, answer) VALUES ($1, $2, $3)
  ON CONFLICT (key) DO UPDATE SET payload = excluded.payload, answer = excluded.answer, created_at = now()`;

// A few with every write, and none that another write is at: nobody waits for tidying up.
const FORGET = `DELETE FROM idempotency_keys WHERE key IN
  (SELECT key FROM idempotency_keys WHERE ${EXPIRED} LIMIT 20 FOR UPDATE SKIP LOCKED)`;

function noteOf({ id, title, text, created_at }: Row): Note {
  return { id, title, text, created_at: created_at.toISOString() };
}

export class PostgresNotes implements NoteStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async add(made: NewNote, key?: string): Promise<Written> {
    const note = newNote(made);
    if (key === undefined) {
      await this.#database.transaction(false, (client) => insert(client, note));
      return { note, replayed: false };
    }
    // With a key a second attempt finds what the first one did.
    return this.#database.transaction(true, (client) => addOnce(client, key, JSON.stringify(made), note));
  }

  async get(id: string): Promise<Note> {
    const row = await this.#database.read(async (client) => {
      const found = await client.query<Row>(`SELECT ${COLUMNS} FROM notes WHERE id = $1`, [id]);
      return found.rows[0];
    });
    if (!row) throw noSuchNote();
    return noteOf(row);
  }

  async page(cursor: string | undefined, limit: number): Promise<NotePage> {
    const after = numberAt(cursor);
    const rows = await this.#database.read(async (client) => {
      const sql = `SELECT ${COLUMNS} FROM notes WHERE number > $1 ORDER BY number LIMIT $2`;
      const found = await client.query<Row>(sql, [after, limit + 1]);
      return found.rows;
    });
    const last = rows.length > limit ? rows[limit - 1] : undefined;
    return { items: rows.slice(0, limit).map(noteOf), next_cursor: last ? cursorAt(Number(last.number)) : null };
  }

  async newest(limit: number): Promise<Note[]> {
    const rows = await this.#database.read(async (client) => {
      const found = await client.query<Row>(`SELECT ${COLUMNS} FROM notes ORDER BY number DESC LIMIT $1`, [limit]);
      return found.rows;
    });
    return rows.map(noteOf);
  }
}

async function insert(client: PoolClient, note: Note): Promise<void> {
  const sql = "INSERT INTO notes (id, title, text, created_at) VALUES ($1, $2, $3, $4)";
  await client.query(sql, [note.id, note.title, note.text, note.created_at]);
}

async function addOnce(client: PoolClient, key: string, payload: string, note: Note): Promise<Written> {
  const lock = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS free";
  const { rows: locks } = await client.query<{ free: boolean }>(lock, [key]);
  if (!locks[0]?.free) throw new Problem(409, "the first request with this Idempotency-Key is still running");

  const known = `SELECT payload, answer FROM idempotency_keys WHERE key = $1 AND NOT ${EXPIRED}`;
  const { rows } = await client.query<{ payload: string; answer: Note }>(known, [key]);
  const [first] = rows;
  if (first) {
    if (first.payload !== payload) throw new Problem(422, "this Idempotency-Key was used with another payload");
    return { note: first.answer, replayed: true };
  }
  await insert(client, note);
  await client.query(KEEP, [key, payload, note]);
  await client.query(FORGET);
  return { note, replayed: false };
}
