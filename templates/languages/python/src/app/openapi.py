"""The OpenAPI document, with what FastAPI cannot know: the problems that the parts around a handler answer with."""

from http import HTTPStatus
from typing import Any

from app.health import HEALTH

PROBLEM = {
    "title": "Problem",
    "description": "An error as in RFC 9457.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "dependency": {"type": "string", "description": "The dependency that failed."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}

ALWAYS = (400, 404, 408, 413, 422, 500, 503, 504)


def complete(document: dict[str, Any], *, calls: bool) -> None:
    """Adds the problems to every operation. `calls` says that the service has dependencies, which may fail."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = PROBLEM
    for path, operations in document["paths"].items():
        if path in HEALTH:
            continue
        for operation in operations.values():
            declared = {int(status) for status in operation["responses"] if int(status) >= 400}
            for status in sorted(_problems(operation, calls) | declared):
                operation["responses"][str(status)] = {
                    "description": HTTPStatus(status).phrase,
                    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
                }
    for replaced in ("HTTPValidationError", "ValidationError"):
        schemas.pop(replaced, None)


def _problems(operation: dict[str, Any], calls: bool) -> set[int]:
    statuses = set(ALWAYS)
    if "requestBody" in operation:
        statuses.add(415)
    if any(parameter["name"].lower() == "idempotency-key" for parameter in operation.get("parameters", [])):
        statuses.add(409)
    if calls:
        statuses.add(502)
    return statuses
