"""What the service asks of whatever keeps its notes."""

import re
from typing import Protocol

from app.notes.models import NewNote, Note, NotePage
from app.problems import Problem

AN_ID = re.compile(r"[0-9a-f]{32}")


class Notes(Protocol):
    """Notes in the order they were made. They do not change once made."""

    async def add(self, new: NewNote, key: str | None = None) -> tuple[Note, bool]:
        """Keeps a note. With an idempotency key only once: the flag says that the answer is a replay.

        422 when the key came with another payload before, 409 while the first request still runs.
        """

    async def find(self, note_id: str) -> Note | None:
        """One note, if it is there."""

    async def page(self, cursor: str | None, limit: int) -> NotePage:
        """Notes after the cursor. A note made meanwhile never shifts or repeats another."""

    async def newest(self, limit: int) -> list[Note]:
        """The notes made last, the last first."""


async def existing(notes: Notes, note_id: str) -> Note:
    """One note, or 404."""
    note = await notes.find(note_id) if AN_ID.fullmatch(note_id) else None
    if note is None:
        raise Problem(404, "there is no such note")
    return note
