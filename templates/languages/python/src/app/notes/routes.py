"""The HTTP side of notes."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.idempotency import IdempotencyKey
from app.notes.models import NewNote, Note, NotePage
from app.notes.store import Notes, existing

Limit = Annotated[int, Query(ge=1, le=100)]


def note_routes(store: Notes) -> APIRouter:
    """`/v1/notes`."""
    routes = APIRouter(prefix="/v1/notes", tags=["notes"])

    @routes.post("", status_code=201)
    async def create_note(new: NewNote, response: Response, idempotency_key: IdempotencyKey = None) -> Note:
        """Makes a note. With an Idempotency-Key a repeated request gets the first answer again."""
        note, replayed = await store.add(new, idempotency_key)
        response.headers["location"] = f"/v1/notes/{note.id}"
        if replayed:
            response.headers["idempotency-replayed"] = "true"
        return note

    @routes.get("")
    async def list_notes(limit: Limit = 20, cursor: str | None = None) -> NotePage:
        """Notes in the order they were made, page by page."""
        return await store.page(cursor, limit)

    @routes.get("/{note_id}")
    async def get_note(note_id: str) -> Note:
        """One note."""
        return await existing(store, note_id)

    return routes
