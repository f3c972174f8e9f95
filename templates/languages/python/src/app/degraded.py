"""Which dependencies the answer being made had to do without. The caller sees them in `x-degraded`."""

from contextvars import ContextVar

_without: ContextVar[list[str] | None] = ContextVar("degraded", default=None)


def start() -> list[str]:
    """A fresh list for the current request; it fills while the request runs."""
    names: list[str] = []
    _without.set(names)
    return names


def mark(name: str) -> None:
    """The answer is not what it would be if this dependency worked."""
    names = _without.get()
    if names is not None and name not in names:
        names.append(name)
