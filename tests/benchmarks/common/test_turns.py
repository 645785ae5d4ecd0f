"""A server and the limit in turns."""

from __future__ import annotations

import pytest

from benchmarks.common.errors import BenchmarkError
from benchmarks.common.limit import CORES, Work
from benchmarks.common.origin import network_file
from benchmarks.common.pictures import Picture
from benchmarks.common.turns import Turn, Turns, figures, in_turns
from endface.server.process import EmbeddedServer


def test_each_turn_is_compared_with_its_neighbor() -> None:
    """A machine that is twice as fast in the second round changes no ratio; the generator's share is taken out."""
    half = 500 * CORES  # ms of a second in which one picture is served, of which the generator takes the half
    limits = [Turn(rate, {"limit": 30.0}) for rate in (2.0, 4.0, 2.0)]
    served = [Turn(rate, {"segment": 15.0, "generator": half / rate}) for rate in (1.0, 2.0, 1.0)]

    found = figures(limits, served)

    assert found["served_over_limit"] == {"median": 0.5, "q1": 0.5, "q3": 0.5}
    assert found["served_over_limit_on_cores_left"]["median"] == 1.0
    assert found["limit_images_per_s"] == {"median": 2.0, "q1": 2.0, "q3": 3.0}
    assert found["cpu_ms"] == {"limit": 30.0, "segment": 15.0, "generator": half}
    assert found["rounds"] == 3


@pytest.mark.triton
def test_both_sides_take_turns(pictures: list[Picture], server: EmbeddedServer) -> None:
    """Both sides finish pictures, and each process's share is known."""
    work = Work(pictures, network_file(), "mm-pc")

    found = in_turns(server.grpc_address, server.metrics_address, work, Turns(rounds=1, seconds=3.0, users=2))

    assert found["rounds"] == 1
    assert found["limit_images_per_s"]["median"] > 0
    assert found["served_over_limit"]["q1"] <= found["served_over_limit"]["q3"]
    assert set(found["cpu_ms"]) == {"limit", "preprocess", "segment", "postprocess", "tritonserver", "generator"}


def test_server_must_be_on_this_machine(pictures: list[Picture]) -> None:
    """Elsewhere the limit of this machine says nothing about it."""
    with pytest.raises(BenchmarkError, match="no process of this machine listens at"):
        in_turns("127.0.0.1:9", "127.0.0.1:9", Work(pictures[:1], network_file(), "mm-pc"), Turns(rounds=1))
