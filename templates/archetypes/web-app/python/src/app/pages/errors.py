"""Problem documents become pages for callers that prefer HTML, wherever in the service they were made."""

import json
import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.pages.rendering import SECURITY, html

PROBLEM = "application/problem+json"
QUALITY = re.compile(r";\s*q=([0-9.]+)")


def prefers_html(accept: str) -> bool:
    """Whether a caller named HTML, and no JSON that it likes as much."""
    wanted = {"text/html": 0.0, "application/json": 0.0, PROBLEM: 0.0}
    for part in accept.lower().split(","):
        media_type = part.partition(";")[0].strip()
        quality = QUALITY.search(part)
        if media_type in wanted:
            wanted[media_type] = float(quality[1]) if quality and quality[1].count(".") < 2 else 1.0
    return wanted["text/html"] > max(wanted["application/json"], wanted[PROBLEM])


class PageErrors:
    """The outermost layer: it sees every answer as it would leave."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets everything through but problems for people."""
        if scope["type"] != "http" or not prefers_html(Headers(scope=scope).get("accept", "")):
            await self.app(scope, receive, send)
            return
        start: Message | None = None
        body = b""

        async def watched(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and PROBLEM in Headers(raw=message["headers"]).get(
                "content-type", ""
            ):
                start = message
            elif start is None:
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body", False):
                    await self._send_page(start, body, send)

        await self.app(scope, receive, watched)

    @staticmethod
    async def _send_page(start: Message, problem: bytes, send: Send) -> None:
        content = html("problem.html", problem=json.loads(problem)).encode()
        headers = MutableHeaders(raw=list(start["headers"]))
        headers["content-type"] = "text/html; charset=utf-8"
        headers["content-length"] = str(len(content))
        headers.update(SECURITY)
        await send({**start, "headers": headers.raw})
        await send({"type": "http.response.body", "body": content})
