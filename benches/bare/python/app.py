"""Notes with FastAPI and nothing else: what a generated service is measured against."""

import os
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

import uvicorn
from fastapi import FastAPI, Query, Response
from pydantic import BaseModel, Field


class NewNote(BaseModel):
    title: str = Field(min_length=1, max_length=200)
    text: str = Field(default="", max_length=10_000)


class Note(NewNote):
    id: str
    created_at: datetime


class Page(BaseModel):
    items: list[Note]


app = FastAPI()
notes: list[Note] = []


@app.post("/v1/notes", status_code=201)
async def create(new: NewNote, response: Response) -> Note:
    note = Note(id=uuid4().hex, title=new.title, text=new.text, created_at=datetime.now(UTC))
    notes.append(note)
    response.headers["location"] = f"/v1/notes/{note.id}"
    return note


@app.get("/v1/notes")
async def page(limit: Annotated[int, Query(ge=1, le=100)] = 20) -> Page:
    return Page(items=notes[:limit])


if __name__ == "__main__":
    uvicorn.run(app, host=os.environ["HOST"], port=int(os.environ["PORT"]), access_log=False, log_level="warning")
