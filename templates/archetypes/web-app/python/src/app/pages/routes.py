"""The pages of notes."""

from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from app.notes.models import NewNote
from app.notes.store import Notes, existing
from app.pages.rendering import page
from app.pages.same_site import from_this_site
from app.pages.static_files import STATIC
from app.problems import Problem

PAGE_SIZE = 20
LONGEST_KEY = 255
FORM = "application/x-www-form-urlencoded"


def page_routes(store: Notes) -> APIRouter:
    """`/`, `/notes` and `/static`."""
    routes = APIRouter(include_in_schema=False)

    async def list_page(
        cursor: str | None = None, typed: dict[str, str] | None = None, wrong: list[str] | None = None
    ) -> Response:
        notes = await store.page(cursor, PAGE_SIZE)
        # A key for each form: however often the button is pressed, one note is made.
        values: dict[str, Any] = {"typed": typed or {}, "wrong": wrong or [], "key": uuid4().hex}
        return page("list.html", 422 if wrong else 200, notes=notes, **values)

    @routes.get("/")
    async def home(cursor: str | None = None) -> Response:
        return await list_page(cursor)

    @routes.get("/notes/{note_id}")
    async def one_note(note_id: str) -> Response:
        return page("note.html", note=await existing(store, note_id))

    @routes.post("/notes", dependencies=[Depends(from_this_site)])
    async def make_note(request: Request) -> Response:
        typed = await _form(request)
        key = typed.get("key") or None
        try:
            new = NewNote(title=typed.get("title", ""), text=typed.get("text", ""))
            note, _ = await store.add(new, key if key and len(key) <= LONGEST_KEY else None)
        except ValidationError as error:
            wrong = [f"{problem['loc'][0]}: {problem['msg']}" for problem in error.errors()]
            return await list_page(typed=typed, wrong=wrong)
        except Problem as problem:
            if problem.status != 422:
                raise
            # The form was sent, changed and sent again: what is typed now is another note.
            return await list_page(
                typed=typed, wrong=["This form was sent before. Send it again to make another note."]
            )
        return RedirectResponse(f"/notes/{note.id}", 303)

    @routes.get("/static/{name}")
    async def static_file(name: str) -> Response:
        return STATIC.answer(name)

    return routes


async def _form(request: Request) -> dict[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise HTTPException(415, f"the body must be {FORM}")
    async with request.form(max_files=0, max_fields=10) as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}
