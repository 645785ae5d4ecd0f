"""What the rounds say together, by numbers that can be worked out in the head."""

from __future__ import annotations

from typing import Any

import pytest
from pytest import approx

from benchmarks.common.origin import Json
from benchmarks.studies.breakeven import figures
from benchmarks.studies.breakeven.arrangements import ALONE, CLIENT, ENSEMBLE, ENSEMBLE_SHARED, FUSED_MODEL
from benchmarks.studies.breakeven.station import Seen


def seen(**values: Any) -> Seen:
    """A station that counted for two seconds."""
    return Seen(**{"measured_s": 2.0, "processor_s": 0.2} | values)


def test_phase_of_two_stations() -> None:
    """Throughputs add up; processor time and bytes are a picture's; wrong verdicts have no times but had bytes."""
    first = seen(times_ms={"a": [10.0, 20.0], "b": [30.0]}, network_ms=[5.0, 7.0, 9.0], sent=300, received=30)
    second = seen(times_ms={"a": [30.0]}, network_ms=[9.0], wrong=1, sent=200, received=20)

    found = figures.phase_figures([first, second], server_cores=1.0, machine_cores=1.5)

    assert found["images_per_s"] == 2.0  # 3 in 2 s and 1 in 2 s
    assert (found["answered"], found["wrong_verdicts"]) == (4, 1)
    assert (found["p50_ms"], found["network_ms"]) == (25.0, 8.0)
    assert found["client_ms"] == 100.0  # 0.2 cores for 2 pictures a second
    assert found["server_ms"] == 500.0
    assert found["other_cores"] == 0.3
    assert (found["sent"], found["received"], found["shared"]) == (100, 10, 0)
    assert found["by_picture_ms"] == {"a": 20.0, "b": 30.0}


def test_phase_without_answers() -> None:
    """Nothing is divided by nothing."""
    found = figures.phase_figures([seen()], server_cores=0.0, machine_cores=1.0)

    assert found["images_per_s"] == 0
    assert {found[key] for key in ("p50_ms", "p99_ms", "client_ms", "server_ms", "sent")} == {None}


def test_drift_hits_all_alike(record: Json) -> None:
    """A machine that becomes slower changes the medians, not the ratios within a round."""
    assert figures.median(figures.phases(record, ENSEMBLE, 1), "p50_ms") == approx(33.0)

    ratio = figures.time_ratio(record, FUSED_MODEL, ENSEMBLE)

    assert ratio is not None
    assert (ratio.median, ratio.low, ratio.high) == approx((0.9, 0.9, 0.9))
    assert ratio.is_seen


def test_throughput_is_that_of_several_stations(record: Json) -> None:
    """Of the rows with four stations, as the plan says."""
    ratio = figures.throughput_ratio(record, CLIENT, ENSEMBLE)

    assert ratio is not None
    assert ratio.median == approx(30 / 33)


def test_rounds_that_disagree_show_no_effect(record: Json) -> None:
    """One round the other way round is enough to say nothing."""
    row = figures.phases(record, ENSEMBLE_SHARED, 1)[1]
    row["by_picture_ms"] = {name: ms * 0.9 for name, ms in row["by_picture_ms"].items()}

    ratio = figures.time_ratio(record, ENSEMBLE_SHARED, ENSEMBLE)

    assert ratio is not None
    assert (ratio.low, ratio.high) == approx((0.9, 1.0))
    assert not ratio.is_seen


def test_arrangement_that_answered_nothing(record: Json) -> None:
    """It has no ratio and no overhead, and takes none away from others."""
    for row in figures.phases(record, CLIENT, 1) + figures.phases(record, CLIENT, 4):
        row |= {"images_per_s": 0.0, "p50_ms": None, "by_picture_ms": {}}

    assert figures.throughput_ratio(record, CLIENT, ENSEMBLE) is None
    assert figures.time_ratio(record, CLIENT, ENSEMBLE) is None
    assert figures.over_alone_ms(record, CLIENT) is None


def test_overhead_is_that_of_each_picture(record: Json) -> None:
    """5 and 10 ms more for the two pictures are 7.5; in the slower rounds a tenth and a half more."""
    assert figures.over_alone_ms(record, ENSEMBLE) == approx(7.5 * 1.1, abs=0.01)
    assert figures.over_alone_ms(record, ALONE) == 0


def test_hops_are_predicted_from_bytes_then_measured(record: Json) -> None:
    """Two steps of 0.5 ms and twice 384 KiB at 2 ms a MiB are 2.5 ms, and so much they took."""
    hop = figures.hop_figures(record)

    assert hop is not None
    assert hop["step_ms"] == approx(0.5)
    assert hop["mib_ms"] == approx(2.0)
    assert hop["predicted_ms"] == approx(2.5)
    assert hop["measured_ms"] == approx(2.5)
    assert hop["processor_ms"] == approx(3.0)


def test_no_hops_without_answers(record: Json) -> None:
    """A phase that nobody answered leaves nothing to predict from."""
    for rows in record["rounds"]:
        rows[-1]["p50_ms"] = None

    assert figures.hop_figures(record) is None


@pytest.mark.parametrize(
    ("hop_ms", "rest_ms", "share", "network_ms"), [(2.5, 5, 0.05, 45), (2.5, 5, 0.1, 20), (0.2, 5, 0.1, 0)]
)
def test_break_even(hop_ms: float, rest_ms: float, share: float, network_ms: float) -> None:
    """2.5 ms are a twentieth of 50 ms, of which 5 are no network; where the rest alone is enough, any network is."""
    assert figures.break_even_ms(hop_ms, rest_ms, share) == approx(network_ms)
