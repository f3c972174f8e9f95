"""Logs: one JSON object per line on stdout, with the ids that join it to a request and its trace."""

import json
import logging
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from opentelemetry import trace

from app.settings import SERVICE

request_id_of: ContextVar[str] = ContextVar("request_id", default="")

SECRET = re.compile(r"authorization|cookie|password|passwd|secret|token|api_?key", re.IGNORECASE)
# Where Python's own name is not the one that every service writes.
LEVELS = {logging.WARNING: "warn", logging.CRITICAL: "error"}
CREDENTIALS_IN_URL = re.compile(r"(?<=://)[^/\s@]+@")


def redacted(fields: dict[str, Any]) -> dict[str, Any]:
    """The same fields with the values of anything that sounds like a secret taken out."""
    return {
        name: "[redacted]" if SECRET.search(name) else redacted(value) if isinstance(value, dict) else value
        for name, value in fields.items()
    }


class JsonFormatter(logging.Formatter):
    """Pass `extra={"fields": {...}}` to add fields of your own."""

    def __init__(self, release: str) -> None:
        super().__init__()
        self._release = release

    def format(self, record: logging.LogRecord) -> str:
        """One line; a traceback becomes a field, so that it stays one line."""
        entry: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": LEVELS.get(record.levelno, record.levelname.lower()),
            "logger": record.name,
            "message": CREDENTIALS_IN_URL.sub("[redacted]@", record.getMessage()),
            "service": SERVICE,
            "release": self._release,
        }
        if request_id := request_id_of.get():
            entry["request_id"] = request_id
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            entry["trace_id"] = trace.format_trace_id(span.trace_id)
            entry["span_id"] = trace.format_span_id(span.span_id)
        entry |= redacted(getattr(record, "fields", {}))
        if record.exc_info:
            entry["error"] = CREDENTIALS_IN_URL.sub("[redacted]@", self.formatException(record.exc_info))
        return json.dumps(entry, default=str, ensure_ascii=False)


def configure_logging(level: str, release: str) -> None:
    """Sends everything, libraries included, through one handler."""
    # Not in the lines, so not worth looking up for each of them.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(release))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for chatty in ("uvicorn", "httpx2", "httpcore2", "opentelemetry", "stamina", "botocore", "aiobotocore"):
        # Clients log whole URLs at INFO, and a query string may hold a secret.
        logging.getLogger(chatty).setLevel(logging.WARNING)
