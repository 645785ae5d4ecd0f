"""What Locust counted beside what the server says of itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import approx

from benchmarks.common.origin import Json
from benchmarks.common.triton_counters import STAGES
from benchmarks.load.figures import bottleneck, percentile, phase_figures, split_ms

SERVER: dict[str, Json] = {
    "preprocess": {"request_ms": 8.0, "queue_ms": 2.0, "compute_ms": 6.0, "batch": 1.5},
    "segment": {"request_ms": 30.0, "queue_ms": 10.0, "compute_ms": 20.0, "batch": 2.0},
    "postprocess": {"request_ms": 3.0, "queue_ms": 1.0, "compute_ms": 2.0, "batch": 1.0},
    "endface": {"request_ms": 45.0, "queue_ms": 0.0, "compute_ms": 28.0, "batch": 1.0},
}
PHASE: Json = {
    "name": "4 stations",
    "users": 4,
    "fibers": 1,
    "measured_s": 10.0,
    "server": SERVER,
    "cores": {"generator": 0.2, "server": 1.7, "machine": 2.0},
    "server_mib": 700.0,
}


def entry(outcome: str, times: dict[str, int], name: str = "4 stations") -> dict[str, Any]:
    """A row of Locust's statistics."""
    return {
        "method": outcome,
        "name": name,
        "num_requests": sum(times.values()),
        "total_response_time": sum(float(ms) * count for ms, count in times.items()),
        "response_times": times,
    }


def test_only_right_answers_are_throughput() -> None:
    """Refused, failed and wrong ones are counted beside, and do not touch the percentiles of the answered."""
    entries = [
        entry("answered", {"40": 90, "60": 9, "100": 1}),
        entry("refused", {"1": 60}),
        entry("failed", {"2": 30}),
        entry("wrong", {"50": 10}),
        entry("answered", {"999": 5}, name="8 stations"),
    ]

    found = phase_figures(entries, PHASE)

    assert (found["requests"], found["answered"], found["refused"], found["failed"]) == (200, 100, 60, 30)
    assert found["wrong_verdicts"] == 10
    assert (found["refused_share"], found["failed_share"]) == (0.3, 0.15)
    assert found["images_per_s"] == 10.0
    assert (found["p50_ms"], found["p95_ms"], found["p99_ms"]) == (40, 60, 60)
    assert found["mean_ms"] == approx(42.4)
    assert found["batch"] == {"preprocess": 1.5, "segment": 2.0, "postprocess": 1.0}
    assert found["connector"] is None


def test_phase_without_answers() -> None:
    """Where nothing was answered there are no times, and no share is undefined."""
    found = phase_figures([], PHASE)

    assert (found["requests"], found["images_per_s"]) == (0, 0)
    assert (found["refused_share"], found["failed_share"]) == (0, 0)
    assert found["p50_ms"] is found["p99_ms"] is found["mean_ms"] is found["split_ms"] is None


def test_stations_are_counted_by_themselves() -> None:
    """One of four got nothing, so it has no row of its own; no picture counts twice."""
    rows = [entry(f"station 7-{number}", {"40": count}) for number, count in enumerate((30, 50, 20))]

    found = phase_figures([entry("answered", {"40": 100}), *rows], PHASE)

    assert (found["fewest"], found["most"]) == (0, 50)
    assert found["requests"] == found["answered"] == 100


def test_whole_connectors_have_times_of_their_own() -> None:
    """A connector's time is that of its slowest fiber, and no picture more is counted for it."""
    entries = [entry("answered", {"80": 24}), entry("connector", {"90": 2})]

    found = phase_figures(entries, PHASE | {"fibers": 12})

    assert found["requests"] == 24
    assert found["connector"] == {"p50_ms": 90, "p95_ms": 90, "p99_ms": 90}


def test_split_adds_up_to_what_the_client_waited() -> None:
    """Queue and computing of each stage, what the ensemble took beyond, and what the server did not see."""
    parts = split_ms(50.0, SERVER)

    assert parts is not None
    assert parts["segment queue"] == 10
    assert parts["segment compute"] == 20
    assert parts["between stages"] == 4
    assert parts["client and gRPC"] == 5
    assert sum(parts.values()) == approx(50)
    assert list(parts)[:6] == [f"{stage} {what}" for stage in STAGES for what in ("queue", "compute")]


@pytest.mark.parametrize("model", ["endface", "segment"])
def test_no_split_without_the_servers_word(model: str) -> None:
    """Without counters, or without a request in them, nothing is guessed."""
    assert split_ms(50.0, {name: values for name, values in SERVER.items() if name != model}) is None
    assert split_ms(50.0, SERVER | {model: {"request_ms": None}}) is None


@settings(deadline=None)
@given(st.dictionaries(st.integers(1, 9999), st.integers(1, 50), min_size=1), st.sampled_from([0.5, 0.95, 0.99]))
def test_percentile_as_if_written_out(counts: dict[int, int], share: float) -> None:
    """A histogram's percentile is that of its times written out one by one: enough lie at or below, not before."""
    times = sorted(ms for ms, count in counts.items() for _ in range(count))

    found = percentile({str(ms): count for ms, count in counts.items()}, share)

    assert found is not None
    assert sum(ms <= found for ms in times) >= share * len(times)
    assert sum(ms < found for ms in times) < share * len(times)


def test_busy_generator_is_named() -> None:
    """A generator at 80 % of a core for each of its processes is the bottleneck."""
    phases = [
        {"phase": name, "cores": {"generator": cores}} for name, cores in (("calm", 0.79), ("busy", 0.8), ("two", 1.7))
    ]

    assert bottleneck(phases, processes=1) == ["busy", "two"]
    assert bottleneck(phases, processes=2) == ["two"]
