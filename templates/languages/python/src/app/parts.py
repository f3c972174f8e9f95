"""What the service is put together from. Whoever installs something adds it here; `service.py` connects it."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from fastapi import APIRouter

from app.notes.store import Notes
from app.settings import Settings
from app.telemetry import Telemetry


class Dependency(Protocol):
    """Something outside the process that the service uses."""

    name: str
    critical: bool

    async def open(self) -> None:
        """Gets ready without calling anything: the service starts also when the dependency is down."""

    async def close(self) -> None:
        """Closes its connections."""

    async def why_not_ready(self) -> str | None:
        """None when it works, else what is wrong."""

    def summary(self) -> dict[str, Any]:
        """What `/v1/dependencies` says about it."""


@dataclass
class Parts:
    """The parts so far."""

    settings: Settings
    telemetry: Telemetry
    notes: Notes = field(init=False)
    dependencies: list[Dependency] = field(default_factory=list)
    routers: list[APIRouter] = field(default_factory=list)
