"""What happens around every request: its id, security headers, the last net for errors."""

import logging
import re
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import degraded
from app.lifecycle import Lifecycle
from app.logs import request_id_of
from app.observer import Observer, Seen
from app.problems import problem_response
from app.security_headers import SECURITY_HEADERS

log = logging.getLogger("app.requests")

SANE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def request_id(headers: Headers) -> str:
    """The caller's id when it is sane (it goes into logs), else a new one."""
    given = headers.get("x-request-id", "")
    return given if SANE_ID.fullmatch(given) else uuid.uuid4().hex


def two_lengths(headers: Headers) -> bool:
    """Whether the body has two ends: who passed the request on may have taken the other one (RFC 9112, 6.1)."""
    return "transfer-encoding" in headers and "content-length" in headers


class RequestFrame:
    """The outermost layer of the service's own."""

    def __init__(self, app: ASGIApp, lifecycle: Lifecycle, observer: Observer) -> None:
        self.app = app
        self.lifecycle = lifecycle
        self.observer = observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Frames one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        own_id = request_id(Headers(scope=scope))
        token = request_id_of.set(own_id)
        try:
            with self.observer.request(scope) as seen:
                await self._answer(scope, receive, send, own_id, seen)
        finally:
            request_id_of.reset(token)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, own_id: str, seen: Seen) -> None:
        without = degraded.start()

        async def framed(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen.status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = own_id
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                if without:
                    headers["x-degraded"] = ", ".join(without)
                if self.lifecycle.draining:
                    # Callers that keep connections open move to another instance.
                    headers["connection"] = "close"
            await send(message)

        app = self.app
        if two_lengths(Headers(scope=scope)):
            detail = "a request has a content-length or a transfer-encoding, not both"
            app = problem_response(400, detail, {"connection": "close"})
        try:
            await app(scope, receive, framed)
        except Exception:
            log.exception("request failed")
            if seen.status:
                raise  # the answer has begun: only cutting the connection tells the caller
            await problem_response(500, "something went wrong on our side")(scope, receive, framed)
