"""What stands in for an answer that a dependency did not give."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from app import degraded
from app.resilience import DependencyFailure, Guard, Rejected

T = TypeVar("T")

MOST_KEPT = 256
KEPT_SECONDS = 3600.0


@dataclass(frozen=True)
class Answer(Generic[T]):
    """What a dependency said, or what stands in for it."""

    value: T
    source: Literal["live", "stale", "default"] = "live"
    reason: str | None = None

    @property
    def degraded(self) -> bool:
        """True when the dependency itself did not answer."""
        return self.source != "live"


class Fallback(Generic[T]):
    """Asks under a guard and falls back as its policy says; an answer that is not live marks the request."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._last_good: OrderedDict[str, tuple[float, T]] = OrderedDict()

    async def ask(self, question: str, attempt: Callable[[], Awaitable[T]], stand_in: T) -> Answer[T]:
        """Runs an idempotent call. Only an answer to the same `question` can stand in as stale."""
        try:
            value = await self._guard.call(attempt, idempotent=True)
        except Rejected:
            raise  # it works: our request was wrong
        except DependencyFailure as failure:
            answer = self._instead(question, stand_in, failure)
            degraded.mark(self._guard.name)
            return answer
        self._keep(question, value)
        return Answer(value)

    def _keep(self, question: str, value: T) -> None:
        self._last_good[question] = (time.monotonic(), value)
        self._last_good.move_to_end(question)
        if len(self._last_good) > MOST_KEPT:
            self._last_good.popitem(last=False)

    def _instead(self, question: str, stand_in: T, failure: DependencyFailure) -> Answer[T]:
        fallback = self._guard.policy.fallback
        if fallback == "default":
            return Answer(stand_in, "default", failure.reason)
        if fallback == "stale" and question in self._last_good:
            kept_at, value = self._last_good[question]
            if time.monotonic() - kept_at <= KEPT_SECONDS:
                return Answer(value, "stale", failure.reason)
        raise failure
