"""The HTTP side of notes."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from app.idempotency import IdempotencyKeys
from app.notes.models import NewNote, Note, NotePage
from app.notes.store import NoteStore

IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=255)]
Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(max_length=100)]


def note_routes(store: NoteStore, keys: IdempotencyKeys[Note]) -> APIRouter:
    """`/v1/notes`."""
    routes = APIRouter(prefix="/v1/notes", tags=["notes"])

    @routes.post("", status_code=201)
    async def create_note(new: NewNote, response: Response, idempotency_key: IdempotencyKey = None) -> Note:
        """Makes a note. With an Idempotency-Key a repeated request gets the first answer again."""
        payload = new.model_dump_json().encode()
        note, replayed = await keys.once(idempotency_key, payload, lambda: store.add(new))
        response.headers["location"] = f"/v1/notes/{note.id}"
        if replayed:
            response.headers["idempotency-replayed"] = "true"
        return note

    @routes.get("")
    async def list_notes(limit: Limit = 20, cursor: Cursor = None) -> NotePage:
        """Notes in the order they were made, page by page."""
        return await store.page(cursor, limit)

    @routes.get("/{note_id}")
    async def get_note(note_id: str) -> Note:
        """One note."""
        return await store.get(note_id)

    return routes
