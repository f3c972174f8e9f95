"""Looks at an HTTP dependency through the service's own client: the same limits, circuit and fallback."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter

from app.dependencies.http.client import HttpDependency
from app.problems import Problem


def check_routes(clients: Sequence[HttpDependency]) -> APIRouter:
    """`/v1/dependencies/{name}/check`."""
    routes = APIRouter(prefix="/v1/dependencies", tags=["dependencies"])
    by_name = {client.name: client for client in clients}

    @routes.get("/{name}/check")
    async def check_dependency(name: str) -> dict[str, Any]:
        """Calls one dependency; the answer says whether it is its own or a fallback."""
        if name not in by_name:
            raise Problem(404, "there is no such HTTP dependency")
        client = by_name[name]
        answer = await client.root()
        return {
            "dependency": name,
            "critical": client.critical,
            "fallback": client.guard.policy.fallback,
            "circuit": client.guard.circuit.state,
            "degraded": answer.degraded,
            "source": answer.source,
            "reason": answer.reason,
            "value": answer.value,
        }

    return routes
