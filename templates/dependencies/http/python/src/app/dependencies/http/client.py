"""The base of every HTTP client: JSON under a guard, and the fallback its policy names."""

from collections.abc import Mapping
from typing import Any

import httpx2
from opentelemetry.instrumentation.httpx import HTTPX2ClientInstrumentor
from opentelemetry.instrumentation.utils import suppress_instrumentation

from app import deadline
from app.dependencies.guarded import GuardedDependency
from app.fallback import Answer, Fallback
from app.logs import request_id_of
from app.resilience import Guard, Rejected, Transient
from app.telemetry import Telemetry


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
            with suppress_instrumentation():
                response = await self._http.get("")
        except httpx2.HTTPError as error:
            return type(error).__name__
        return f"answers {response.status_code}" if response.status_code >= 500 else None

    async def close(self) -> None:
        """Closes its connections."""
        await self._http.aclose()

    async def _send(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        left = min(deadline.remaining(), self.guard.policy.timeout)
        context = {"x-request-id": request_id_of.get(), deadline.HEADER: str(int(left * 1000))}
        try:
            response = await self._http.request(method, path, json=body, headers=context | dict(headers or {}))
        except httpx2.TransportError as error:
            raise Transient(self.name, type(error).__name__) from error
        if response.status_code == 429 or response.status_code >= 500:
            raise Transient(self.name, f"answered {response.status_code}")
        if not response.is_success:
            raise Rejected(self.name, f"answered {response.status_code}")
        try:
            return response.json()
        except ValueError:
            return response.text
