"""The base of every HTTP client: JSON under a guard, and the fallback its policy names."""

import json
from collections.abc import Mapping
from typing import Any

import httpx2
from opentelemetry.instrumentation.httpx import HTTPX2ClientInstrumentor
from opentelemetry.instrumentation.utils import suppress_instrumentation
from pydantic_core import to_json

from app import deadline
from app.dependencies.guarded import GuardedDependency
from app.fallback import Answer, Fallback
from app.logs import request_id_of
from app.resilience import DependencyFailure, Guard, Rejected, Transient
from app.telemetry import Telemetry

MOST_BYTES = 1024 * 1024  # of one answer, unpacked


class HttpDependency(GuardedDependency):
    """One dependency that speaks HTTP."""

    kind = "http"

    def __init__(self, guard: Guard, url: str, stand_in: Any, telemetry: Telemetry) -> None:
        super().__init__(guard)
        self._stand_in = stand_in
        self._fallback: Fallback[Any] = Fallback(guard)
        policy = guard.policy
        self._http = httpx2.AsyncClient(
            base_url=url,
            timeout=httpx2.Timeout(policy.timeout, connect=policy.connect_timeout),
        )
        # A span for each attempt, and `traceparent` in what is sent.
        HTTPX2ClientInstrumentor.instrument_client(
            self._http, tracer_provider=telemetry.traces, meter_provider=telemetry.metrics
        )

    async def root(self) -> Answer[Any]:
        """What the dependency says at its base address."""
        return await self.get_json("")

    async def get_json(self, path: str) -> Answer[Any]:
        """GET. Retried; falls back as the policy says."""
        return await self._fallback.ask(path, lambda: self._send("GET", path), self._stand_in)

    async def post_json(self, path: str, body: Any, idempotency_key: str | None = None) -> Any:
        """POST. Retried only with a key, which the dependency must honour. A write has no fallback."""
        headers = {"idempotency-key": idempotency_key} if idempotency_key else {}
        return await self.guard.call(
            lambda: self._send("POST", path, body, headers), idempotent=idempotency_key is not None
        )

    async def why_not_ready(self) -> str | None:
        """Asks the dependency itself, past circuit and retries: any answer below 500 will do."""
        try:
            # Asked all the time: traces of it would only hide those of requests.
            # The body stays unread: nothing in it matters here, and it may never end.
            with suppress_instrumentation():
                async with self._http.stream("GET", "") as response:
                    return f"answers {response.status_code}" if response.status_code >= 500 else None
        except httpx2.HTTPError as error:
            return type(error).__name__

    async def close(self) -> None:
        """Closes its connections."""
        await self._http.aclose()

    async def _send(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        left = min(deadline.remaining(), self.guard.policy.timeout)
        context = {"x-request-id": request_id_of.get(), deadline.HEADER: str(int(left * 1000))}
        try:
            async with self._http.stream(method, path, json=body, headers=context | dict(headers or {})) as response:
                content = await self._content(response)
        except httpx2.RequestError as error:
            raise Transient(self.name, type(error).__name__) from error
        if response.status_code == 429 or response.status_code >= 500:
            raise Transient(self.name, f"answered {response.status_code}")
        if not response.is_success:
            raise Rejected(self.name, f"answered {response.status_code}")
        return self._value(content)

    async def _content(self, response: httpx2.Response) -> bytes:
        content = bytearray()
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > MOST_BYTES:
                # Another attempt would only fetch as much again.
                raise DependencyFailure(self.name, f"its answer has more than {MOST_BYTES} bytes")
        return bytes(content)

    def _value(self, content: bytes) -> Any:
        try:
            try:
                value = json.loads(content)
            except ValueError:
                return content.decode(errors="replace")
            # What cannot be written again (a lone surrogate, nesting without end) would break our own answer.
            to_json(value)
        except (RecursionError, ValueError) as error:
            raise DependencyFailure(self.name, "its answer is broken") from error
        return value
