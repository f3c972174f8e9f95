"""Idempotency keys (IETF draft `Idempotency-Key`): a repeated write is answered, not done again."""

import hashlib
from typing import Annotated

from fastapi import Header

from app.problems import Problem

EXPIRES_SECONDS = 24 * 3600

IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=255)]


def fingerprint(payload: bytes) -> str:
    """Tells whether two requests ask for the same."""
    return hashlib.sha256(payload).hexdigest()


def another_payload() -> Problem:
    """The key was used before, for something else."""
    return Problem(422, "this Idempotency-Key was used with another payload")


def still_running() -> Problem:
    """The key is in use at this moment."""
    return Problem(409, "the first request with this Idempotency-Key is still running", {"retry-after": "1"})
