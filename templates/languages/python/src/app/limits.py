"""Bounds on every request: how many at once, how large, how long."""

import asyncio
import logging
import re

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import deadline
from app.health import HEALTH
from app.problems import problem_response

log = logging.getLogger("app.limits")


def exempt(scope: Scope) -> bool:
    """Health checks are answered even when the service is full: it is busy, not dead."""
    return scope["type"] != "http" or scope["path"] in HEALTH


class LoadShedding:
    """Refuses requests over the limit at once, so that those inside stay fast."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self.limit = limit
        self.inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets one request in, or answers 503 with a hint when to come back."""
        if exempt(scope):
            await self.app(scope, receive, send)
        elif self.inside >= self.limit:
            log.warning("load shed", extra={"fields": {"inside": self.inside}})
            refusal = problem_response(503, "too many requests at once", {"retry-after": "1"})
            await refusal(scope, receive, send)
        else:
            self.inside += 1
            try:
                await self.app(scope, receive, send)
            finally:
                self.inside -= 1


class TimeLimit:
    """Ends a request that takes too long: 408 while its body is still arriving, 504 after that.

    A caller that waits less long says so in `x-request-timeout-ms`; calls made for it see what is left.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Runs one request against the clock."""
        if exempt(scope):
            await self.app(scope, receive, send)
            return
        seconds = self._allowed(Headers(scope=scope).get(deadline.HEADER, ""))
        arrived = answered = False

        async def watched_receive() -> Message:
            nonlocal arrived
            message = await receive()
            arrived = arrived or not message.get("more_body", False)
            return message

        async def watched_send(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        deadline.start(seconds)
        try:
            async with asyncio.timeout(seconds) as clock:
                await self.app(scope, watched_receive, watched_send)
        except TimeoutError:
            if answered or not clock.expired():
                raise
            slow_body = not arrived and _has_body(Headers(scope=scope))
            status, detail = (
                (408, "the body did not arrive in time") if slow_body else (504, "the request took too long")
            )
            await problem_response(status, detail, {"connection": "close"})(scope, receive, send)

    def _allowed(self, asked: str) -> float:
        wanted = int(asked) / 1000 if re.fullmatch(r"[0-9]{1,6}", asked) else self.seconds
        return min(self.seconds, max(wanted, 0.001))


class BodyLimit:
    """Refuses bodies over the limit with 413, announced or not."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Counts the bytes of one request."""
        if exempt(scope):
            await self.app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced) > self.limit:
            await problem_response(413, self._detail(), {"connection": "close"})(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.limit:
                raise HTTPException(413, self._detail(), {"connection": "close"})
            return message

        await self.app(scope, counted, send)

    def _detail(self) -> str:
        return f"the body may have at most {self.limit} bytes"


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
