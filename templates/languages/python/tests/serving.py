"""The service served by its own server in a thread of the tests, and what is needed to wait for it."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
from starlette.types import ASGIApp, Message

from app import deadline
from app.lifecycle import Lifecycle, server_for
from app.service import create_app
from app.settings import Settings
from app.telemetry import Telemetry

StartService = Callable[..., httpx2.Client]
FreshSettings = Callable[[], dict[str, Any]]


def wait_until(true: Callable[[], bool], otherwise: str, seconds: float = 10.0) -> None:
    """Waits for something only another thread can bring about."""
    ends_at = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends_at, otherwise
        time.sleep(0.01)


@contextmanager
def running(settings: Settings) -> Iterator[tuple[httpx2.Client, Lifecycle]]:
    """Serves in a thread until the block ends."""
    lifecycle = Lifecycle()
    server = server_for(create_app(settings, lifecycle, Telemetry(settings)), settings, lifecycle)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        wait_until(lambda: server.started, "the service did not start")
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            yield client, lifecycle
    finally:
        server.should_exit = True
        thread.join(10)


def everything(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    return b"".join(iter(lambda: connection.recv(4096), b""))


def call(app: ASGIApp, seconds_asked: str = "") -> tuple[int, bytes]:
    """One GET against a bare ASGI application."""
    sent: list[Message] = []
    headers = [(deadline.HEADER.encode(), seconds_asked.encode())] if seconds_asked else []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/v1/x", "headers": headers}

    async def run() -> None:
        await app(scope, receive, send)

    asyncio.run(run())
    return sent[0]["status"], sent[1]["body"]
