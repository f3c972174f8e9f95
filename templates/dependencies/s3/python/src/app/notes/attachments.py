"""One file beside a note."""

from fastapi import APIRouter, Request, Response

from app.dependencies.s3.bucket import Bucket, Stored
from app.notes.store import Notes, existing
from app.problems import Problem

ANYTHING = {"*/*": {"schema": {"type": "string", "format": "binary"}}}


def attachment_routes(store: Notes, bucket: Bucket) -> APIRouter:
    """`/v1/notes/{note_id}/attachment`."""
    routes = APIRouter(prefix="/v1/notes", tags=["attachments"])

    @routes.put("/{note_id}/attachment", status_code=204, openapi_extra={"requestBody": {"content": ANYTHING}})
    async def put_attachment(note_id: str, request: Request) -> None:
        """Keeps the body as the note's attachment, in the place of the one before."""
        note = await existing(store, note_id)
        media_type = request.headers.get("content-type", "application/octet-stream")
        await bucket.put(_key(note.id), Stored(await request.body(), media_type))

    @routes.get("/{note_id}/attachment", response_class=Response, responses={200: {"content": ANYTHING}})
    async def get_attachment(note_id: str) -> Response:
        """The attachment as it was given."""
        note = await existing(store, note_id)
        stored = await bucket.get(_key(note.id))
        if stored is None:
            raise Problem(404, "the note has no attachment")
        # Callers chose the type, so a browser must not open it as a page of this site.
        headers = {"content-disposition": "attachment", "content-type": stored.media_type}
        return Response(stored.content, headers=headers)

    return routes


def _key(note_id: str) -> str:
    return f"notes/{note_id}"
