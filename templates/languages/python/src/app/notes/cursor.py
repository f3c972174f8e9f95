"""Where a page ended, as callers carry it: opaque, so that what it means can change."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

from app.problems import Problem

LARGEST = 2**63 - 1


def cursor_of(number: int) -> str:
    """The cursor after the note with this number."""
    return urlsafe_b64encode(str(number).encode()).decode()


def number_of(cursor: str | None) -> int:
    """The number to go on after; 400 when it is none that was given out."""
    if cursor is None:
        return 0
    try:
        number = int(urlsafe_b64decode(cursor))
    except ValueError:
        number = -1
    if not 0 <= number <= LARGEST:
        raise Problem(400, "cursor: not one that this service gave out")
    return number
