"""Where notes live: in memory, newest kept. Its methods are what a database behind it would offer."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from datetime import UTC, datetime
from itertools import count, islice
from uuid import uuid4

from app.notes.models import NewNote, Note, NotePage
from app.problems import Problem

MOST_NOTES = 10_000  # a process has no disk to grow into


class NoteStore:
    """Notes in the order they were made."""

    def __init__(self) -> None:
        self._notes: OrderedDict[str, tuple[int, Note]] = OrderedDict()
        self._numbers = count(1)

    async def add(self, new: NewNote) -> Note:
        """Keeps a note; drops the oldest when there are too many."""
        note = Note(id=uuid4().hex, title=new.title, text=new.text, created_at=datetime.now(UTC))
        self._notes[note.id] = (next(self._numbers), note)
        if len(self._notes) > MOST_NOTES:
            self._notes.popitem(last=False)
        return note

    async def get(self, note_id: str) -> Note:
        """One note, or 404."""
        if note_id not in self._notes:
            raise Problem(404, "there is no such note")
        return self._notes[note_id][1]

    async def page(self, cursor: str | None, limit: int) -> NotePage:
        """Notes after the cursor. A note made meanwhile never shifts or repeats another."""
        after = _number(cursor)
        later = (entry for entry in self._notes.values() if entry[0] > after)
        found = list(islice(later, limit + 1))
        more = len(found) > limit
        next_cursor = _cursor(found[limit - 1][0]) if more else None
        return NotePage(items=[note for _, note in found[:limit]], next_cursor=next_cursor)


def _cursor(number: int) -> str:
    return urlsafe_b64encode(str(number).encode()).decode()


def _number(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        return int(urlsafe_b64decode(cursor))
    except ValueError:
        raise Problem(400, "cursor: not one that this service gave out") from None
