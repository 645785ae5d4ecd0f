"""The model's constants from records."""

from __future__ import annotations

import pytest
from pytest import approx

from benchmarks.common.errors import BenchmarkError
from benchmarks.common.origin import Json
from benchmarks.studies.scaling.constants import measured


def test_a_pictures_cost_is_that_of_the_limit(records: dict[str, Json]) -> None:
    """4 pictures/s on 2 cores are 500 ms each, shared as the medians with all cores busy are; both sizes count."""
    found = measured(records)

    assert (found.cores, found.decode_ms, found.locate_ms) == (2, approx(40), approx(100))
    assert (found.prepare_ms, found.segment_ms, found.postprocess_ms) == (approx(70), approx(200), approx(90))
    assert found.serving_ms == approx(60)  # 560 in the server's processes
    assert found.around_ms == approx(360)


def test_the_rest_is_read(records: dict[str, Json]) -> None:
    """The client's share, how full the cores were, what a second core lost, bytes."""
    found = measured(records)

    assert found.client_ms == 15
    assert found.filled == approx(3.2 * 575 / 2000)
    assert found.per_doubling == approx(4.0 / 2.5 / 2)
    assert (found.picture_bytes, found.report_bytes) == (90_000, 3_000)


def test_shares_stay_in_their_range(records: dict[str, Json]) -> None:
    """A noisy record does not give a core that gains, or a server that costs less than its stages."""
    rows = records["scaling"]["cores"]
    rows[0]["limit"] = {"images_per_s": 1.0, "setups": []}
    rows[1] |= {"server_cpu_ms": 400.0, "images_per_s": 6.0}

    found = measured(records)

    assert (found.per_doubling, found.serving_ms, found.filled) == (1.0, 0.0, 1.0)
    assert found.around_ms + found.segment_ms == approx(400)


def test_one_core_loses_nothing(records: dict[str, Json]) -> None:
    """Where there is only one core there is no second one to lose to."""
    records["scaling"]["cores"] = records["scaling"]["cores"][:1]

    assert measured(records).per_doubling == 1.0


@pytest.mark.parametrize("kind", ["stages", "scaling"])
def test_missing_record_is_asked_for(records: dict[str, Json], kind: str) -> None:
    """The sentence names the command."""
    del records[kind]

    with pytest.raises(BenchmarkError, match=f"make one with `python -m benchmarks {kind}`"):
        measured(records)
