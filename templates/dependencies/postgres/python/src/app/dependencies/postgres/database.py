"""PostgreSQL under a guard: a small pool, and every piece of work is one transaction."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg

from app.dependencies.guarded import GuardedDependency
from app.dependencies.postgres import migrations
from app.resilience import DependencyFailure, Guard, Rejected, Transient

T = TypeVar("T")

MOST_CONNECTIONS = 10
IDLE_SECONDS = 300
CLOSE_SECONDS = 1.0

Connection = Any  # asyncpg publishes no types
Work = Callable[[Connection], Awaitable[T]]

# What another attempt may not meet: no way to the server, or a transaction the server asks to repeat.
TRANSIENT = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.TransactionRollbackError,
)
# What the caller's data caused: its form, or a constraint. The database works.
OF_THE_DATA = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)


class Database(GuardedDependency):
    """The service's one database."""

    kind = "postgres"

    def __init__(self, guard: Guard, url: str) -> None:
        super().__init__(guard)
        self._url = url
        self._pool: Any = None

    async def open(self) -> None:
        """Makes an empty pool; connections are made when they are needed."""
        policy = self.guard.policy
        # The server, too, stops work whose caller has gone.
        limit = str(int(policy.timeout * 1000))
        self._pool = await asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=MOST_CONNECTIONS,
            max_inactive_connection_lifetime=IDLE_SECONDS,
            timeout=policy.connect_timeout,
            server_settings={"statement_timeout": limit, "idle_in_transaction_session_timeout": limit},
        )

    async def transaction(self, work: Work[T], *, idempotent: bool) -> T:
        """Runs `work` in a transaction of its own, the whole of it again when it may be and has to be.

        Raises:
            DependencyFailure: when the database did not do it.
        """
        return await self.guard.call(lambda: self._attempt(work), idempotent=idempotent)

    async def why_not_ready(self) -> str | None:
        """Asks past circuit and retries; a schema older than the code is not ready either."""
        async with self._connection() as connection:
            pending = (await migrations.state(connection)).pending
        return f"{len(pending)} migrations pending" if pending else None

    async def close(self) -> None:
        """Closes its connections. By now no request should use one."""
        if self._pool is None:
            return
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    async def _attempt(self, work: Work[T]) -> T:
        try:
            async with self._connection() as connection:
                transaction = connection.transaction()
                await transaction.start()
                result = await work(connection)
                await transaction.commit()
                return result
        except TRANSIENT as error:
            raise Transient(self.name, _reason(error)) from error
        except OF_THE_DATA as error:
            raise Rejected(self.name, _reason(error)) from error
        except asyncpg.PostgresError as error:
            raise DependencyFailure(self.name, _reason(error)) from error

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        connection = await self._pool.acquire()
        try:
            yield connection
        except BaseException:
            # It may be in the middle of anything, and asking a hung server to stop could hang, too.
            # The server rolls back what was not committed.
            connection.terminate()
            raise
        finally:
            await self._pool.release(connection)


def _reason(error: BaseException) -> str:
    """What kind of error it is, and not its text, which may quote values."""
    state = getattr(error, "sqlstate", None)
    return f"refused with SQLSTATE {state}" if state else type(error).__name__
