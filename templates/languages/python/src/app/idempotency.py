"""Idempotency keys (IETF draft `Idempotency-Key`): a repeated write is answered, not done again.

Kept in memory next to the example store. When the store becomes a database, keep the keys in the same
transaction as the write.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from app.problems import Problem

T = TypeVar("T")

EXPIRES_SECONDS = 24 * 3600.0
MOST_KEYS = 10_000


@dataclass
class _Entry(Generic[T]):
    fingerprint: str
    expires_at: float
    answer: T | None = None


class IdempotencyKeys(Generic[T]):
    """What was answered to each key."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, _Entry[T]] = OrderedDict()

    async def once(self, key: str | None, payload: bytes, write: Callable[[], Awaitable[T]]) -> tuple[T, bool]:
        """Runs `write` once per key. The flag says that the answer is a replay.

        422 when the key came with another payload before, 409 while the first request still runs.
        """
        if key is None:
            return await write(), False
        fingerprint = hashlib.sha256(payload).hexdigest()
        self._forget()
        entry = self._entries.get(key)
        if entry is not None:
            if entry.fingerprint != fingerprint:
                raise Problem(422, "this Idempotency-Key was used with another payload")
            if entry.answer is None:
                raise Problem(409, "the first request with this Idempotency-Key is still running")
            return entry.answer, True
        entry = self._entries[key] = _Entry(fingerprint, time.monotonic() + EXPIRES_SECONDS)
        try:
            entry.answer = await write()
        finally:
            if entry.answer is None:  # it failed: the caller may try again
                self._entries.pop(key, None)
        return entry.answer, False

    def _forget(self) -> None:
        now = time.monotonic()
        while self._entries:
            key, oldest = next(iter(self._entries.items()))
            if oldest.expires_at > now and len(self._entries) < MOST_KEYS:
                return
            del self._entries[key]
