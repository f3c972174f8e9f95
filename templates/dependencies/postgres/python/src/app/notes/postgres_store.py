"""Notes in PostgreSQL. An idempotency key and its note are one transaction: both are there, or neither."""

from typing import Any
from uuid import uuid4

from app.dependencies.postgres.database import Connection, Database
from app.idempotency import EXPIRES_SECONDS, another_payload, fingerprint, still_running
from app.notes.cursor import cursor_of, number_of
from app.notes.models import NewNote, Note, NotePage
from app.problems import Problem

ADD = "INSERT INTO notes (id, title, text, created_at) VALUES ($1, $2, $3, now()) RETURNING *"
FIND = "SELECT * FROM notes WHERE id = $1"
PAGE = "SELECT * FROM notes WHERE number > $1 ORDER BY number LIMIT $2"
NEWEST = "SELECT * FROM notes ORDER BY number DESC LIMIT $1"

# Held until the transaction ends, so also by a request whose process dies.
CLAIM = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))"
ANSWERED = "SELECT * FROM idempotency_keys WHERE key = $1 AND created_at > now() - $2 * interval '1 s'"
REMEMBER = """
INSERT INTO idempotency_keys (key, fingerprint, answer) VALUES ($1, $2, $3)
ON CONFLICT (key) DO UPDATE SET fingerprint = excluded.fingerprint, answer = excluded.answer, created_at = now()
"""
# Each write takes a few expired keys away, so that nothing else has to.
FORGET = """
DELETE FROM idempotency_keys WHERE key IN (
    SELECT key FROM idempotency_keys WHERE created_at < now() - $1 * interval '1 s'
    ORDER BY created_at LIMIT 10 FOR UPDATE SKIP LOCKED
)
"""


class PostgresNotes:
    """Notes of all instances."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, new: NewNote, key: str | None = None) -> tuple[Note, bool]:
        """Keeps a note. Only with a key may it be tried again: without one a note could be made twice."""
        if key is None:
            return await self._database.transaction(lambda one: _insert(one, new), idempotent=False), False
        outcome = await self._database.transaction(lambda one: _once(one, new, key), idempotent=True)
        # Raised here and not inside: it is the caller's mistake and not the database's.
        if isinstance(outcome, Problem):
            raise outcome
        return outcome

    async def find(self, note_id: str) -> Note | None:
        """One note, if it is there."""
        row = await self._database.transaction(lambda one: one.fetchrow(FIND, note_id), idempotent=True)
        return row and _note(row)

    async def page(self, cursor: str | None, limit: int) -> NotePage:
        """Notes after the cursor."""
        after = number_of(cursor)
        rows = await self._database.transaction(lambda one: one.fetch(PAGE, after, limit + 1), idempotent=True)
        next_cursor = cursor_of(rows[limit - 1]["number"]) if len(rows) > limit else None
        return NotePage(items=[_note(row) for row in rows[:limit]], next_cursor=next_cursor)

    async def newest(self, limit: int) -> list[Note]:
        """The notes made last, the last first."""
        rows = await self._database.transaction(lambda one: one.fetch(NEWEST, limit), idempotent=True)
        return [_note(row) for row in rows]


async def _insert(connection: Connection, new: NewNote) -> Note:
    return _note(await connection.fetchrow(ADD, uuid4().hex, new.title, new.text))


async def _once(connection: Connection, new: NewNote, key: str) -> tuple[Note, bool] | Problem:
    if not await connection.fetchval(CLAIM, key):
        return still_running()
    digest = fingerprint(new.model_dump_json().encode())
    answered = await connection.fetchrow(ANSWERED, key, EXPIRES_SECONDS)
    if answered is not None:
        same = answered["fingerprint"] == digest
        return (Note.model_validate_json(answered["answer"]), True) if same else another_payload()
    note = await _insert(connection, new)
    await connection.execute(REMEMBER, key, digest, note.model_dump_json())
    await connection.execute(FORGET, EXPIRES_SECONDS)
    return note, False


def _note(row: Any) -> Note:
    return Note(**{name: row[name] for name in Note.model_fields})
