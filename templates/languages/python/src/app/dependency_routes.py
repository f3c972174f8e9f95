"""`/v1/dependencies`: what the service uses, and whether it is being called at the moment."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter

from app.parts import Dependency


def dependency_routes(dependencies: Sequence[Dependency]) -> APIRouter:
    """The list; each kind adds what it can be asked beyond that."""
    routes = APIRouter(prefix="/v1/dependencies", tags=["dependencies"])

    @routes.get("")
    async def list_dependencies() -> list[dict[str, Any]]:
        """Every dependency with its policy and the state of its circuit; calls nothing."""
        return [dependency.summary() for dependency in dependencies]

    return routes
