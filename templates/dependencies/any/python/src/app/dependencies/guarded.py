"""What all dependencies have in common."""

from typing import Any

from app.parts import Parts
from app.policies import POLICIES
from app.resilience import Guard


class GuardedDependency:
    """A dependency that is only called through its `guard`."""

    kind: str

    def __init__(self, guard: Guard) -> None:
        self.name = guard.name
        self.critical = guard.policy.critical
        self.guard = guard

    async def open(self) -> None:
        """Gets ready without calling anything."""

    def summary(self) -> dict[str, Any]:
        """What `/v1/dependencies` says about it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "critical": self.critical,
            "fallback": self.guard.policy.fallback,
            "circuit": self.guard.circuit.state,
        }


def guard_of(name: str, parts: Parts) -> Guard:
    """The guard of one dependency, with its policy from pave.toml."""
    return Guard(name, POLICIES[name], parts.telemetry, open_for=parts.settings.circuit_open_ms / 1000)
