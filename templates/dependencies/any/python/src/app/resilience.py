"""How the service calls what may fail. From the outside in:

    circuit   after failures in a row, calls fail at once for a while, then one may try
    time      the smaller of the dependency's own limit and what is left of the request
    retries   idempotent calls only; exponential, full jitter; at most a tenth of calls

Retries come from `stamina` with its defaults (10 attempts, 45 s) overridden.
"""

import asyncio
import logging
import math
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeVar

import stamina
import stamina.instrumentation
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.trace import SpanKind

from app import deadline
from app.problems import Problem
from app.telemetry import BUCKETS, Telemetry

T = TypeVar("T")

log = logging.getLogger("app.resilience")
# Its own line of the log does not say which dependency is asked again; `Guard` writes one that does.
stamina.instrumentation.set_on_retry_hooks([])

CONNECT_SECONDS = 1.0


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

    @property
    def connect_timeout(self) -> float:
        """Part of the time that making a connection may take."""
        return min(CONNECT_SECONDS, self.timeout)


class DependencyFailure(Problem):
    """A call did not succeed. Our own caller sees this problem when there is no fallback."""

    outcome = "failed"

    def __init__(self, name: str, reason: str, status: int = 502, retry_after: float | None = None) -> None:
        headers = None if retry_after is None else {"retry-after": str(max(1, math.ceil(retry_after)))}
        super().__init__(status, f"{name}: {reason}", headers, dependency=name)
        self.name = name
        self.reason = reason


class Transient(DependencyFailure):
    """A failure that another attempt may not meet."""


class Rejected(DependencyFailure):
    """The dependency works and refused what we asked: never retried, covered up or held against it."""

    outcome = "rejected"


class TooSlow(DependencyFailure):
    """The time for the call is used up."""

    outcome = "timeout"

    def __init__(self, name: str) -> None:
        super().__init__(name, "no answer in time", 504)


class CircuitOpen(DependencyFailure):
    """The call was not made, because those before it failed."""

    outcome = "open"

    def __init__(self, name: str, retry_after: float) -> None:
        super().__init__(name, "its circuit is open after repeated failures", 503, retry_after)


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

    def __init__(self, name: str, policy: Policy, open_for: float) -> None:
        self._name = name
        self._failures_to_open = policy.failures_to_open
        self._fair_time = policy.timeout / 2
        self._open_for = open_for
        self._failures = 0
        self._rests_until: float | None = None
        self._trial_running = False

    @property
    def state(self) -> Literal["closed", "open", "half-open"]:
        """For people and metrics."""
        if self._rests_until is None:
            return "closed"
        return "half-open" if time.monotonic() >= self._rests_until else "open"

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Refuses the call inside, or learns from how it ends."""
        rests_until = self._rests_until
        trial = rests_until is not None
        if rests_until is not None:
            if self.state == "open" or self._trial_running:
                raise CircuitOpen(self._name, rests_until - time.monotonic())
            self._trial_running = True
        began = time.monotonic()
        try:
            yield
        except Rejected:
            self._worked(trial)
            raise
        except (TooSlow, asyncio.CancelledError):
            # A call that our own caller cut off early says nothing about the dependency.
            if time.monotonic() - began >= self._fair_time:
                self._failed(trial)
            raise
        except BaseException:
            self._failed(trial)
            raise
        else:
            self._worked(trial)
        finally:
            if trial:
                self._trial_running = False

    def _worked(self, trial: bool) -> None:
        # A call that began before the circuit opened says nothing about now.
        if trial or self._rests_until is None:
            self._failures = 0
            self._rests_until = None

    def _failed(self, trial: bool) -> None:
        self._failures += 1
        if trial or (self._rests_until is None and self._failures >= self._failures_to_open):
            self._rests_until = time.monotonic() + self._open_for


class Guard:
    """Everything above, for one dependency, measured and traced."""

    def __init__(self, name: str, policy: Policy, telemetry: Telemetry, open_for: float) -> None:
        self.name = name
        self.policy = policy
        self.circuit = Circuit(name, policy, open_for)
        self.budget = RetryBudget()
        scope = f"app.dependencies.{name}"
        self._tracer = telemetry.traces.get_tracer(scope)
        meter = telemetry.metrics.get_meter(scope)
        self._durations = meter.create_histogram(
            "dependency.call.duration",
            "s",
            "Calls with all their attempts",
            explicit_bucket_boundaries_advisory=BUCKETS,
        )
        meter.create_observable_gauge(
            "dependency.circuit.open", [self._observe], description="1 while calls are refused or on trial"
        )

    async def call(self, attempt: Callable[[], Awaitable[T]], *, idempotent: bool) -> T:
        """Runs `attempt` under the policy. `Transient` errors of idempotent calls are retried.

        Raises:
            DependencyFailure: when no attempt succeeded in time, or none was allowed.
        """
        began = time.perf_counter()
        outcome = "failed"
        with self._tracer.start_as_current_span(
            f"call {self.name}", kind=SpanKind.CLIENT, attributes={"dependency": self.name}
        ) as span:
            try:
                with self.circuit.watch():
                    value = await self._in_time(attempt, self.policy.attempts if idempotent else 1)
                outcome = "ok"
                return value
            except DependencyFailure as failure:
                outcome = failure.outcome
                fields = {"dependency": self.name, "outcome": outcome, "reason": failure.reason}
                log.warning("dependency call failed", extra={"fields": fields})
                raise
            except asyncio.CancelledError:
                outcome = TooSlow.outcome
                raise
            finally:
                span.set_attribute("outcome", outcome)
                labels = {"dependency": self.name, "outcome": outcome}
                self._durations.record(time.perf_counter() - began, labels)

    async def _in_time(self, attempt: Callable[[], Awaitable[T]], most: int) -> T:
        try:
            async with asyncio.timeout(min(self.policy.timeout, deadline.remaining())):
                return await self._attempts(attempt, most)
        except TimeoutError:
            raise TooSlow(self.name) from None

    async def _attempts(self, attempt: Callable[[], Awaitable[T]], most: int) -> T:
        self.budget.call_made()
        failures = 0

        def delay_after(error: Exception) -> bool | float:
            nonlocal failures
            failures += 1
            if not isinstance(error, Transient) or failures >= most or not self.budget.take():
                return False
            fields = {"dependency": self.name, "reason": error.reason, "failures": failures}
            log.warning("retrying", extra={"fields": fields})
            return random.uniform(0, min(self.policy.longest_delay, self.policy.first_delay * 2 ** (failures - 1)))

        # No limit of stamina's own: `delay_after` decides, and the clock outside ends it.
        async for one in stamina.retry_context(on=delay_after, attempts=None, timeout=None):
            with one:
                return await attempt()
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _observe(self, _: CallbackOptions) -> Iterable[Observation]:
        return [Observation(int(self.circuit.state != "closed"), {"dependency": self.name})]
