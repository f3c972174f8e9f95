"""Labels of a note."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.dependencies.dynamodb.table import Item, Table
from app.fallback import Fallback
from app.notes.store import Notes, existing

Label = Annotated[str, Field(min_length=1, max_length=50)]


class Labels(BaseModel):
    """All labels of a note."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    labels: list[Label] = Field(max_length=20)


def label_routes(store: Notes, table: Table) -> APIRouter:
    """`/v1/notes/{note_id}/labels`."""
    routes = APIRouter(prefix="/v1/notes", tags=["labels"])
    fallback: Fallback[Item] = Fallback(table.guard)

    @routes.put("/{note_id}/labels")
    async def put_labels(note_id: str, labels: Labels) -> Labels:
        """Gives the note these labels in the place of those before."""
        note = await existing(store, note_id)
        await table.put(_key(note.id), {"labels": {"L": [{"S": label} for label in labels.labels]}})
        return labels

    @routes.get("/{note_id}/labels")
    async def get_labels(note_id: str) -> Labels:
        """The note's labels; none when the fallback stands in."""
        note = await existing(store, note_id)
        answer = await fallback.ask(note.id, lambda: table.get(_key(note.id)), stand_in={})
        return Labels(labels=[label["S"] for label in answer.value.get("labels", {}).get("L", [])])

    return routes


def _key(note_id: str) -> str:
    return f"note#{note_id}"
