"""How the service calls what may fail. From the outside in:

    time      the smaller of the dependency's own limit and what is left of the request
    circuit   after failures in a row, calls fail at once for a while, then one may try
    retries   idempotent calls only; exponential, full jitter; at most a tenth of calls

Retries come from `stamina` with its defaults (10 attempts, 45 s) overridden.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeVar

import stamina

from app import deadline

T = TypeVar("T")


@dataclass(frozen=True)
class Policy:
    """What is done about one dependency's failures. Times in seconds."""

    timeout: float
    attempts: int
    fallback: Literal["fail", "stale", "default"]
    critical: bool
    first_delay: float = 0.05
    longest_delay: float = 1.0
    failures_to_open: int = 5
    open_for: float = 10.0
    stale_for: float = 3600.0


class DependencyFailure(Exception):
    """A call did not succeed. `status` is what our own caller should see when there is no fallback."""

    status = 502

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


class Transient(DependencyFailure):
    """A failure that another attempt may not meet."""


class TooSlow(DependencyFailure):
    """The time for the call is used up."""

    status = 504


class CircuitOpen(DependencyFailure):
    """The call was not made, because those before it failed."""

    status = 503


class RetryBudget:
    """Lets retries be at most a share of calls, so that they cannot become the outage.

    Each call puts `share` of a token in, each retry takes one out. The small reserve lets rare calls be retried.
    """

    def __init__(self, share: float = 0.1, reserve: float = 5.0) -> None:
        self._share = share
        self._reserve = reserve
        self._tokens = reserve

    def call_made(self) -> None:
        """Counts a first attempt."""
        self._tokens = min(self._reserve, self._tokens + self._share)

    def take(self) -> bool:
        """True when a retry may be made now."""
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Circuit:
    """Closed; open after failures in a row; half-open for one trial call once it has rested."""

    def __init__(self, name: str, failures_to_open: int, open_for: float) -> None:
        self._name = name
        self._failures_to_open = failures_to_open
        self._open_for = open_for
        self._failures = 0
        self._opened_at: float | None = None
        self._trial_running = False

    @property
    def state(self) -> Literal["closed", "open", "half-open"]:
        """For people and metrics."""
        if self._opened_at is None:
            return "closed"
        return "half-open" if time.monotonic() >= self._opened_at + self._open_for else "open"

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Refuses the call inside, or learns from how it ends (being cancelled counts as too slow)."""
        trial = self._opened_at is not None
        if trial:
            if self.state == "open" or self._trial_running:
                raise CircuitOpen(self._name, "its circuit is open after repeated failures")
            self._trial_running = True
        try:
            yield
        except BaseException:
            self._failures += 1
            if trial or self._failures >= self._failures_to_open:
                self._opened_at = time.monotonic()
            raise
        else:
            # A call that began before the circuit opened says nothing about now.
            if trial or self._opened_at is None:
                self._failures = 0
                self._opened_at = None
        finally:
            if trial:
                self._trial_running = False


class Guard:
    """Everything above, for one dependency."""

    def __init__(self, name: str, policy: Policy) -> None:
        self.name = name
        self.policy = policy
        self.circuit = Circuit(name, policy.failures_to_open, policy.open_for)
        self.budget = RetryBudget()

    async def call(self, attempt: Callable[[], Awaitable[T]], *, idempotent: bool) -> T:
        """Runs `attempt` under the policy. `Transient` errors of idempotent calls are retried.

        Raises:
            DependencyFailure: when no attempt succeeded in time, or none was allowed.
        """
        with self.circuit.watch():
            try:
                async with asyncio.timeout(min(self.policy.timeout, deadline.remaining())):
                    return await self._attempts(attempt, self.policy.attempts if idempotent else 1)
            except TimeoutError:
                raise TooSlow(self.name, "no answer in time") from None

    async def _attempts(self, attempt: Callable[[], Awaitable[T]], most: int) -> T:
        self.budget.call_made()
        failures = 0

        def delay_after(error: Exception) -> bool | float:
            nonlocal failures
            failures += 1
            if not isinstance(error, Transient) or failures >= most or not self.budget.take():
                return False
            return random.uniform(0, min(self.policy.longest_delay, self.policy.first_delay * 2 ** (failures - 1)))

        # No limit of stamina's own: `delay_after` decides, and the clock outside ends it.
        async for one in stamina.retry_context(on=delay_after, attempts=None, timeout=None):
            with one:
                return await attempt()
        raise AssertionError("unreachable: the last attempt returns or raises")
