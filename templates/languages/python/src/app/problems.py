"""Errors as problem documents (RFC 9457), the same shape for every error there is."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from app.logs import request_id_of


class Problem(Exception):
    """Raise this to answer with an error."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None, **members: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers
        self.members = members

    def response(self) -> Response:
        """The answer."""
        return problem_response(self.status, self.detail, self.headers, **self.members)


def problem_response(status: int, detail: str, headers: Mapping[str, str] | None = None, **members: Any) -> Response:
    """A problem document; `members` are further fields of it."""
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": request_id_of.get(),
    }
    return JSONResponse(
        document | members,
        status_code=status,
        headers=dict(headers or {}),
        media_type="application/problem+json",
    )


async def _problem(_: Request, error: Problem) -> Response:
    return error.response()


async def _http(_: Request, error: HTTPException) -> Response:
    return problem_response(error.status_code, str(error.detail), error.headers)


async def _validation(request: Request, error: RequestValidationError) -> Response:
    # FastAPI does not read a body that does not say it is JSON, and misses it as a whole.
    if any(problem["loc"] == ("body",) for problem in error.errors()) and not _says_json(request):
        return problem_response(415, "the body must be application/json")
    # Names the fields but does not echo their values: they may be secret.
    errors = [{"field": _field(problem["loc"]), "message": problem["msg"]} for problem in error.errors()]
    detail = "; ".join(f"{problem['field']}: {problem['message']}" for problem in errors)
    malformed = any(problem["type"] == "json_invalid" for problem in error.errors())
    return problem_response(400 if malformed else 422, detail, errors=errors)


def _says_json(request: Request) -> bool:
    said = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return said == "application/json" or (said.startswith("application/") and said.endswith("+json"))


def _field(place: tuple[str | int, ...]) -> str:
    # The name of an unknown member is the caller's own text, and need not even be valid Unicode.
    return ".".join(str(part) for part in place).encode(errors="replace").decode()[:100]


def install(app: FastAPI) -> None:
    """Answers every error of the application with a problem document."""
    app.add_exception_handler(Problem, _problem)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _http)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _validation)  # type: ignore[arg-type]
