"""Time limit, retries, budget, circuit and fallbacks, against a real server that misbehaves."""

import asyncio
import gzip
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from itertools import repeat
from typing import Any, TypeVar

import pytest

from app import deadline
from app.dependencies.http.client import MOST_BYTES, HttpDependency
from app.resilience import (
    Circuit,
    CircuitOpen,
    DependencyFailure,
    Guard,
    Policy,
    Rejected,
    RetryBudget,
    TooSlow,
    Transient,
)
from app.settings import ServerSettings
from app.telemetry import Telemetry
from upstream import Upstream

T = TypeVar("T")


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A dependency that works until told otherwise."""
    server = Upstream()
    yield server
    server.stop()


def policy(**changes: Any) -> Policy:
    """A quick policy."""
    usual: dict[str, Any] = {"timeout": 1.0, "attempts": 3, "fallback": "fail", "critical": True}
    return Policy(**usual | {"first_delay": 0.001} | changes)


def use(upstream: Upstream, scenario: Callable[[HttpDependency], Awaitable[T]], **changes: Any) -> T:
    """Runs a scenario with a client of the server."""

    async def run() -> T:
        telemetry = Telemetry(ServerSettings())
        guard = Guard("upstream", policy(**changes), telemetry, open_for=0.1)
        client = HttpDependency(guard, upstream.url, {"stand": "in"}, telemetry)
        try:
            return await scenario(client)
        finally:
            await client.close()

    return asyncio.run(run())


def test_a_call_carries_trace_and_remaining_time(upstream: Upstream) -> None:
    async def scenario(client: HttpDependency) -> None:
        deadline.start(0.5)
        answer = await client.get_json("/x")
        assert (answer.value, answer.degraded) == ({"hello": "world"}, False)

    use(upstream, scenario)
    (headers,) = upstream.calls
    assert 0 < int(headers[deadline.HEADER]) <= 500
    assert headers["traceparent"].startswith("00-")


def test_a_hung_dependency_costs_no_more_than_its_time(upstream: Upstream) -> None:
    async def scenario(client: HttpDependency) -> float:
        began = time.monotonic()
        with pytest.raises(TooSlow):
            await client.get_json("/x")
        return time.monotonic() - began

    upstream.hang()
    assert 0.15 < use(upstream, scenario, timeout=0.2) < 0.6


def test_what_is_left_of_the_request_is_less_than_the_dependency_may_take(upstream: Upstream) -> None:
    async def scenario(client: HttpDependency) -> float:
        deadline.start(0.1)
        began = time.monotonic()
        with pytest.raises(TooSlow):
            await client.get_json("/x")
        return time.monotonic() - began

    upstream.hang()
    assert use(upstream, scenario, timeout=5.0) < 1.0


def test_a_caller_in_a_hurry_opens_no_circuit(upstream: Upstream) -> None:
    async def scenario(client: HttpDependency) -> str:
        for _ in range(10):
            deadline.start(0.01)
            with pytest.raises(TooSlow):
                await client.get_json("/x")
        return client.guard.circuit.state

    upstream.hang()
    assert use(upstream, scenario, timeout=2.0) == "closed"


def test_reads_are_retried_and_writes_only_with_a_key(upstream: Upstream) -> None:
    upstream.status = 503

    async def calls_of(call: Awaitable[Any]) -> int:
        before = len(upstream.calls)
        with pytest.raises(Transient):
            await call
        return len(upstream.calls) - before

    async def scenario(client: HttpDependency) -> list[int]:
        return [
            await calls_of(client.get_json("/x")),
            await calls_of(client.post_json("/x", {})),
            await calls_of(client.post_json("/x", {}, idempotency_key="k")),
        ]

    assert use(upstream, scenario) == [3, 1, 3]


def test_the_log_names_the_dependency_that_is_asked_again(upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    upstream.status = 503

    async def scenario(client: HttpDependency) -> None:
        with pytest.raises(Transient):
            await client.get_json("/x")

    with caplog.at_level("WARNING", "app.resilience"):
        use(upstream, scenario)
    told = [record.__dict__["fields"] for record in caplog.records]
    reason = {"dependency": "upstream", "reason": "answered 503"}
    assert told == [reason | {"failures": 1}, reason | {"failures": 2}, reason | {"outcome": "failed"}]


def test_our_own_mistake_is_neither_retried_nor_covered_up_nor_held_against_it(upstream: Upstream) -> None:
    upstream.status = 404

    async def scenario(client: HttpDependency) -> str:
        for _ in range(10):
            with pytest.raises(Rejected):
                await client.get_json("/x")
        return client.guard.circuit.state

    assert use(upstream, scenario, fallback="default") == "closed"
    assert len(upstream.calls) == 10


def test_retries_are_at_most_a_tenth_of_calls_beyond_the_reserve(upstream: Upstream) -> None:
    upstream.status = 503

    async def scenario(client: HttpDependency) -> None:
        for _ in range(200):
            with pytest.raises(Transient):
                await client.get_json("/x")

    use(upstream, scenario, failures_to_open=10_000)
    assert 200 + 20 <= len(upstream.calls) <= 200 + 20 + 5


def test_the_budget_refills_with_calls_but_never_over_its_reserve() -> None:
    budget = RetryBudget(share=0.5, reserve=1.0)
    assert budget.take()
    assert not budget.take()
    for _ in range(100):
        budget.call_made()
    assert budget.take()
    assert not budget.take()


def test_the_circuit_opens_lets_one_trial_in_and_recovers_by_itself(upstream: Upstream) -> None:
    upstream.status = 503

    async def scenario(client: HttpDependency) -> None:
        for _ in range(5):
            with pytest.raises(Transient):
                await client.get_json("/x")
        made = len(upstream.calls)
        with pytest.raises(CircuitOpen):
            await client.get_json("/x")
        assert len(upstream.calls) == made

        await asyncio.sleep(0.15)
        assert client.guard.circuit.state == "half-open"
        upstream.status = 200
        upstream.hang()
        trial = asyncio.create_task(client.get_json("/x"))
        while len(upstream.calls) == made:
            await asyncio.sleep(0.005)
        with pytest.raises(CircuitOpen):  # only one at a time
            await client.get_json("/x")
        upstream.release()
        assert not (await trial).degraded
        assert client.guard.circuit.state == "closed"

    use(upstream, scenario, attempts=1)


@pytest.mark.parametrize(("open_for", "told"), [(0.2, "1"), (1.9, "2"), (2.9, "3")])
def test_an_open_circuit_says_when_it_is_tried_again(open_for: float, told: str) -> None:
    circuit = Circuit("upstream", policy(failures_to_open=1), open_for)
    with pytest.raises(OSError, match="broken"), circuit.watch():
        raise OSError("broken")
    with pytest.raises(CircuitOpen) as refused, circuit.watch():
        pass
    assert refused.value.headers == {"retry-after": told}


def test_what_is_left_of_the_rest_is_told_and_not_the_whole() -> None:
    circuit = Circuit("upstream", policy(failures_to_open=1), 1.1)
    with pytest.raises(OSError, match="broken"), circuit.watch():
        raise OSError("broken")
    time.sleep(0.2)
    with pytest.raises(CircuitOpen) as refused, circuit.watch():
        pass
    assert refused.value.headers == {"retry-after": "1"}


def test_a_failed_trial_opens_the_circuit_again(upstream: Upstream) -> None:
    upstream.status = 503

    async def scenario(client: HttpDependency) -> str:
        for pause in (0, 0, 0, 0, 0.15):
            with pytest.raises(Transient):
                await client.get_json("/x")
            await asyncio.sleep(pause)
        with pytest.raises(Transient):
            await client.get_json("/x")
        return client.guard.circuit.state

    assert use(upstream, scenario, attempts=1) == "open"


def test_stale_gives_the_last_good_answer_of_the_same_path(upstream: Upstream) -> None:
    async def scenario(client: HttpDependency) -> None:
        await client.get_json("/x")
        upstream.status = 500
        answer = await client.get_json("/x")
        assert (answer.value, answer.source, answer.degraded) == ({"hello": "world"}, "stale", True)
        with pytest.raises(Transient):
            await client.get_json("/never-seen")

    use(upstream, scenario, fallback="stale")


def test_default_stands_in_when_nothing_listens(upstream: Upstream) -> None:
    async def scenario(client: HttpDependency) -> None:
        upstream.stop()
        answer = await client.get_json("/x")
        assert (answer.value, answer.source) == ({"stand": "in"}, "default")

    use(upstream, scenario, fallback="default")


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [(repeat(b"x" * 65536), "identity"), ([gzip.compress(bytes(MOST_BYTES + 1))], "gzip")],
    ids=["endless", "packed"],
)
def test_an_answer_that_is_too_large_is_cut_off_and_not_retried(
    upstream: Upstream, raw: Iterable[bytes], encoding: str
) -> None:
    upstream.raw, upstream.encoding = raw, encoding

    async def scenario(client: HttpDependency) -> None:
        with pytest.raises(DependencyFailure, match="more than 1048576 bytes"):
            await client.get_json("/x")

    use(upstream, scenario, timeout=10.0)
    assert len(upstream.calls) == 1


def test_readiness_reads_no_body(upstream: Upstream) -> None:
    upstream.raw = repeat(b"x" * 65536)

    async def scenario(client: HttpDependency) -> str | None:
        return await asyncio.wait_for(client.why_not_ready(), 10)

    assert use(upstream, scenario) is None


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        (b"not gzip", "gzip"),
        (b"[" * 200_000 + b"]" * 200_000, "identity"),
        (b"[" * 500 + b"]" * 500, "identity"),
        (b'"\\ud800"', "identity"),
    ],
    ids=["unpacking", "nesting", "less nesting", "surrogate"],
)
def test_an_answer_that_is_broken_is_a_failure_of_the_dependency(upstream: Upstream, raw: bytes, encoding: str) -> None:
    upstream.raw, upstream.encoding = [raw], encoding

    async def scenario(client: HttpDependency) -> str:
        return (await client.get_json("/x")).source

    assert use(upstream, scenario, fallback="default", timeout=10.0) == "default"
    with pytest.raises(DependencyFailure):
        use(upstream, scenario, timeout=10.0)
