"""What serving adds at one client."""

from __future__ import annotations

import pytest

from benchmarks.common.limit import Work
from benchmarks.common.origin import network_file
from benchmarks.common.overhead import figures, one_client
from benchmarks.common.pictures import Picture
from endface.server.process import EmbeddedServer


def test_overhead_compares_each_picture_with_itself() -> None:
    """Large and small pictures do not mix: 2, 3 and 10 ms more make 3 ms, whatever the pictures cost."""
    found = figures([[22.0, 43.0, 40.0], [22.0, 43.0, 40.0]], [[19.0, 40.0, 30.0], [21.0, 40.0, 30.0]])

    assert found["overhead_ms"] == 3.0
    assert (found["passes"], found["p50_ms"], found["alone_p50_ms"]) == (2, 40.0, 30.0)


@pytest.mark.triton
def test_server_and_this_process_take_turns(pictures: list[Picture], server: EmbeddedServer) -> None:
    """However short the time, there is a pass that counts on both sides, and serving costs something."""
    found = one_client(server.grpc_address, Work(pictures, network_file(), "mm-pc"), seconds=0.1)

    assert found["passes"] >= 1
    assert found["p50_ms"] <= found["p99_ms"]
    assert found["alone_p50_ms"] > 0
    assert isinstance(found["overhead_ms"], float)
