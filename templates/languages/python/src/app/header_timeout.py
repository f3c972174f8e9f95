"""Closes connections that take too long to send the head of a request (uvicorn itself waits for ever)."""

import asyncio
import uuid
from contextlib import suppress

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from app.logs import request_id_of
from app.problems import problem_response
from app.security_headers import SECURITY_HEADERS

CALLER_LEFT = "caller_left"  # in the state of a request whose connection ended before its answer
LAST_CALL_SECONDS = 0.5  # what was sent before the door closed has arrived by then


class HeaderTimeoutProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 with a limit from the first byte (or the connection) to the end of the head."""

    seconds: float
    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A new connection owes a request at once."""
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """The clock runs only while a head has begun and not ended."""
        super().data_received(data)
        self._look_for_head()

    def on_response_complete(self) -> None:
        """The next head may have begun in what came together with the request that is answered now."""
        super().on_response_complete()
        self._look_for_head()

    def send_400_response(self, msg: str) -> None:
        """What is not HTTP gets a problem document like every other error, where uvicorn would say it in plain text."""
        own_id = uuid.uuid4().hex
        token = request_id_of.set(own_id)
        headers = SECURITY_HEADERS | {"x-request-id": own_id, "connection": "close"}
        answer = problem_response(400, "the request is not valid HTTP", headers)
        request_id_of.reset(token)
        content = bytes(answer.body)
        if self.cycle and not self.cycle.response_complete:
            self.cycle.disconnected = True  # the body was broken: what its handler may still say goes nowhere
            content = b"" if self.cycle.scope["method"] == "HEAD" else content
        # Refused when an answer has begun: then only cutting the connection tells the caller.
        with suppress(h11.LocalProtocolError):
            start = h11.Response(status_code=400, headers=answer.raw_headers, reason=b"Bad Request")
            events = (start, h11.Data(data=content), h11.EndOfMessage())
            self.transport.write(b"".join(self.conn.send(event) or b"" for event in events))
        self.transport.close()

    def shutdown(self) -> None:
        """Who has just connected may still say what for; closing at once would throw away a request under way."""
        if self._waiting is None:
            super().shutdown()
            return
        self._stop_waiting()
        self.seconds = min(self.seconds, LAST_CALL_SECONDS)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is owed any more, and who asked is not there for what is not answered yet."""
        self._stop_waiting()
        if self.cycle and not self.cycle.response_complete and not self.cycle.disconnected:
            self.cycle.scope["state"][CALLER_LEFT] = True
        super().connection_lost(exc)

    def _look_for_head(self) -> None:
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._expect_head()
        else:
            self._stop_waiting()

    def _expect_head(self) -> None:
        if self._waiting is None:
            self._waiting = self.loop.call_later(self.seconds, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


def header_timeout(limit: float) -> type[HeaderTimeoutProtocol]:
    """The protocol with this many seconds for a head; uvicorn makes its instances itself."""

    class Limited(HeaderTimeoutProtocol):
        seconds = limit

    return Limited
