"""Which traces are recorded: those that a caller records already, and of the others the first ones of each second.

So a quiet service loses none, and a busy one does not spend on telemetry what its users wait for.
"""

import time
from collections.abc import Callable, Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes


class FirstOfEachSecond(Sampler):
    """Records so many traces a second and no more."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._second = 0
        self._recorded = 0

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Asked once a trace, where it begins."""
        second = int(self._clock())
        if second != self._second:
            self._second, self._recorded = second, 0
        if self._recorded >= self._most:
            return SamplingResult(Decision.DROP)
        self._recorded += 1
        return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)

    def get_description(self) -> str:
        """For people who look at the configuration."""
        return f"FirstOfEachSecond{{{self._most}}}"


def sampler(traces_per_second: int) -> Sampler:
    """What the caller decided counts; where nobody did, the second's count does."""
    return ParentBased(FirstOfEachSecond(traces_per_second))
