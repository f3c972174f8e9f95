"""What a note is, and what a caller may send."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints


def _storable(text: str) -> str:
    if "\0" in text:  # no database keeps it
        raise ValueError("may not contain the character NUL")
    return text


Text = Annotated[str, AfterValidator(_storable)]


class NewNote(BaseModel):
    """What a caller sends to make a note."""

    model_config = ConfigDict(extra="forbid")

    title: Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    text: Text = Field(default="", max_length=10_000)


class Note(BaseModel):
    """A note as callers see it."""

    id: str
    title: str
    text: str
    created_at: datetime


class NotePage(BaseModel):
    """Part of a list; `next_cursor` is null on the last page."""

    items: list[Note]
    next_cursor: str | None
