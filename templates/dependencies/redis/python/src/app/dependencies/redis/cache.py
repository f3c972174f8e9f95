"""Redis under a guard, as a cache: what is in it may vanish at any time."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, ConnectionError, RedisError, ResponseError, TimeoutError

from app.dependencies.guarded import GuardedDependency
from app.resilience import DependencyFailure, Guard, Rejected, Transient

T = TypeVar("T")

MOST_CONNECTIONS = 50


class Cache(GuardedDependency):
    """Text by key."""

    kind = "redis"

    def __init__(self, guard: Guard, url: str) -> None:
        super().__init__(guard)
        self._redis = Redis.from_url(
            url,
            max_connections=MOST_CONNECTIONS,
            socket_timeout=guard.policy.timeout,
            socket_connect_timeout=guard.policy.connect_timeout,
            retry=Retry(NoBackoff(), 0),  # the guard retries
        )

    async def get(self, key: str) -> bytes | str | None:
        """What is kept under the key."""
        return await self._call(lambda: self._redis.get(key))

    async def put(self, key: str, value: str, seconds: int) -> None:
        """Keeps it for a while."""
        await self._call(lambda: self._redis.set(key, value, ex=seconds))

    async def why_not_ready(self) -> str | None:
        """Asks past circuit and retries."""
        await self._redis.ping()
        return None

    async def close(self) -> None:
        """Closes its connections."""
        await self._redis.aclose()

    async def _call(self, command: Callable[[], Awaitable[T]]) -> T:
        async def attempt() -> T:
            try:
                return await command()
            except AuthenticationError as error:
                raise DependencyFailure(self.name, type(error).__name__) from error
            except (ConnectionError, TimeoutError, OSError) as error:
                raise Transient(self.name, type(error).__name__) from error
            except ResponseError as error:
                raise Rejected(self.name, type(error).__name__) from error
            except RedisError as error:
                raise DependencyFailure(self.name, type(error).__name__) from error

        return await self.guard.call(attempt, idempotent=True)
