"""A cache in front of the store, for single notes. A note never changes, so nothing has to be taken out of it."""

from pydantic import ValidationError

from app import degraded
from app.dependencies.redis.cache import Cache
from app.notes.models import NewNote, Note, NotePage
from app.notes.store import Notes
from app.resilience import DependencyFailure
from app.settings import SERVICE

KEPT_SECONDS = 60


class CachedNotes:
    """The store, asked only for notes that the cache does not have. Without the cache it answers everything itself."""

    def __init__(self, store: Notes, cache: Cache) -> None:
        self._store = store
        self._cache = cache

    async def add(self, new: NewNote, key: str | None = None) -> tuple[Note, bool]:
        """Keeps a note."""
        return await self._store.add(new, key)

    async def find(self, note_id: str) -> Note | None:
        """One note, from the cache if it is there."""
        key = f"{SERVICE}:note:{note_id}"
        try:
            kept = await self._cache.get(key)
        except DependencyFailure:
            degraded.mark(self._cache.name)
            return await self._store.find(note_id)
        if kept is not None and (note := _read(kept)):
            return note
        note = await self._store.find(note_id)
        if note is not None:
            await self._keep(key, note)
        return note

    async def page(self, cursor: str | None, limit: int) -> NotePage:
        """Notes after the cursor."""
        return await self._store.page(cursor, limit)

    async def newest(self, limit: int) -> list[Note]:
        """The notes made last, the last first."""
        return await self._store.newest(limit)

    async def _keep(self, key: str, note: Note) -> None:
        try:
            await self._cache.put(key, note.model_dump_json(), KEPT_SECONDS)
        except DependencyFailure:
            degraded.mark(self._cache.name)


def _read(kept: bytes | str) -> Note | None:
    try:
        return Note.model_validate_json(kept)
    except ValidationError:  # another release wrote it
        return None
