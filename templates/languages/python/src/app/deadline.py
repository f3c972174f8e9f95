"""How much time the request being served has left, known to everything that runs for it."""

import time
from contextvars import ContextVar

# Tells a callee in milliseconds how long its answer is of use to anyone.
HEADER = "x-request-timeout-ms"

_ends_at: ContextVar[float | None] = ContextVar("deadline", default=None)


def start(seconds: float) -> None:
    """The current request ends this long from now."""
    _ends_at.set(time.monotonic() + seconds)


def remaining() -> float:
    """Seconds left; infinite outside a request, never negative."""
    ends_at = _ends_at.get()
    return float("inf") if ends_at is None else max(0.0, ends_at - time.monotonic())
