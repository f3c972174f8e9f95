"""Asks for a note to be shared; whoever reads the queue does it."""

from fastapi import APIRouter
from pydantic import BaseModel

from app.dependencies.sqs.queue import Queue
from app.idempotency import IdempotencyKey
from app.notes.store import Notes, existing


class Shared(BaseModel):
    """That the request was taken."""

    message_id: str


def sharing_routes(store: Notes, queue: Queue) -> APIRouter:
    """`/v1/notes/{note_id}/share`."""
    routes = APIRouter(prefix="/v1/notes", tags=["sharing"])

    @routes.post("/{note_id}/share", status_code=202)
    async def share_note(note_id: str, idempotency_key: IdempotencyKey = None) -> Shared:
        """Puts the request into the queue. Tried again only with a key, by which its reader knows a repeated one."""
        note = await existing(store, note_id)
        message = {"type": "note.shared", "note_id": note.id, "idempotency_key": idempotency_key}
        return Shared(message_id=await queue.send(message, idempotent=idempotency_key is not None))

    return routes
