"""Bounds what the model may cost: tokens per minute, for this process."""

import math
import time
from collections.abc import Callable

from app.problems import Problem

CHARACTERS_PER_TOKEN = 3  # fewer than usual, so that the guess is rather too high


def guessed(text: str) -> int:
    """About how many tokens a text has."""
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)


class TokenBudget:
    """A bucket that holds one minute's tokens and fills all the time.

    A request takes what it may cost before it is made, and gives back afterwards what it did not.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = float(per_minute)
        self._per_second = per_minute / 60
        self._clock = clock
        self._tokens = self._most
        self._filled_at = clock()

    def take(self, tokens: int) -> float:
        """Takes them, or answers 429 with the time after which there will be enough. Returns what was taken."""
        self._fill()
        wanted = min(float(tokens), self._most)  # more than a minute's worth waits for the whole bucket
        if wanted > self._tokens:
            wait = max(1, math.ceil((wanted - self._tokens) / self._per_second))
            raise Problem(429, "the model has answered enough for now", {"retry-after": str(wait)})
        self._tokens -= wanted
        return wanted

    def settle(self, taken: float, used: int) -> None:
        """Gives back what was taken too much, or takes what was too little."""
        self._tokens = min(self._most, self._tokens + taken - used)

    def _fill(self) -> None:
        now = self._clock()
        self._tokens = min(self._most, self._tokens + (now - self._filled_at) * self._per_second)
        self._filled_at = now
