"""The base of every client: HTTP with JSON under a `Guard`, and the fallback its policy names."""

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Literal

import httpx2
from opentelemetry.instrumentation.httpx import HTTPX2ClientInstrumentor

from app import deadline
from app.logs import request_id_of
from app.resilience import DependencyFailure, Guard, Policy, Transient
from app.telemetry import Telemetry

CONNECT_SECONDS = 1.0
MOST_STALE_ANSWERS = 256
TRANSIENT = (429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Answer:
    """What a dependency said, or what stands in for it."""

    value: Any
    source: Literal["live", "stale", "default"] = "live"
    reason: str | None = None

    @property
    def degraded(self) -> bool:
        """True when the dependency itself did not answer."""
        return self.source != "live"


class Rejected(DependencyFailure):
    """The dependency answered 4xx: it works, our request was wrong. Never retried, never covered up."""


class HttpDependency:
    """One dependency that speaks HTTP."""

    def __init__(self, name: str, url: str, policy: Policy, default: Any, telemetry: Telemetry) -> None:
        self.name = name
        self.critical = policy.critical
        self.guard = Guard(name, policy)
        self._default = default
        self._last_good: OrderedDict[str, tuple[float, Any]] = OrderedDict()
        self._http = httpx2.AsyncClient(
            base_url=url,
            timeout=httpx2.Timeout(policy.timeout, connect=min(CONNECT_SECONDS, policy.timeout)),
        )
        HTTPX2ClientInstrumentor.instrument_client(
            self._http, tracer_provider=telemetry.traces, meter_provider=telemetry.metrics
        )
        telemetry.metrics.get_meter("app.clients").create_observable_gauge(
            "dependency.circuit.open",
            callbacks=[self._observe_circuit],
            description="1 while calls of the dependency are refused or on trial",
        )

    async def get_json(self, path: str) -> Answer:
        """GET. Retried; falls back as the policy says."""
        try:
            response = await self.guard.call(lambda: self._send("GET", path), idempotent=True)
        except DependencyFailure as failure:
            return self._fallback(path, failure)
        value = self._accept(response)
        self._last_good[path] = (time.monotonic(), value)
        self._last_good.move_to_end(path)
        if len(self._last_good) > MOST_STALE_ANSWERS:
            self._last_good.popitem(last=False)
        return Answer(value)

    async def post_json(self, path: str, body: Any, idempotency_key: str | None = None) -> Any:
        """POST. Retried only with a key, which the dependency must honour. A write has no fallback."""
        headers = {"idempotency-key": idempotency_key} if idempotency_key else {}
        response = await self.guard.call(
            lambda: self._send("POST", path, json=body, headers=headers), idempotent=idempotency_key is not None
        )
        return self._accept(response)

    async def why_not_ready(self) -> str | None:
        """Asks the dependency itself, past circuit and retries: any answer below 500 will do."""
        try:
            response = await self._http.get("")
        except httpx2.HTTPError as error:
            return type(error).__name__
        return f"answers {response.status_code}" if response.status_code >= 500 else None

    async def close(self) -> None:
        """Closes its connections."""
        await self._http.aclose()

    async def _send(self, method: str, path: str, *, json: Any = None, headers: Any = None) -> httpx2.Response:
        remaining = min(deadline.remaining(), self.guard.policy.timeout)
        context = {"x-request-id": request_id_of.get(), deadline.HEADER: str(int(remaining * 1000))}
        try:
            response = await self._http.request(method, path, json=json, headers=context | (headers or {}))
        except httpx2.TransportError as error:
            raise Transient(self.name, type(error).__name__) from error
        if response.status_code in TRANSIENT:
            raise Transient(self.name, f"answered {response.status_code}")
        return response

    def _accept(self, response: httpx2.Response) -> Any:
        if not response.is_success:
            raise Rejected(self.name, f"answered {response.status_code}")
        try:
            return response.json()
        except ValueError:
            return response.text

    def _fallback(self, path: str, failure: DependencyFailure) -> Answer:
        policy = self.guard.policy
        if policy.fallback == "default":
            return Answer(self._default, "default", failure.reason)
        if policy.fallback == "stale" and path in self._last_good:
            kept_at, value = self._last_good[path]
            if time.monotonic() - kept_at <= policy.stale_for:
                return Answer(value, "stale", failure.reason)
        raise failure

    def _observe_circuit(self, _: Any) -> list[Any]:
        from opentelemetry.metrics import Observation

        return [Observation(int(self.guard.circuit.state != "closed"), {"dependency": self.name})]
