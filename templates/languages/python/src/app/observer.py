"""A span, the golden signals and one line in the log for every request but health checks."""

import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers
from starlette.types import Scope

from app.header_timeout import CALLER_LEFT
from app.health import HEALTH
from app.telemetry import BUCKETS, Telemetry

log = logging.getLogger("app.requests")

# Whoever asks may invent methods; each would be a time series of its own.
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}


@dataclass
class Seen:
    """What is known of a request so far."""

    status: int = 0  # no answer yet


class Observer:
    """Sees requests from their head to the end of their answer."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._tracer = telemetry.traces.get_tracer("app")
        self._propagator = TraceContextTextMapPropagator()
        meter = telemetry.metrics.get_meter("app")
        self._durations = meter.create_histogram(
            "http.server.request.duration", "s", explicit_bucket_boundaries_advisory=BUCKETS
        )
        self._active = Counter(GET=0)  # told before the first request, too
        # Asked for when metrics are sent, which costs requests nothing.
        meter.create_observable_up_down_counter("http.server.active_requests", [self._inside], "{request}")

    def _inside(self, _: CallbackOptions) -> Iterable[Observation]:
        for method, requests in self._active.copy().items():
            yield Observation(requests, {"http.request.method": method})

    @contextmanager
    def request(self, scope: Scope) -> Iterator[Seen]:
        """Around one request; whoever answers says in `Seen` how. It becomes part of its caller's trace."""
        seen = Seen()
        if scope["path"] in HEALTH:
            yield seen
            return
        began = time.perf_counter()
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        labels: dict[str, str | int] = {"http.request.method": method}
        headers = Headers(scope=scope)
        carrier = {name: headers[name] for name in self._propagator.fields if name in headers}
        with self._tracer.start_as_current_span(
            method,
            self._propagator.extract(carrier),
            SpanKind.SERVER,
            labels | {"url.path": scope["path"]},
            record_exception=False,  # it is in the log, with credentials taken out
        ) as span:
            self._active[method] += 1
            try:
                yield seen
            finally:
                seconds = time.perf_counter() - began
                self._active[method] -= 1
                status = _status(scope, seen)
                measured = labels | {"http.response.status_code": status}
                if route := getattr(scope.get("route"), "path", None):
                    measured["http.route"] = route
                    span.update_name(f"{method} {route}")
                self._durations.record(seconds, measured)
                span.set_attributes(measured)
                if status >= 500:
                    span.set_status(StatusCode.ERROR)
                _log(scope, status, seconds)


def _status(scope: Scope, seen: Seen) -> int:
    if scope.get("state", {}).get(CALLER_LEFT):
        return 499  # nginx's number for it: nobody read what was answered, if anything was
    return seen.status or 500  # the server answers so for what it cuts off


def _log(scope: Scope, status: int, seconds: float) -> None:
    # No query string and no headers: either may hold a secret.
    fields = {
        "method": scope["method"],
        "path": scope["path"],
        "status": status,
        "duration_ms": round(seconds * 1000, 1),
    }
    log.log(logging.ERROR if status >= 500 else logging.INFO, "request", extra={"fields": fields})
