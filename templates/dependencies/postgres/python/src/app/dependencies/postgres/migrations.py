"""The schema, step by step: which migrations there are, which are applied, and how to go up and down.

Safe to run from many processes at once: a lock lets one at a time, and who comes later finds nothing to do.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[4] / "migrations"

LOCK = 7_014_386_229  # any number, the same in every process
WAIT_FOR_OTHERS_SECONDS = 60
WAIT_FOR_REQUESTS = "5s"  # a migration that waits for a table's lock holds up every request that comes after it
NO_TRANSACTION = "-- no-transaction"  # the first line of a file with CREATE INDEX CONCURRENTLY or the like

TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name text PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


@dataclass(frozen=True)
class State:
    """Names of migrations, in order."""

    applied: list[str]
    pending: list[str]


def known() -> list[str]:
    """Every migration there is, in the order they are applied."""
    return sorted(file.name.removesuffix(".up.sql") for file in FOLDER.glob("*.up.sql"))


async def state(connection: Any) -> State:
    """What is applied and what is pending."""
    applied: list[str] = []
    if await connection.fetchval("SELECT to_regclass('schema_migrations') IS NOT NULL"):
        rows = await connection.fetch("SELECT name FROM schema_migrations ORDER BY name")
        applied = [row["name"] for row in rows]
    return State(applied, [name for name in known() if name not in applied])


async def up(connection: Any) -> list[str]:
    """Applies all that are pending. Returns their names."""
    async with _alone(connection):
        pending = (await state(connection)).pending
        for name in pending:
            await _step(connection, _sql(name, "up"), "INSERT INTO schema_migrations (name) VALUES ($1)", name)
    return pending


async def down(connection: Any) -> list[str]:
    """Takes the last one back. Returns its name, or nothing when none is applied."""
    async with _alone(connection):
        last = (await state(connection)).applied[-1:]
        for name in last:
            await _step(connection, _sql(name, "down"), "DELETE FROM schema_migrations WHERE name = $1", name)
    return last


async def _step(connection: Any, sql: str, record: str, name: str) -> None:
    if sql.startswith(NO_TRANSACTION):
        await connection.execute(sql)
        await connection.execute(record, name)
        return
    async with connection.transaction():
        await connection.execute(sql)
        await connection.execute(record, name)


def _sql(name: str, direction: str) -> str:
    return (FOLDER / f"{name}.{direction}.sql").read_text(encoding="utf-8")


@asynccontextmanager
async def _alone(connection: Any) -> AsyncIterator[None]:
    # Asked again and again, because CREATE INDEX CONCURRENTLY waits for every statement that runs,
    # one that waits for us included.
    async with asyncio.timeout(WAIT_FOR_OTHERS_SECONDS):
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):  # noqa: ASYNC110 (no event says so)
            await asyncio.sleep(0.1)
    try:
        await connection.execute(f"SET lock_timeout = '{WAIT_FOR_REQUESTS}'")
        await connection.execute(TABLE)
        yield
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", LOCK)
