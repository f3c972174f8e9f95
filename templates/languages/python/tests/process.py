"""The service as a process of its own, as it is started in production."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

COMMAND = [sys.executable, "-m", "app"]


def environment(settings: Mapping[str, Any]) -> dict[str, str]:
    """Only the settings as variables, and where Python finds the code."""
    given = {name.upper(): str(value) for name, value in settings.items()}
    return {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]} | given


@contextmanager
def process(settings: Mapping[str, Any]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running service and its address."""
    child = subprocess.Popen(COMMAND, env=environment(settings), stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        for line in child.stdout:
            entry = json.loads(line)
            if entry["message"] == "listening":
                threading.Thread(target=child.stdout.read, daemon=True).start()
                yield child, f"http://127.0.0.1:{entry['port']}"
                return
        raise AssertionError("the service ended before it listened")
    finally:
        child.kill()
        child.wait()
