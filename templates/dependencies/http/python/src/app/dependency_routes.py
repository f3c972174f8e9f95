"""Looks at the dependencies through the service's own clients: the same limits, circuit and fallback."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response

from app.clients import Client
from app.problems import Problem
from app.resilience import CircuitOpen, DependencyFailure


def dependency_routes(clients: Mapping[str, Client]) -> APIRouter:
    """`/v1/dependencies`."""
    routes = APIRouter(prefix="/v1/dependencies", tags=["dependencies"])

    @routes.get("")
    async def list_dependencies() -> list[dict[str, Any]]:
        """Every dependency and the state of its circuit; calls nothing."""
        return [_summary(name, client) for name, client in clients.items()]

    @routes.get("/{name}/check")
    async def check_dependency(name: str, response: Response) -> dict[str, Any]:
        """Calls one dependency; the answer says whether it is its own or a fallback."""
        if name not in clients:
            raise Problem(404, "there is no such dependency")
        client = clients[name]
        try:
            answer = await client.root()
        except DependencyFailure as failure:
            headers = {"retry-after": "10"} if isinstance(failure, CircuitOpen) else None
            raise Problem(failure.status, str(failure), headers, dependency=name) from failure
        if answer.degraded:
            response.headers["x-degraded"] = name
        return _summary(name, client) | {
            "degraded": answer.degraded,
            "source": answer.source,
            "reason": answer.reason,
            "value": answer.value,
        }

    return routes


def _summary(name: str, client: Client) -> dict[str, Any]:
    policy = client.guard.policy
    return {
        "dependency": name,
        "critical": policy.critical,
        "fallback": policy.fallback,
        "circuit": client.guard.circuit.state,
    }
