"""What the routes cannot show: a write that is still running, and one that failed."""

import asyncio

import pytest

from app.idempotency import IdempotencyKeys
from app.problems import Problem


def test_a_key_is_in_use_while_its_first_request_runs() -> None:
    async def scenario() -> None:
        keys: IdempotencyKeys[str] = IdempotencyKeys()
        gate = asyncio.Event()

        async def slow() -> str:
            await gate.wait()
            return "done"

        first = asyncio.create_task(keys.once("k", b"x", slow))
        await asyncio.sleep(0)
        with pytest.raises(Problem) as refused:
            await keys.once("k", b"x", slow)
        assert refused.value.status == 409
        gate.set()
        assert await first == ("done", False)
        assert await keys.once("k", b"x", slow) == ("done", True)

    asyncio.run(scenario())


def test_a_failed_write_gives_its_key_back() -> None:
    async def scenario() -> None:
        keys: IdempotencyKeys[str] = IdempotencyKeys()

        async def broken() -> str:
            raise OSError("disk")

        async def works() -> str:
            return "done"

        with pytest.raises(OSError, match="disk"):
            await keys.once("k", b"x", broken)
        assert await keys.once("k", b"x", works) == ("done", False)

    asyncio.run(scenario())
