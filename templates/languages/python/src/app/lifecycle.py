"""Serving and leaving: on SIGTERM readiness fails first, then the door closes, then work in flight ends."""

import asyncio
import logging
from socket import socket
from types import FrameType
from typing import Any

import uvicorn

from app.header_timeout import header_timeout
from app.settings import Settings

log = logging.getLogger("app.lifecycle")

KEEP_ALIVE_SECONDS = 65  # longer than a balancer's 60 s, so that the balancer is the one that closes


class Lifecycle:
    """Where the process is in its life."""

    def __init__(self) -> None:
        self.draining = False


class DrainingServer(uvicorn.Server):
    """uvicorn, but it keeps the door open for a moment after SIGTERM and then exits with 0."""

    def __init__(self, config: uvicorn.Config, lifecycle: Lifecycle, delay: float) -> None:
        super().__init__(config)
        self._lifecycle = lifecycle
        self._delay = delay
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Says where it listens, which matters when the port was chosen by the system."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        for server in getattr(self, "servers", []):
            for listening in server.sockets:
                host, port = listening.getsockname()[:2]
                log.info("listening", extra={"fields": {"host": host, "port": port}})

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """First signal: drain. Second signal: close the door now."""
        if self._lifecycle.draining or self._loop is None:
            self.should_exit = True
            return
        self._lifecycle.draining = True
        # A signal may come in the middle of anything, also of writing a line of the log.
        self._loop.call_soon_threadsafe(self._leave, sig)

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Lets in who has knocked already, then closes the door."""
        for _ in range(3):  # turns of the loop: it takes note of them, accepts them, gives each its connection
            await asyncio.sleep(0)
        await super().shutdown(sockets)

    def _leave(self, sig: int) -> None:
        log.info("draining", extra={"fields": {"signal": sig}})
        asyncio.get_running_loop().call_later(self._delay, self._close)

    def _close(self) -> None:
        self.should_exit = True


def server_for(app: Any, settings: Settings, lifecycle: Lifecycle) -> DrainingServer:
    """A server that has not started yet."""
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=header_timeout(settings.header_timeout_ms / 1000),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.drain_timeout_ms / 1000,  # type: ignore[arg-type]  # waits for fractions, too
        h11_max_incomplete_event_size=32 * 1024,
    )
    return DrainingServer(config, lifecycle, settings.drain_delay_ms / 1000)


def serve(app: Any, settings: Settings, lifecycle: Lifecycle) -> bool:
    """Serves until told to stop. False when the service could not start."""
    server = server_for(app, settings, lifecycle)
    server.run()
    return server.started
