"""The software bill of materials: every library that is beside this service (CycloneDX 1.6, https://cyclonedx.org/docs/1.6/json/)."""

import re
from importlib.metadata import Distribution, distribution, distributions
from typing import Any

from app.settings import SERVICE

LICENSE = "License-Expression"


def component(library: Distribution) -> dict[str, Any]:
    """One library, with the package URL that vulnerability databases know it by."""
    name = re.sub(r"[-_.]+", "-", library.name).lower()  # as lock files have it (PEP 503)
    found: dict[str, Any] = {"type": "library", "name": name, "version": library.version}
    found["purl"] = f"pkg:pypi/{name}@{library.version}"
    if LICENSE in library.metadata:
        found["licenses"] = [{"expression": library.metadata[LICENSE]}]
    return found


def sbom() -> dict[str, Any]:
    """What is installed where FastAPI is, which is what the lock file names."""
    folder = str(distribution("fastapi").locate_file(""))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": SERVICE}},
        "components": sorted(map(component, distributions(path=[folder])), key=lambda one: one["purl"]),
    }
