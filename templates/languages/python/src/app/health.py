"""`/livez`: the process lives. `/readyz`: it can do its work, and if not, why."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from app.lifecycle import Lifecycle
from app.parts import Dependency
from app.settings import SERVICE

HEALTH = ("/livez", "/readyz")
CACHED_SECONDS = 2.0
CHECK_SECONDS = 1.0


class Readiness:
    """Asks every dependency at the same time, with a short limit, and remembers the answers briefly."""

    def __init__(self, dependencies: Sequence[Dependency]) -> None:
        self._dependencies = dependencies
        self._lock = asyncio.Lock()
        self._checked_at = float("-inf")
        self.last: dict[str, dict[str, Any]] = {}

    async def dependencies(self) -> dict[str, dict[str, Any]]:
        """The state of each dependency by name."""
        async with self._lock:
            if time.monotonic() - self._checked_at > CACHED_SECONDS:
                states = await asyncio.gather(*map(self._check, self._dependencies))
                self.last = {one.name: state for one, state in zip(self._dependencies, states, strict=True)}
                self._checked_at = time.monotonic()
            return self.last

    @staticmethod
    async def _check(dependency: Dependency) -> dict[str, Any]:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                why = await dependency.why_not_ready()
        except TimeoutError:
            why = f"no answer within {CHECK_SECONDS:g} s"
        except Exception as error:
            why = type(error).__name__
        state = {"status": "failing" if why else "ok", "critical": dependency.critical}
        return state | ({"detail": why} if why else {})


def health_routes(readiness: Readiness, lifecycle: Lifecycle, release: str) -> APIRouter:
    """The two routes. The balancer asks /livez; releases and alarms look at /readyz."""
    routes = APIRouter(tags=["health"])

    @routes.get("/livez")
    async def livez() -> dict[str, str]:
        """Never looks further than the process: one failing shared dependency must not empty the fleet."""
        return {"status": "ok", "service": SERVICE, "release": release}

    @routes.get("/readyz", responses={503: {"description": "It cannot do its work, and why."}})
    async def readyz() -> Response:
        """503 while a critical dependency fails or the process is leaving."""
        # Leaving must be told at once, so nothing is asked any more.
        states = readiness.last if lifecycle.draining else await readiness.dependencies()
        failing = any(one["critical"] and one["status"] != "ok" for one in states.values())
        status = "draining" if lifecycle.draining else "failing" if failing else "ok"
        body = {"status": status, "service": SERVICE, "release": release, "dependencies": states}
        return JSONResponse(body, status_code=200 if status == "ok" else 503)

    return routes
