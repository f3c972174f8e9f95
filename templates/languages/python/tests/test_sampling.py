"""How many traces a second are recorded."""

from opentelemetry.sdk.trace.sampling import Decision

from app.sampling import FirstOfEachSecond


def test_each_second_has_room_for_so_many_traces_and_no_more() -> None:
    times = [0.0, 0.1, 0.9, 1.0, 1.1, 1.9, 5.0]
    sampler = FirstOfEachSecond(2, iter(times).__next__)
    decisions = [sampler.should_sample(None, 1, "request").decision for _ in times]
    recorded = [decision is Decision.RECORD_AND_SAMPLE for decision in decisions]
    assert recorded == [True, True, False, True, True, False, True]
