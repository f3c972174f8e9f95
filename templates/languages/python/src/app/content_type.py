"""A body that does not say it is JSON is refused, not guessed at."""

from fastapi import Request
from starlette.exceptions import HTTPException


async def json_only(request: Request) -> None:
    """Put it into a route's `dependencies`. A coroutine, because FastAPI runs plain functions in a thread each time."""
    said = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if said != "application/json":
        raise HTTPException(415, "the body must be application/json")
